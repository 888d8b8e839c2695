"""What the systems disagree on: a few faults of interfaces, planted so that an audit can be held to finding exactly them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from demo.journeys import Journeys
from demo.orders import Sales, valid
from demo.products import Products
from demo.retailer import APP, COLLECT, DAYS, HOME, PHONE, STORE, WEB, day_index, paris_day, stores

# The carrier whose depot scans a day late, and since when.
SCANS_LATE, LATE_FROM = 3, day_index(date(2026, 8, 31))
# Parcels of nobody's order have numbers that no system gave.
STRAY_ORDER, STRAY_FULFILMENT, STRAY_SHIPMENT = 29_000_001, 8_000_000, 5_000_000
# A parcel announced a second time gets a second number.
COPIED_SHIPMENT = 6_000_000
# One working day the OMS's clock was behind.
CLOCK_FROM, CLOCK_UNTIL = (int(datetime(2026, 6, 9, hour, tzinfo=UTC).timestamp()) for hour in (6, 17))
CLOCK_BEHIND = 12 * 60


@dataclass(frozen=True)
class Disagreements:
    """What is at odds: orders that never arrived, parcels late, of no order or told twice, a slow clock, payments that differ."""

    never_received: pl.DataFrame  # order, number
    late_scans: pl.DataFrame  # fulfilment
    stray_parcels: pl.DataFrame  # as Journeys.shipments
    copied_parcels: pl.DataFrame  # as Journeys.shipments
    behind: pl.DataFrame  # order, number
    payments: pl.DataFrame  # order, number, delta in cents


def disagree(
    sales: Sales, journeys: Journeys, products: Products, rng: np.random.Generator, rng_of_copies: np.random.Generator
) -> tuple[Journeys, Disagreements]:
    """The journeys with the faults in them: what an order never received caused is gone, and late scans are late."""
    lost = _never_received(sales, products, rng)
    gone = pl.col("order").cast(pl.UInt32).is_in(lost["order"].implode())
    fulfilments, shipments = journeys.fulfilments.filter(~gone), journeys.shipments.filter(~gone)
    shipments, late = _scanned_late(shipments, rng)
    stray, copied = _stray(shipments, rng), _copied(shipments, rng_of_copies)
    faults = Disagreements(lost, late, stray, copied, _behind(fulfilments), _payments(sales, lost, rng))
    return replace(journeys, fulfilments=fulfilments, shipments=shipments), faults


def _never_received(sales: Sales, products: Products, rng: np.random.Generator) -> pl.DataFrame:
    """Paid home deliveries of seasonal goods, which no stock book follows, that nobody returned."""
    followed = np.flatnonzero((products.frame["season"] == "PERM").to_numpy()).tolist()
    kept = sales.lines.filter(pl.col("product").is_in([-1, *followed])).select("order").unique()
    candidates = (
        sales.orders.filter(
            valid() & pl.col("channel").is_in([WEB, APP, PHONE]) & (pl.col("mode") == HOME) & (pl.col("day") < DAYS - 10)
        )
        .join(kept, on="order", how="anti", maintain_order="left")
        .join(sales.returns.select("order").unique(), on="order", how="anti", maintain_order="left")
    )
    return candidates.filter(pl.Series(rng.random(len(candidates)) < 0.008)).select("order", "number")


def _scanned_late(shipments: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Shipments with the hand-over scans of one depot moved a day or two on, and whose they are."""
    shift = rng.integers(26 * 3600, 44 * 3600, len(shipments))
    shipped, delivered = shipments["shipped"].to_numpy(), shipments["delivered"].fill_null(0).to_numpy()
    is_late = (
        (shipments["carrier"].to_numpy() == SCANS_LATE)
        & (paris_day(shipped) >= LATE_FROM)
        & (delivered - shipped > shift + 3600)
        & (rng.random(len(shipments)) < 0.12)
    )
    moved = shipments.with_columns(shipped=pl.Series(np.where(is_late, shipped + shift, shipped)))
    return moved, shipments.filter(pl.Series(is_late)).select("fulfilment")


