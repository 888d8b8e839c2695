"""What people exchange at the counter when they collect an order: a thing given back, and another one in its place."""

import numpy as np
import polars as pl

from demo.orders import RETURN_REASONS, Sales, appended, till_tickets, valid
from demo.people import People
from demo.products import Products, vat
from demo.retailer import COLLECT, DAY, END_UTC, EPOCH_DAY, stores, to_wall, wall_day

# Of those who collect, how many exchange something at once, and how many of these for a sound one instead of another size.
_EXCHANGES, _FAULTY = 0.02, 0.2
# How often the seller rings up both as one exchange; else the new one is an ordinary ticket to the till.
_TOLD = 0.7
_RESOLUTION = 1  # an exchange, of the tills' endings
_SIZE, _DAMAGED = RETURN_REASONS.index("size"), RETURN_REASONS.index("damaged")


def with_exchanges(
    people: People, products: Products, trade: Sales, fulfilments: pl.DataFrame, rng: np.random.Generator
) -> Sales:
    """The trade with exchanges at pick-ups: a return of one line of the order, a ticket for the same price, after all others.

    The returns carry `exchange`, the order that was given for them, and `exchange_number`, its number where the till told it.
    Another size is told always: that its ticket is no purchase could not be known otherwise.
    """
    s, orders = stores(), trade.orders
    came = fulfilments.filter((pl.col("mode") == COLLECT) & pl.col("collected").is_not_null())
    came = came.select(pl.col("order").cast(orders.schema["order"]), "collected", place=pl.col("store").cast(pl.Int64))
    told = orders.filter(valid()).select("order", "person", "channel", "store", "day", "country", "mode", "pickup")
    told = told.join(came, on="order", how="inner")
    back = (
        trade.lines.filter((pl.col("product") >= 0) & (pl.col("paid") > 0))
        .join(told, on="order", how="inner", maintain_order="left")
        .join(trade.returns, on=["order", "line"], how="anti", maintain_order="left")
        .unique("order", keep="first", maintain_order=True)
    )
    back = back.filter(pl.Series(rng.random(len(back)) < _EXCHANGES))
    place, product = back["place"].to_numpy(), back["product"].to_numpy()
    collected = to_wall(back["collected"].to_numpy(), s.timezone[place])
    day = wall_day(collected)
    closes = (day + EPOCH_DAY) * DAY + s.closes[place, day]
    wall = np.minimum(collected + rng.integers(2, 9, len(back)) * 60, np.maximum(closes - 60, collected)) // 60 * 60

    size = _other_size(products, product, rng)
    is_faulty = (rng.random(len(back)) < _FAULTY) | (size == product)
    number = pl.Series(np.arange(len(back))).cast(pl.String).str.zfill(6)
    store_id = pl.Series(s.frame["location_id"].to_numpy()[place])
    tickets = till_tickets(people, back["person"].to_numpy(), place, wall, store_id + "05" + number, rng.random(len(back)))
    is_known = tickets["utc"] < END_UTC
    tickets = appended(orders, tickets.filter(is_known))
    given = pl.Series(np.where(is_faulty, product, size))
    rates = pl.Series(vat(s.country[place], back["category"].to_numpy()))
    taken = back.with_columns(line=1, product=given, vat=rates).filter(is_known).with_columns(order=tickets["order"])
    taken = taken.cast(trade.lines.schema).select(trade.lines.columns)

    is_told = pl.Series(~is_faulty | (rng.random(len(back)) < _TOLD))
    back = back.with_columns(
        ok=True, return_store=pl.Series(place), return_day=pl.Series(day), return_wall=pl.Series(wall), blind=False,
        resolution=_RESOLUTION, reason=pl.Series(np.where(is_faulty, _DAMAGED, _SIZE)), refund="paid", return_line=1,
        return_number=store_id + "80" + number, is_told=is_told,
    ).filter(is_known)  # fmt: skip
    back = back.with_columns(
        return_utc=tickets["utc"],
        batch=pl.int_range(1, pl.len() + 1) + trade.returns["batch"].max(),
        exchange=tickets["order"],
        exchange_number=pl.when("is_told").then(tickets["number"]),
    )
    known = trade.returns.schema
    back = back.cast(known).select(*known, "exchange", "exchange_number")
    return Sales(
        pl.concat([orders, tickets], how="diagonal"),
        pl.concat([trade.lines, taken]),
        pl.concat([trade.returns, back], how="diagonal"),
    )


def _other_size(products: Products, product: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The next size of each product's model, up or down; the product itself where the model has one size."""
    model = products.frame["sku"].str.slice(0, 7).to_numpy()
    up = rng.random(len(product)) < 0.5
    last = len(model) - 1
    first, second = (np.clip(product + step, 0, last) for step in (np.where(up, 1, -1), np.where(up, -1, 1)))
    mine = model[product]
    return np.where(model[first] == mine, first, np.where(model[second] == mine, second, product))
