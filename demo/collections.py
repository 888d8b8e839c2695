"""What people buy when they come for their order: some tickets nobody was known for turn out to be theirs."""

import numpy as np
import polars as pl

from demo.orders import valid
from demo.people import People
from demo.retailer import COLLECT, STORE, stores, to_wall, wall_day

# Of those who come for an order, how many look around and buy.
BUYS = 0.17


def with_add_ons(
    people: People, orders: pl.DataFrame, fulfilments: pl.DataFrame, taken: pl.Series, rng: np.random.Generator
) -> pl.DataFrame:
    """The orders, of which some anonymous tickets become those of people who had come to collect that day, card in hand.

    No order is added or moved, so the stores' days stay as they are; the orders `taken` keep their buyers.
    """
    s = stores()
    came = fulfilments.filter((pl.col("mode") == COLLECT) & pl.col("collected").is_not_null()).select(
        "order", "collected", store=pl.col("store").cast(pl.Int64)
    )
    came = came.filter(pl.Series(rng.random(len(came)) < BUYS))
    zone = s.timezone[came["store"].to_numpy()]
    came = came.with_columns(
        day=pl.Series(wall_day(to_wall(came["collected"].to_numpy(), zone))).cast(pl.Int64),
        person=orders["person"].gather(came["order"]),
        # the order in which they pass the till
        turn=pl.Series(rng.permutation(len(came))),
    ).filter(pl.col("order").is_in(orders.filter(valid())["order"].implode()))
    came = came.unique(["person", "store", "day"], keep="first", maintain_order=True)
    came = came.with_columns(turn=pl.col("turn").rank("ordinal").over("store", "day"))
    anonymous = pl.all_horizontal(pl.col("shown_card", "shown_ref", "shown_email", "shown_phone").is_null())
    free = orders.filter((pl.col("channel") == STORE) & anonymous & valid() & ~pl.col("order").is_in(taken.implode()))
    free = free.select("order", store=pl.col("store").cast(pl.Int64), day=pl.col("day").cast(pl.Int64))
    free = free.with_columns(turn=pl.int_range(1, pl.len() + 1).over("store", "day").cast(pl.UInt32))
    known = people.frame.select("person", "card", "email")
    theirs = (
        free.join(came.select("store", "day", "turn", "person"), on=["store", "day", "turn"])
        .join(known, on="person", how="left")
        .select("order", buyer="person", card="card", email=pl.when(pl.col("card").is_null()).then("email"))
    )
    return (
        orders.join(theirs, on="order", how="left", maintain_order="left")
        .with_columns(
            person=pl.coalesce("buyer", "person").cast(orders["person"].dtype),
            shown_card=pl.coalesce("card", "shown_card"),
            shown_email=pl.coalesce("email", "shown_email"),
        )
        .drop("buyer", "card", "email")
    )
