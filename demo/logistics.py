"""Exports of logistics: order management, carriers, warehouses."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import polars as pl

from demo import retailer
from demo.disagreements import oms_clock
from demo.files import ENGLISH, SEMICOLON, TABS, Export, after, empty, euros, iso, moment, named, paris, periods, split
from demo.journeys import CARRIERS
from demo.retailer import DAYS, END_UTC, START, paris_day
from demo.stock import LOSS_REASONS
from demo.world import World

_OMS_MODES = ("", "DELIVERY", "CC", "RC", "SFS")
_LATER = ("2026-09", "2026-10")  # months delivered at their end and again two weeks later
_OPEN = "2026-11"  # the month that is not over; its last days come one by one


def _masked(frame: pl.DataFrame, columns: list[str], until: datetime) -> pl.DataFrame:
    """The rows as a system knew them at `until`: what happened later is empty."""
    limit = int(until.timestamp())
    return frame.with_columns([pl.when(pl.col(c) < limit).then(pl.col(c)).alias(c) for c in columns])


def _nightly(rows: pl.DataFrame, moments: list[str], daily: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """For each of the last days, the rows of which something happened since the export of the night before."""
    for day in range(DAYS - daily, DAYS):
        first, last = (int(after(one, 1).timestamp()) for one in (day - 1, day))
        part = rows.filter(pl.any_horizontal(pl.col(c).is_between(first, last - 1) for c in moments))
        if len(part):
            yield day, part


def oms(world: World, daily: int) -> Iterator[Export]:
    """Fulfilments and reservations by month; two recent months come once as known at month's end and once corrected.

    The last days come one by one: what was created or changed on each, as it was known that night.
    """
    rows = world.preparation
    rows = rows.with_columns(day=pl.Series(np.minimum(paris_day(rows["created"].fill_null(END_UTC - 1).to_numpy()), DAYS - 1)))
    rows = rows.filter(pl.col("created").is_not_null()).with_columns(created_by_oms=oms_clock("created"))
    moments = ["accepted", "ready", "collected", "shipped", "delivered", "cancelled", "expired"]
    for span, part in split(rows.filter(pl.col("day") < DAYS - daily), "day", periods(daily)):
        name = f"oms/fulfilments_{span.label}.csv"
        if span.label in (*_LATER, _OPEN):
            at = after(span.last, 1)
            yield Export(name, _fulfilment_rows(_masked(part, moments, at)), ENGLISH, at)
            name = name.replace(".csv", "_v2.csv")
        if span.label != _OPEN or not daily:
            yield Export(name, _fulfilment_rows(part), ENGLISH, after(min(span.last + 15, DAYS - 1), 2.5))
    for day, part in _nightly(rows, ["created", *moments], daily):
        at = after(day, 1)
        yield Export(f"oms/fulfilments_{retailer.day_of(day)}.csv", _fulfilment_rows(_masked(part, moments, at)), ENGLISH, at)
    places = retailer.stores().frame["location_id"].to_list()
    holds = world.journeys.reservations
    holds = holds.with_columns(
        day=pl.Series(paris_day(holds["reserved"].to_numpy())), account=world.people.frame["account"].gather(holds["person"])
    )
    sku = np.array(world.products.frame["sku"])
    for span, part in split(holds, "day", periods(months=3)):
        table = part.select(
            (pl.col("reservation") + 7_000_001).cast(pl.String).alias("reservation_id"),
            pl.col("account").alias("customer_id"),
            named("store", places).alias("store"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            pl.lit(1).alias("quantity"),
            iso("reserved").alias("reserved_at"),
            iso("expires").alias("expires_at"),
            pl.col("ticket").alias("ticket"),
            pl.col("status"),
        )
        yield Export(f"oms/reservations_{span.label}.csv", table, ENGLISH, after(min(span.last + 15, DAYS - 1), 2.7))


def _fulfilment_rows(part: pl.DataFrame) -> pl.DataFrame:
    return part.select(
        (pl.col("fulfilment") + 300_001).cast(pl.String).str.zfill(10).alias("fulfilment_id"),
        pl.col("number").alias("order_number"),
        named("mode", list(_OMS_MODES)).alias("type"),
        pl.col("location").alias("site"),
        iso("created_by_oms").alias("created_at"),
        *(iso(c).alias(f"{c}_at") for c in ("promised", "first_promised", "accepted", "ready", "collected", "shipped",
                                             "delivered", "cancelled", "expired")),
        empty("reason").alias("reason"),
        pl.col("requested").alias("lines_requested"),
        pl.col("fulfilled").alias("lines_fulfilled"),
        euros("cost").alias("preparation_cost"),
    )  # fmt: skip


_PARCEL_STATUS = {"in_transit": "In transit", "delivered": "Delivered", "failed": "Undeliverable", "lost": "Lost"}


def tms(world: World, daily: int) -> Iterator[Export]:
    """Parcels by month of hand-over: tab separated, American dates in Paris time; late scans come with the second delivery."""
    rows = pl.concat([world.journeys.shipments, world.disagreements.stray_parcels, world.disagreements.copied_parcels])
    rows = rows.with_columns(day=pl.Series(paris_day(rows["shipped"].to_numpy())))
    for span, part in split(rows.filter(pl.col("day") < DAYS - daily), "day", periods(daily)):
        name = f"tms/shipments_{span.label}.txt"
        if span.label in (*_LATER, _OPEN):
            at = after(span.last, 1.5)
            yield Export(name, _parcel_rows(_under_way(part, at)), TABS, at)
            name = name.replace(".txt", "_v2.txt")
        spoiled = (_BAD_PARCEL,) if span.label == "2026-05" else ()
        if span.label != _OPEN or not daily:
            yield Export(name, _parcel_rows(part), TABS, after(min(span.last + 15, DAYS - 1), 3), spoiled)
    for day, part in _nightly(rows, ["shipped", "delivered"], daily):
        at = after(day, 1.5)
        yield Export(f"tms/shipments_{retailer.day_of(day)}.txt", _parcel_rows(_under_way(part, at)), TABS, at)


def _under_way(part: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Parcels as known at `until`: those delivered later are in transit."""
    early = _masked(part, ["delivered"], until)
    is_open = part["delivered"].is_not_null() & early["delivered"].is_null()
    return early.with_columns(status=pl.when(is_open).then(pl.lit("in_transit")).otherwise("status"))


