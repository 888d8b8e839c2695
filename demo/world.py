"""Everything that happened at the retailer, made from a size and a seed."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from demo.journeys import Journeys, journeys, settle
from demo.orders import Sales, sales
from demo.people import People, people
from demo.products import Products, products
from demo.rollout import after_rollout
from demo.stock import Stock, stock


@dataclass(frozen=True)
class Size:
    """How much of the retailer to write: people, web sessions, and how many recent days come in daily files."""

    people: int
    sessions: int
    daily: int


SIZES = {"small": Size(60_000, 700_000, 10), "medium": Size(1_100_000, 12_000_000, 10)}


@dataclass(frozen=True)
class World:
    """All that happened, as the generator knows it."""

    people: People
    products: Products
    sales: Sales
    journeys: Journeys
    stock: Stock
    seed: int


def world(size: Size, seed: int) -> World:
    """Everything that happened, the same for the same size and seed."""

    def rng(part: int) -> np.random.Generator:
        return np.random.default_rng([seed, part])

    sold, crowd = products(rng(1)), people(size.people, rng(2))
    trade = sales(crowd, sold, rng(3), after_rollout(crowd, rng(71)))
    trips = journeys(crowd, trade.orders, trade.lines, size.sessions, rng(4))
    orders = settle(trade.orders, trips.fulfilments)
    # What nobody collected was never bought, so it does not come back either.
    bought = orders.filter(pl.col("fate") == "").select("order")
    trade = Sales(orders, trade.lines, trade.returns.join(bought, on="order", how="semi", maintain_order="left"))
    book = stock(sold, trade.orders, trade.lines, trade.returns, trips.fulfilments, rng(5))
    return World(crowd, sold, trade, trips, book, seed)
