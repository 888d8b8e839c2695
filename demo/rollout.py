"""What click & collect changed: the web lost a little to the stores, and the stores gained more, growing over months.

As Gallino & Moreno (2014) found for pick-up in store: customers who see on the web what their store has go there, and buy more.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from demo.orders import store_seconds
from demo.people import People
from demo.retailer import APP, DAY, DAYS, IN_STORE, SHUT, STORE, WEB, day_index, stores, to_utc

# How an order came about: as it would have anyway, in the store instead of the web, or on top.
ANYWAY, MOVED, ADDED = range(3)
# Once ripe: the share of web and app orders that move to the home store, and the store orders on top of each.
_MOVES, _ADDS = 0.15, 0.13
# Months until two thirds of it are there.
_RIPENS = 3


def after_rollout(people: People, rng: np.random.Generator) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """What turns the orders placed had nothing been rolled out into those that were, with `cause` saying how each came about."""

    def change(orders: pl.DataFrame) -> pl.DataFrame:
        s = stores()
        home = people.home[orders["person"].to_numpy()]
        channel, store, day = (orders[column].to_numpy() for column in ("channel", "store", "day"))
        is_plain = ((orders["fate"] == "") & ~orders["is_staff"] & ~orders["is_b2b"] & ~orders["is_test"]).to_numpy()
        u = rng.random(len(orders))
        is_moved = is_plain & np.isin(channel, [WEB, APP]) & is_open(home, day) & (u < _MOVES * _ripe(home, day))
        later = day + 7 * rng.integers(1, 4, len(orders))
        here = np.where(channel == STORE, store, 0)
        is_added = is_plain & (channel == STORE) & (u < _ADDS * _ripe(here, day)) & is_open(here, later)

        wall = np.where(is_moved, store_seconds(rng, home, day), orders["wall"].to_numpy())
        moved = orders.with_columns(
            cause=pl.Series(np.where(is_moved, MOVED, ANYWAY), dtype=pl.Int8),
            channel=pl.Series(np.where(is_moved, STORE, channel), dtype=pl.Int8),
            store=pl.Series(np.where(is_moved, home, store), dtype=pl.Int16),
            pickup=pl.Series(np.where(is_moved, -1, orders["pickup"].to_numpy()), dtype=pl.Int16),
            mode=pl.Series(np.where(is_moved, IN_STORE, orders["mode"].to_numpy()), dtype=pl.Int8),
            country=pl.Series(np.where(is_moved, s.country[home], orders["country"].to_numpy()), dtype=pl.Int8),
            wall=pl.Series(wall),
            utc=pl.Series(np.where(is_moved, to_utc(wall, s.timezone[home]), orders["utc"].to_numpy())),
        )
        added = orders.filter(pl.Series(is_added))
        wall = added["wall"].to_numpy() + (later - day)[is_added] * DAY
        added = added.with_columns(
            cause=pl.lit(ADDED, pl.Int8),
            day=pl.Series(later[is_added], dtype=pl.Int32),
            wall=pl.Series(wall),
            utc=pl.Series(to_utc(wall, s.timezone[here[is_added]])),
        )
        return pl.concat([moved, added.select(moved.columns)])

    return change


def _ripe(store: np.ndarray, day: np.ndarray) -> np.ndarray:
    """How much of the effect is there in a store on each day; 0 before it goes live."""
    return ripened(day - stores().collect_day[store])


def ripened(days: np.ndarray) -> np.ndarray:
    """How much of a service's effect is there so many days after it went live; 0 before."""
    return 1 - np.exp(-np.maximum(days, 0) / (_RIPENS * 30.4))


def is_open(store: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Whether each store trades on each day, as far as the data reach."""
    s = stores()
    known = np.minimum(day, DAYS - 1)
    is_shut = np.isin(day, [day_index(shut) for shut in SHUT])
    is_there = (day >= s.first_day[store]) & (day <= s.last_day[store]) & (day < DAYS)
    return is_there & ~is_shut & (s.closes[store, known] > s.opens[store, known])