def _parcel_rows(part: pl.DataFrame) -> pl.DataFrame:
    shown = part.with_columns(
        **{c: pl.Series(paris(part[c]), dtype=pl.Int64) for c in ("shipped", "promised", "delivered")},
    )
    pattern = "%m/%d/%Y %I:%M:%S %p"
    return shown.select(
        pl.format("PX{}FR", (pl.col("shipment") + 40_000_001)).alias("Tracking Number"),
        pl.col("number").alias("Order Reference"),
        (pl.col("fulfilment") + 300_001).cast(pl.String).str.zfill(10).alias("Fulfilment"),
        named("carrier", CARRIERS).alias("Carrier"),
        pl.when("express").then(pl.lit("Express")).otherwise(pl.lit("Standard")).alias("Service"),
        moment("shipped", pattern).alias("Ship Date"),
        moment("promised", pattern).alias("Promised Date"),
        moment("delivered", pattern).alias("Delivery Date"),
        pl.col("attempts").alias("Attempts"),
        euros("cost").alias("Cost"),
        pl.col("status").replace_strict(_PARCEL_STATUS, return_dtype=pl.String).alias("Status"),
    )


_BAD_PARCEL = {
    "Tracking Number": "PX99999999FR", "Order Reference": "19999009", "Carrier": "Rapidis", "Service": "Standard",
    "Ship Date": "13/45/2026 09:00:00 AM", "Promised Date": "05/20/2026 08:00:00 PM", "Attempts": "1", "Cost": "5.10",
    "Status": "In transit",
}  # fmt: skip
_MOVES = {
    "receipt": "REC",
    "transfer_out": "TSO",
    "transfer_in": "TSI",
    "sale": "VTE",
    "return": "RET",
    "loss": "PER",
    "adjustment": "REG",
}
_LOSS_WORDS = dict(
    zip((*LOSS_REASONS, "stock_count", ""), ("CASSE", "VOL", "DON", "PEREMPTION", "INVENTAIRE", None), strict=True)
)


def wms(world: World, daily: int) -> Iterator[Export]:
    """The stock book of the followed products: month-end levels, every movement, and the counts."""
    sku, cost = np.array(world.products.frame["sku"]), world.products.cost
    levels = world.stock.levels.with_columns(file=pl.col("day").clip(0))
    for span, part in split(levels, "file", periods(months=3)):
        table = part.select(
            pl.col("location").alias("site"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            (pl.lit(START) + pl.duration(days="day")).dt.strftime("%Y%m%d").alias("date"),
            pl.col("on_hand"),
            pl.col("reserved"),
            euros(pl.lit(pl.Series(cost[part["product"].to_numpy()]))).alias("unit_cost"),
        )
        yield Export(f"wms/stock_{span.label}.csv", table, SEMICOLON, after(span.last, 1.2))
    moves = world.stock.movements
    moves = moves.with_columns(day=pl.Series(np.clip(paris_day(moves["utc"].to_numpy()), 0, DAYS - 1)))
    for span, part in split(moves, "day", periods(daily, months=3)):
        table = part.select(
            (pl.col("movement") + 1).cast(pl.String).str.zfill(9).alias("movement"),
            pl.col("location").alias("site"),
            pl.Series("sku", sku[part["product"].to_numpy()]),
            iso("utc").alias("at"),
            pl.col("kind").replace_strict(_MOVES, return_dtype=pl.String).alias("code"),
            pl.col("quantity").alias("qty"),
            euros(pl.lit(pl.Series(cost[part["product"].to_numpy()]))).alias("unit_cost"),
            pl.col("reason").replace_strict(_LOSS_WORDS, return_dtype=pl.String).alias("reason"),
            pl.col("transfer"),
        )
        yield Export(f"wms/mouvements_{span.label}.csv", table, SEMICOLON, after(span.last, 1.3))
    counts = world.stock.counts
    table = counts.select(
        pl.col("count").alias("inventaire"),
        pl.Series("sku", sku[counts["product"].to_numpy()]),
        pl.col("location").alias("site"),
        iso("utc").alias("compte_le"),
        pl.col("book").alias("theorique"),
        pl.col("counted").alias("compte"),
        euros(pl.lit(pl.Series(cost[counts["product"].to_numpy()]))).alias("unit_cost"),
    )
    yield Export("wms/inventaires_2025_2026.csv", table, SEMICOLON, after(DAYS - 1, 1.4))
