"""The retailer's other currency: its marketplace sells in Hungary too, in forints; treasury books a rate each working day."""

import numpy as np
import polars as pl

from demo.retailer import DAYS, MARKETPLACE, START, day_index, working_days

FORINT, EURO = "HUF", "EUR"
BOUTIQUE = "Place Vermeille Magyarország"
# The boutique opened on a Monday in March; one order in so many is its.
OPENED = day_index(START.replace(year=2025, month=3, day=3))
ONE_IN = 7


def forint(rng: np.random.Generator) -> np.ndarray:
    """What a forint is worth in euros on each day, to ten decimals; on weekends and holidays as on the day before."""
    steps = rng.normal(0.0001, 0.004, DAYS)
    forints = 398 * np.exp(np.cumsum(np.where(working_days()[:DAYS], steps, 0)))
    return np.round(1 / forints, 10)


def in_forints(orders: pl.DataFrame, returns: pl.DataFrame) -> pl.DataFrame:
    """The `order`s placed in Hungary: what is sold there is not taken back."""
    chosen = (pl.col("channel") == MARKETPLACE) & (pl.col("day") >= OPENED) & (pl.col("order") % ONE_IN == 0)
    return orders.filter(chosen).select("order").join(returns.select("order"), on="order", how="anti", maintain_order="left")
