"""Everything that happened at the retailer, made from a size and a seed."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from demo.collections import with_add_ons
from demo.comebacks import with_purchases, with_refund_contacts
from demo.currencies import forint
from demo.disagreements import Disagreements, disagree
from demo.endless_aisle import with_orders_of_what_was_missing
from demo.exchanges import with_exchanges
from demo.journeys import Journeys, journeys, settle
from demo.orders import Sales, sales
from demo.people import People, people
from demo.preparation import preparation
from demo.products import Products, products
from demo.reservations import reservations
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
    disagreements: Disagreements
    preparation: pl.DataFrame
    forint: np.ndarray  # euros for one, by day
    seed: int


def world(size: Size, seed: int) -> World:
    """Everything that happened, the same for the same size and seed."""

    def rng(part: int) -> np.random.Generator:
        return np.random.default_rng([seed, part])

    sold, crowd = products(rng(1)), people(size.people, rng(2))
    trade = sales(crowd, sold, rng(3), after_rollout(crowd, rng(71)))
    trips = journeys(crowd, trade.orders, trade.lines, size.sessions, rng(4))
    trips, faults = disagree(trade, trips, sold, rng(61), rng(64))
    orders = settle(trade.orders, trips.fulfilments)
    # Tickets whose goods came back or were reserved have a buyer who matters elsewhere.
    taken = pl.concat([trade.returns["order"], trips.reservations["order"]])
    orders = with_add_ons(crowd, orders, trips.fulfilments, taken, rng(30))
    held = reservations(crowd, orders, trade.lines, trips.sessions, trips.reservations, rng(31))
    trips = replace(trips, reservations=held)
    # What nobody collected was never bought, so it does not come back either.
    bought = orders.filter(pl.col("fate") == "").select("order")
    trade = Sales(orders, trade.lines, trade.returns.join(bought, on="order", how="semi", maintain_order="left"))
    trade = with_purchases(crowd, sold, trade, rng(73))
    trade = with_exchanges(crowd, sold, trade, trips.fulfilments, rng(74))
    trade = with_orders_of_what_was_missing(crowd, sold, trade, rng(75))
    trips = replace(trips, contacts=with_refund_contacts(trade, trips.contacts, rng(72)))
    book = stock(sold, trade.orders, trade.lines, trade.returns, trips, rng(5), rng(51), rng(52))
    work = preparation(crowd, orders, trips.fulfilments, rng(50))
    return World(crowd, sold, trade, trips, book, faults, work, forint(rng(92)), seed)