def _stray(shipments: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Parcels carried and billed that no order stands behind, from the second quarter of the data on."""
    later = shipments.filter(pl.Series(paris_day(shipments["shipped"].to_numpy()) > 90))
    picked = np.sort(rng.choice(len(later), max(5, len(later) // 2500), replace=False))
    place = pl.int_range(len(picked), dtype=pl.Int64)
    return later[picked].with_columns(
        shipment=(STRAY_SHIPMENT + place).cast(shipments.schema["shipment"]),
        fulfilment=(STRAY_FULFILMENT + place).cast(shipments.schema["fulfilment"]),
        number=(STRAY_ORDER + place).cast(pl.String),
    )


def _copied(shipments: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Parcels of split orders that the carrier announced twice and billed once: no order has more parts for it."""
    split = shipments.filter(pl.len().over("order") > 1)
    picked = np.sort(rng.choice(len(split), min(len(split), max(5, len(split) // 300)), replace=False))
    number = COPIED_SHIPMENT + pl.int_range(len(picked), dtype=pl.Int64)
    return split[picked].with_columns(
        shipment=number.cast(shipments.schema["shipment"]), cost=pl.lit(0, shipments.schema["cost"])
    )


def oms_clock(instant: str) -> pl.Expr:
    """What the clock of the OMS showed at an instant of the column."""
    is_behind = pl.col(instant).is_between(CLOCK_FROM, CLOCK_UNTIL, closed="left")
    return pl.col(instant) - pl.when(is_behind).then(CLOCK_BEHIND).otherwise(0)


def _behind(fulfilments: pl.DataFrame) -> pl.DataFrame:
    """Orders that the OMS says it had when the clock was behind."""
    wrong = fulfilments.filter(oms_clock("created") != pl.col("created"))
    return wrong.select(pl.col("order").cast(pl.UInt32), "number").unique("order", maintain_order=True)


def _payments(sales: Sales, lost: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Payments that are a few euros more or less than the order: a coupon rung up twice, a line cancelled after paying."""
    paid = sales.lines.group_by("order").agg(total=pl.col("paid").sum())
    candidates = (
        sales.orders.filter(valid() & pl.col("channel").is_in([STORE, WEB, APP]))
        .join(paid, on="order", how="left", maintain_order="left")
        .filter(pl.col("total") > 2500)
        .join(lost.select("order"), on="order", how="anti", maintain_order="left")
    )
    chosen = candidates.filter(pl.Series(rng.random(len(candidates)) < 0.0003))
    delta = rng.integers(2, 20, len(chosen)) * 100 * np.where(rng.random(len(chosen)) < 0.7, -1, 1)
    return chosen.select("order", "number", delta=pl.Series(delta, dtype=pl.Int64))


def known_disagreements(faults: Disagreements, sales: Sales, followed: pl.Series, sku: list[str]) -> pl.DataFrame:
    """Every disagreement an audit must find: `system_pair`, `agreement_check`, `record`.

    Besides the planted ones there are goods booked out of stock that no sale explains: those of test orders, and those of orders
    the OMS never received, which no place is known to have sent.
    """
    parcels = pl.select(pl.format("PX{}FR", faults.stray_parcels["shipment"] + 40_000_001)).to_series()
    counted = sales.orders.filter(valid()).select("order")
    named = {
        ("sales_oms", "missing_in_second"): faults.never_received["number"],
        ("sales_oms", "clock"): faults.behind.join(counted, on="order", how="semi", maintain_order="left")["number"],
        ("oms_tms", "duplicate"): _fulfilment_number(faults.copied_parcels.unique("fulfilment", maintain_order=True)),
        ("oms_tms", "clock"): _fulfilment_number(faults.late_scans),
        ("oms_tms", "missing_in_first"): parcels,
        ("sales_payments", "amount"): faults.payments["number"],
        ("sales_stock", "amount"): _booked_out_unsold(sales, faults.never_received, followed, sku),
    }
    return pl.concat(
        pl.select(system_pair=pl.lit(pair), agreement_check=pl.lit(check), record=records)
        for (pair, check), records in named.items()
    )


def _fulfilment_number(rows: pl.DataFrame) -> pl.Series:
    return (rows["fulfilment"] + 300_001).cast(pl.String).str.zfill(10)


def _booked_out_unsold(sales: Sales, lost: pl.DataFrame, followed: pl.Series, sku: list[str]) -> pl.Series:
    """Location, product and month of the goods of test orders, and of orders without work, that the stock book let go."""
    places = stores().frame["location_id"].to_list()
    orders = sales.orders.filter(
        (pl.col("is_test") | pl.col("order").is_in(lost["order"].implode())) & (pl.col("fate") == "")
    ).with_columns(
        month=pl.from_epoch(pl.col("wall")).dt.strftime("%Y-%m-01"),
        location=pl.when(pl.col("mode") == COLLECT)
        .then(pl.col("pickup").cast(pl.Int64).replace_strict(dict(enumerate(places)), default=None, return_dtype=pl.String))
        .otherwise(pl.lit("9001")),
    )
    lines = sales.lines.filter(pl.col("product").is_in(followed.implode())).join(orders, on="order", how="inner")
    named = lines.select(
        record=pl.concat_str(
            "location", pl.col("product").replace_strict(dict(enumerate(sku)), return_dtype=pl.String), "month", separator=":"
        )
    )
    return named["record"].unique().sort()
