"""The demonstration retailer: writes two years of exports as the systems of an omnichannel retailer would."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo.exports import World, write_exports
from demo.journeys import journeys, settle
from demo.orders import Sales, sales
from demo.people import people
from demo.retailer import products
from demo.stock import stock
from demo.truth import write_truth


@dataclass(frozen=True)
class Size:
    """How much of the retailer to write: people, web sessions, and how many recent days come in daily files."""

    people: int
    sessions: int
    daily: int


SIZES = {"small": Size(60_000, 700_000, 45), "medium": Size(1_100_000, 12_000_000, 45)}


@dataclass(frozen=True)
class Written:
    """What a run wrote: (path, rows, bytes) of every export."""

    files: tuple[tuple[str, int, int], ...]


def world(size: Size, seed: int) -> World:
    """Everything that happened, the same for the same size and seed."""

    def rng(part: int) -> np.random.Generator:
        return np.random.default_rng([seed, part])

    sold, crowd = products(rng(1)), people(size.people, rng(2))
    trade = sales(crowd, sold, rng(3))
    trips = journeys(crowd, sold, trade.orders, trade.lines, size.sessions, rng(4))
    trade = Sales(settle(trade.orders, trips.fulfilments), trade.lines, trade.returns)
    book = stock(sold, trade.orders, trade.lines, trade.returns, trips.fulfilments, rng(5))
    return World(crowd, sold, trade, trips, book, seed)


def write(
    inbox: Path,
    truth: Path,
    size: str | Size = "small",
    seed: int = 2026,
    progress: Callable[[str], None] = lambda message: None,
) -> Written:
    """Writes the exports into `<inbox>/<source>/<file>` and what is true of them into `truth`; byte for byte the same each time."""
    chosen = SIZES[size] if isinstance(size, str) else size
    progress("living two years of trade")
    made = world(chosen, seed)
    progress("writing exports")
    files, faults = write_exports(made, inbox, chosen.daily)
    progress("writing what is true")
    write_truth(made, truth, faults)
    return Written(tuple(files))
