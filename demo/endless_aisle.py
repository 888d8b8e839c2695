"""Ordering in the store what it lacks, on trial in one country: customers who came in vain buy after all."""

from datetime import date

import numpy as np
import polars as pl

from demo.orders import Sales, appended, order_lines, till_tickets
from demo.people import People
from demo.products import Products
from demo.retailer import DAY, DAYS, END_UTC, STORE, day_index, stores
from demo.rollout import ADDED, is_open, ripened

CAPABILITY = "endless_aisle"
# The stores of the trial never had another service.
LIVE = {"0070": date(2026, 1, 12), "0071": date(2026, 1, 12)}
# Once ripe: the store orders on top of each.
_ADDS = 0.3


def with_orders_of_what_was_missing(people: People, products: Products, trade: Sales, rng: np.random.Generator) -> Sales:
    """The trade with the tickets that the service brought in; they stand after all others and have it as their cause."""
    s = stores()
    names = s.frame["location_id"].to_numpy()
    live = np.array([day_index(LIVE[name]) if name in LIVE else DAYS for name in names])
    plain = (pl.col("channel") == STORE) & (pl.col("fate") == "") & ~pl.any_horizontal("is_staff", "is_b2b", "is_test")
    came = trade.orders.filter(plain & pl.col("store").is_in(np.flatnonzero(live < DAYS)))
    store, day = came["store"].to_numpy().astype(int), came["day"].to_numpy()
    later = day + 7 * rng.integers(1, 4, len(came))
    kept = (rng.random(len(came)) < _ADDS * ripened(day - live[store])) & is_open(store, later)
    n = int(kept.sum())
    wall = (came["wall"].to_numpy() + (later - day) * DAY)[kept]
    number = pl.Series(names[store[kept]]) + "06" + pl.Series(np.arange(n)).cast(pl.String).str.zfill(6)
    tickets = till_tickets(people, came["person"].to_numpy()[kept], store[kept], wall, number, rng.random(n))
    tickets = appended(trade.orders, tickets.filter(pl.col("utc") < END_UTC).with_columns(cause=ADDED))
    bought = order_lines(tickets, products, rng).with_columns(pl.col("order") + len(trade.orders))
    return Sales(pl.concat([trade.orders, tickets], how="diagonal"), pl.concat([trade.lines, bought]), trade.returns)
