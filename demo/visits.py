"""What is true of visits to stores: who comes in, who fetches what was held or ordered, and what they buy then and after."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from demo.retailer import COLLECT, DAY, DAYS, EPOCH_DAY, stores, to_utc, to_wall, wall_day
from demo.world import World

WINDOWS = {"_1d": 1, "": 7, "_30d": 30}
HOUR = 3600

Measures = dict[str, tuple[pl.Expr, pl.Expr | None]]
Tally = Callable[[pl.DataFrame, str, Measures], pl.DataFrame]


def store_visits(
    world: World, sold: pl.DataFrame, mine: pl.DataFrame, accounts: pl.Series, tally: Tally
) -> Iterator[pl.DataFrame]:
    """KPIs of visits; `sold` are all valid orders, `mine` those of known persons (`who`), `accounts` each one's own person."""
    tickets = sold.filter(pl.col("channel") == "store")
    yield _everywhere(tally(_entries(world, tickets), "day", {"store_conversion_rate": _over("tickets", "entries")}))
    known = pl.col("sales").filter(pl.col("resolved_person").is_not_null()).sum() / 10_000
    known_ttc = pl.col("sales_ttc").filter(pl.col("resolved_person").is_not_null()).sum() / 10_000
    yield _everywhere(
        tally(
            tickets,
            "day",
            {
                "identified_store_sales_rate": (known, pl.col("sales").sum() / 10_000),
                "identified_store_sales_rate_ttc": (known_ttc, pl.col("sales_ttc").sum() / 10_000),
            },
        )
    )
    yield _everywhere(tally(_after_store(mine), "day", _after_measures()))
    holds = _holds(world, sold, accounts)
    rates: Measures = {
        "reservation_conversion_rate": (pl.col("bought").filter("over").sum(), pl.col("over").sum()),
        "no_show_rate": (pl.col("missed").filter("over").sum(), pl.col("over").sum()),
        "reservations": (pl.len(), None),
    }
    yield _everywhere(tally(holds, "day", rates))
    yield tally(
        _collections(world, mine),
        "day",
        {
            "pickup_add_on_rate": (pl.col("adds").sum(), pl.len()),
            "pickup_add_on_value": (pl.col("sales").sum() / 10_000, pl.len()),
            "pickup_add_on_value_ttc": (pl.col("sales_ttc").sum() / 10_000, pl.len()),
        },
    )


def _over(above: str, below: str) -> tuple[pl.Expr, pl.Expr]:
    return pl.col(above).sum(), pl.col(below).sum()


def _everywhere(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not of one channel: all of these happen in stores."""
    return rows.filter(pl.col("channel") == "all")


def _entries(world: World, tickets: pl.DataFrame) -> pl.DataFrame:
    """Each hour a counter worked, with its people and tickets; one that saw nobody but buyers had failed."""
    rung = tickets.group_by(store=pl.col("store").cast(pl.Int64), hour_utc=pl.col("utc") // HOUR).agg(tickets=pl.len())
    hours = world.journeys.traffic.select(
        "day", "entries", store=pl.col("store").cast(pl.Int64), hour_utc=pl.col("utc") // HOUR, channel=pl.lit("store")
    )
    hours = hours.join(rung, on=["store", "hour_utc"], how="left").with_columns(pl.col("tickets").fill_null(0))
    return hours.filter((pl.col("entries") > 0) | (pl.col("tickets") == 0))


def _after_store(mine: pl.DataFrame) -> pl.DataFrame:
    """Each store purchase of a known person with the day of their next web or app order."""
    who = pl.col("who").cast(pl.Int64)
    web = mine.filter(pl.col("channel").is_in(["web", "app"])).select(who, "utc", web_day="day").sort("utc")
    bought = mine.filter(pl.col("channel") == "store").select(who, "utc", "day", "channel").sort("utc")
    return bought.join_asof(web, on="utc", by="who", strategy="forward", allow_exact_matches=False, check_sortedness=False)


def _after_measures() -> Measures:
    found: Measures = {}
    for suffix, days in WINDOWS.items():
        over = pl.col("day") + days <= DAYS - 1
        turned = over & (pl.col("web_day") <= pl.col("day") + days)
        found[f"store_to_web_conversion_rate{suffix}"] = (
            pl.col("who").filter(turned).n_unique(),
            pl.col("who").filter(over).n_unique(),
        )
    return found


def _holds(world: World, sold: pl.DataFrame, accounts: pl.Series) -> pl.DataFrame:
    """Reservations with what became of them, as far as the ticket's number or the person at the till tells."""
    s = stores()
    held = world.journeys.reservations
    zone = s.timezone[held["store"].to_numpy().astype(int)]
    end = to_utc(np.full(len(held), (DAYS + EPOCH_DAY) * DAY), zone)
    buyer = sold.select(order=pl.col("order").cast(pl.Int64), utc="utc", buyer=pl.col("resolved_person"))
    held = held.with_columns(pl.col("order").cast(pl.Int64)).join(buyer, on="order", how="left", maintain_order="left")
    told = pl.col("ticket").is_not_null() | (pl.col("buyer") == pl.col("holder"))
    return held.with_columns(
        day=pl.Series(wall_day(to_wall(held["reserved"].to_numpy(), zone))),
        over=pl.col("expires") <= pl.Series(end),
        holder=accounts.gather(held["person"]),
        channel=pl.lit("store"),
    ).with_columns(bought=(told & (pl.col("utc") <= pl.col("expires"))).fill_null(False)).with_columns(
        missed=~pl.col("bought") & (pl.col("status") != "cancelled")
    )  # fmt: skip


def _collections(world: World, mine: pl.DataFrame) -> pl.DataFrame:
    """Pick-ups collected by known persons, with the sales of their other tickets of that store and day on the day's first.

    A ticket given in exchange is no purchase.
    """
    s = stores()
    came = world.journeys.fulfilments.filter((pl.col("mode") == COLLECT) & pl.col("collected").is_not_null())
    came = came.select("fulfilment", "order", "collected", store=pl.col("store").cast(pl.Int64))
    came = came.join(mine.select("order", "who", "channel"), on="order", how="inner", maintain_order="left")
    zone = s.timezone[came["store"].to_numpy()]
    came = came.with_columns(day=pl.Series(wall_day(to_wall(came["collected"].to_numpy(), zone))).cast(pl.Int64))
    key = ["who", "store", "day"]
    given = world.sales.returns["exchange"].drop_nulls()
    tickets = mine.filter((pl.col("channel") == "store") & ~pl.col("order").is_in(given.implode()))
    tickets = tickets.with_columns(pl.col("store", "day").cast(pl.Int64))
    sums = tickets.group_by(key).agg(pl.col("sales", "sales_ttc").sum())
    came = came.join(sums, on=key, how="left", maintain_order="left").sort("collected", "fulfilment", maintain_order=True)
    is_first = pl.int_range(pl.len()).over(key) == 0
    return came.with_columns(
        adds=pl.col("sales").is_not_null(),
        sales=pl.when(is_first).then(pl.col("sales").fill_null(0)).otherwise(0),
        sales_ttc=pl.when(is_first).then(pl.col("sales_ttc").fill_null(0)).otherwise(0),
    )
