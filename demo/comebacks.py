"""What returns lead to: purchases on the same visit to the store, and contacts about the refund."""

import numpy as np
import polars as pl

from demo import retailer
from demo.journeys import start_utc
from demo.orders import Sales, appended, order_lines, till_tickets
from demo.people import People
from demo.products import Products
from demo.retailer import DAY, END_UTC, EPOCH_DAY, STORE, stores, to_utc, wall_day

# Chance that who brings a web order's goods back to a store buys there on the same visit.
_BUYS = 0.17
# Chance that who sent goods back by post asks where the refund is.
_ASKS = 0.11
_REFUND = 1  # of CONTACT_REASONS


def with_purchases(people: People, products: Products, trade: Sales, rng: np.random.Generator) -> Sales:
    """The trade with tickets of people who brought a web order back and bought on that visit; they stand after all others."""
    s, orders = stores(), trade.orders
    visits = trade.returns.filter((pl.col("channel") != STORE) & (pl.col("return_store") >= 0))
    visits = visits.unique(["person", "return_store", "return_day"], keep="first", maintain_order=True)
    visits = visits.filter(pl.Series(rng.random(len(visits)) < _BUYS))
    n = len(visits)
    person, store, day = (visits[c].to_numpy().astype(int) for c in ("person", "return_store", "return_day"))
    wall = visits["return_wall"].to_numpy() + rng.integers(1, 50, n) * 60
    wall = np.minimum(wall, (day + EPOCH_DAY) * DAY + np.maximum(s.closes[store, day], visits["return_wall"].to_numpy() % DAY))
    number = pl.Series(s.frame["location_id"].to_numpy()[store]) + "04" + pl.Series(np.arange(n)).cast(pl.String).str.zfill(6)
    tickets = till_tickets(people, person, store, wall, number, rng.random(n))
    tickets = appended(orders, tickets.filter(pl.col("utc") < END_UTC))
    bought = order_lines(tickets, products, rng).with_columns(pl.col("order") + len(orders))
    return Sales(pl.concat([orders, tickets], how="diagonal"), pl.concat([trade.lines, bought]), trade.returns)


def with_refund_contacts(trade: Sales, contacts: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The contacts with those about refunds of goods sent back by post, some asked about twice."""
    orders, returns = trade.orders, trade.returns
    posted = returns.filter(pl.col("return_store") < 0).unique("return_number", keep="first", maintain_order=True)
    asked = posted.filter(pl.Series(rng.random(len(posted)) < _ASKS))
    again = asked.filter(pl.Series(rng.random(len(asked)) < 0.2))
    first = wall_day(retailer.local(asked["return_utc"].to_numpy())) + rng.integers(2, 9, len(asked))
    second = wall_day(retailer.local(again["return_utc"].to_numpy())) + rng.integers(10, 14, len(again))
    asked, day = pl.concat([asked, again]), np.r_[first, second]
    n = len(asked)
    day = day + (retailer.weekday(day) == 6)
    wall = (day + EPOCH_DAY) * DAY + 9 * 3600 + (rng.beta(1.4, 1.6, n) * 9.5 * 3600).astype(np.int64) // 60 * 60
    by = rng.choice(4, n, p=[0.38, 0.36, 0.18, 0.08])
    utc = to_utc(wall, 0)
    order = asked["order"].to_numpy().astype(np.int64)
    more = pl.DataFrame(
        {
            "person": asked["person"], "order": order, "reason": _REFUND, "wall": wall, "utc": utc, "by": by,
            "minutes": np.round(rng.gamma(3, np.array([2.4, 2.9, 2.1, 0.3])[by], n), 1),
            "solved": utc + 300 + rng.exponential(9 * 3600, n).astype(np.int64) // 60 * 60,
            "score": np.clip(np.round(rng.normal(3.4, 1.0, n)), 1, 5).astype(int), "scored": rng.random(n) < 0.3,
            "transfer": rng.random(n) < 0.05, "outbound": rng.random(n) < 0.04, "says": rng.integers(0, 3, n),
            "number": orders["number"].gather(order),
        }
    )  # fmt: skip
    more = more.filter(pl.col("utc").is_between(start_utc(), END_UTC - 1)).with_columns(
        solved=pl.when(pl.col("solved") < END_UTC).then("solved")
    )
    told = contacts.drop("contact")
    both = pl.concat([told, more.cast({c: told.schema[c] for c in more.columns}).select(told.columns)])
    return both.sort("utc", "person", "reason", maintain_order=True).with_row_index("contact")
