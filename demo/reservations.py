"""Holds of a product in a store: most end at the till, some after the hold, others are cancelled or nobody comes."""

import numpy as np
import polars as pl

from demo.orders import valid
from demo.people import People
from demo.retailer import DAY, END_UTC, STORE, stores

HOLD = 2 * DAY
# Days after its go-live from which a store's stock can be reserved on the web.
FROM = 60


def reservations(
    people: People,
    orders: pl.DataFrame,
    lines: pl.DataFrame,
    sessions: pl.DataFrame,
    scanned: pl.DataFrame,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """All reservations in time order; `scanned` are those whose ticket the till named when they were collected.

    `order` is the ticket a reservation ended in, `ticket` its number where the till scanned it.
    """  # fmt: skip
    others = orders.join(scanned, on="order", how="anti")
    parts = [scanned, _fetched(people, others, lines, rng), _missed(people, lines, sessions, rng)]
    found = pl.concat(parts, how="diagonal_relaxed")
    return found.sort("reserved", "person", maintain_order=True).with_row_index("reservation")


def _fetched(people: People, orders: pl.DataFrame, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Tickets that began with a reservation; now and then the hold was over, or the till did not scan its number."""
    s = stores()
    first = lines.filter((pl.col("line") == 1) & (pl.col("product") >= 0)).select("order", "product")
    tickets = orders.filter((pl.col("channel") == STORE) & valid()).join(first, on="order", how="inner", maintain_order="left")
    since = tickets["day"].to_numpy() - s.collect_day[tickets["store"].to_numpy()] - FROM
    grows = np.clip(since / 240, 0.3, 1)
    chance = np.where((since > 0) & people.has_account[tickets["person"].to_numpy()], 0.09 * grows, 0)
    made = tickets.filter(pl.Series(rng.random(len(tickets)) < chance))
    u = rng.random((len(made), 3))
    is_late = u[:, 0] < 0.06
    hours = np.where(is_late, 49 + 20 * u[:, 1], 2 + 44 * u[:, 1])
    reserved = made["utc"].to_numpy() - (hours * 3600).astype(np.int64)
    is_scanned = pl.Series(u[:, 2] < 0.85)
    return made.select(
        "person",
        "store",
        "product",
        "order",
        ticket=pl.when(is_scanned).then("number"),
        reserved=pl.Series(reserved),
        expires=pl.Series(reserved + HOLD),
        # what the till did not scan, order management lets expire
        status=pl.when(is_scanned).then(pl.lit("bought")).otherwise(_unless_open(reserved, "expired")),
    ).filter(pl.col("reserved") >= 0)


def _missed(people: People, lines: pl.DataFrame, sessions: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Holds made during a visit online that nobody came for, or that were cancelled in time."""
    s = stores()
    home = people.home[np.maximum(sessions["person"].to_numpy(), 0)]
    since = sessions["day"].to_numpy() - s.collect_day[home] - FROM
    may = sessions["signed"].to_numpy() & (since > 0) & (sessions["day"].to_numpy() <= s.last_day[home])
    made = sessions.filter(pl.Series(may & (rng.random(len(sessions)) < 0.02 * np.clip(since / 240, 0.3, 1))))
    n = len(made)
    reserved = made["utc"].to_numpy() + rng.integers(120, 900, n)
    goods = lines.filter(pl.col("product") >= 0)["product"]
    wanted = goods.gather(rng.integers(0, len(goods), n))
    is_cancelled = pl.Series(rng.random(n) < 0.27)
    return made.select(
        "person",
        store=pl.Series(people.home[made["person"].to_numpy()]),
        product=wanted,
        reserved=pl.Series(reserved),
        expires=pl.Series(reserved + HOLD),
        status=pl.when(is_cancelled).then(pl.lit("cancelled")).otherwise(_unless_open(reserved, "expired")),
    ).filter(pl.col("reserved") < END_UTC)


def _unless_open(reserved: np.ndarray, status: str) -> pl.Series:
    """The status, but `open` while the hold still runs at END."""
    return pl.Series(np.where(reserved + HOLD >= END_UTC, "open", status))
