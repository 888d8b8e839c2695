"""Lead times and availability, proved: every opening of a store is laid out in UTC and what falls into a wait is added up."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import COLLECTED, PROJECT, UNKNOWN, Records, month, with_local_day

PROMISED_MINUTES = 15
DAY = timedelta(days=1)
WORKING_WEEKDAYS = range(1, 6)


def prove(records: Records) -> Iterator[Figures]:
    yield from _pickups(records)
    yield from _deliveries(records)


def worked_on(records: Records) -> pl.DataFrame:
    """One row per fulfilment with the order it serves, and whether it counts."""
    fulfilments = records.newest("fulfilments", "fulfilment_id")
    named = fulfilments.join(records.order_named_by(fulfilments), on=["_source", "order_id"], how="left")
    told = records.placed.select("order", "channel", "ordered_at", "order_date", "is_genuine", "status", "timezone")
    valid = records.orders.select("order", is_valid=True)
    joined = named.join(told, on="order", how="left").join(valid, on="order", how="left")
    # goods once ready were prepared, even when nobody came for them
    prepared = (pl.col("status") == "cancelled") & pl.col("ready_at").is_not_null() & pl.col("is_genuine")
    return joined.with_columns(is_counted=pl.col("is_valid").fill_null(False) | prepared.fill_null(False))


# Pick-ups


def pickups_timed(records: Records) -> pl.DataFrame:
    """One row per pick-up: what it `waited`, the `minutes` it counts with, and what became of it."""
    pickups = worked_on(records).filter(pl.col("mode").is_in(COLLECTED))
    last_word = [
        records.newest("fulfilments", "fulfilment_id")[told].max() for told in ("created_at", "ready_at", "collected_at")
    ]
    midnight = _utc(datetime.combine(records.last_day + DAY, datetime.min.time()), records.timezone)
    ended_at = min(midnight, max(told for told in last_word if isinstance(told, datetime)))
    stopped = pl.col("cancelled_at").is_not_null() | pl.col("expired_at").is_not_null()
    pickups = _with_waits(records, pickups.with_columns(until=pl.col("ready_at").fill_null(ended_at)))
    # a store that nobody told the order of: the day it received the work
    places = records.locations.select("location_id", place="timezone")
    received = pickups.join(places, on="location_id", how="left").with_columns(
        timezone=pl.col("place").fill_null(records.timezone),
        location=pl.when(pl.col("place").is_not_null()).then("location_id").otherwise(pl.lit(UNKNOWN)),
    )
    pickups = with_local_day(received, "created_at", "received_on").with_columns(
        pl.col("channel").fill_null(UNKNOWN), order_date=pl.coalesce("order_date", "received_on")
    )
    is_ready, is_fault = pl.col("ready_at").is_not_null(), (pl.col("ready_at") < pl.col("ordered_at")).fill_null(False)
    is_overdue = ~is_ready & ~stopped & pl.col("collected_at").is_null() & (pl.col("waited") > PROMISED_MINUTES)
    minutes = pl.when((is_ready & ~is_fault) | is_overdue).then("waited")
    return pickups.with_columns(
        month("order_date"),
        minutes=pl.when("is_counted").then(minutes),
        is_in_time=is_ready & (minutes <= PROMISED_MINUTES),
        is_fault=is_fault,
        is_cancelled=~is_ready & stopped & pl.col("collected_at").is_null(),
        dwell=(pl.col("collected_at") - pl.col("ready_at")).dt.total_seconds() / 3600,
        is_fate_known=is_ready & (pl.col("collected_at").is_not_null() | stopped),
        is_expired=is_ready & pl.col("collected_at").is_null() & pl.col("expired_at").is_not_null(),
        is_ready=is_ready & ~is_fault,
        is_waiting=~is_ready & ~stopped & pl.col("collected_at").is_null() & (pl.col("waited") <= PROMISED_MINUTES),
    )


def _pickups(records: Records) -> Iterator[Figures]:
    pickups = pickups_timed(records)
    yield Figures(
        pickups,
        {
            "pickups_cancelled_before_ready": pl.col("is_cancelled").sum(),
            "pickup_clock_faults": pl.col("is_fault").sum(),
        },
    )
    counted = pickups.filter("is_counted")
    yield Figures(
        counted,
        {
            "pickups": pl.len(),
            "pickup_ready_minutes_p50": pl.col("minutes").quantile(0.5, "equiprobable"),
            "pickup_ready_minutes_p90": pl.col("minutes").quantile(0.9, "equiprobable"),
            "pickup_within_promise_rate": share(pl.col("is_in_time").sum(), pl.col("minutes").count()),
            "pickup_dwell_hours": pl.col("dwell").filter(pl.col("dwell") >= 0).quantile(0.5, "linear"),
            "late_pickups": (pl.col("minutes").is_not_null() & ~pl.col("is_in_time")).sum(),
            "uncollected_rate": share(pl.col("is_expired").sum(), pl.col("is_fate_known").sum()),
        },
    )


def _with_waits(records: Records, pickups: pl.DataFrame) -> pl.DataFrame:
    """Pick-ups with `waited`: the minutes the store was open from the order until it was ready, or until the data end."""
    openings = _openings(records)
    waits = pickups.with_row_index("pickup").filter(pl.col("ordered_at").is_not_null())
    # no wait lasts longer than the longest, so only openings near it can fall into it
    days = waits.select("pickup", "location_id", "ordered_at", "until").with_columns(
        day=pl.date_ranges(pl.col("ordered_at").dt.date() - DAY, pl.col("until").dt.date() + DAY)
    )
    overlaps = days.explode("day").join(openings, on=["location_id", "day"])
    opened = (pl.min_horizontal("closes", "until") - pl.max_horizontal("opens", "ordered_at")).dt.total_seconds()
    waited = overlaps.group_by("pickup").agg(seconds=opened.clip(lower_bound=0).sum())
    known_from = openings.group_by("location_id").agg(known_from=pl.col("opens").min())
    return (
        pickups.with_row_index("pickup")
        .join(waited, on="pickup", how="left")
        .join(known_from, on="location_id", how="left")
        .with_columns(
            waited=pl.when(pl.col("known_from").is_not_null() & pl.col("ordered_at").is_not_null()).then(
                pl.col("seconds").fill_null(0) / 60
            )
        )
    )


def _openings(records: Records) -> pl.DataFrame:
    """Every opening of every location in UTC (`opens`, `closes`), under the local day it begins on; none overlaps another."""
    raw = records.raw["opening_hours"]
    key = ["location_id", "weekday", "valid_from"]
    # a corrected day replaces the one before it whole, however many openings either has
    hours = raw.filter(pl.col("_file_id") == pl.col("_file_id").max().over(key))
    begun = records.placed["order_date"].min()
    assert isinstance(begun, date)
    rows = []
    for location, zone, opened_on, closed_on in records.locations.select(
        "location_id", "timezone", "opened_on", "closed_on"
    ).iter_rows():
        own = (
            hours.filter(pl.col("location_id") == location)
            .select("valid_from", "weekday", "opens_at", "closes_at")
            .unique()
            .sort(pl.all())
        )
        if own.is_empty():
            continue
        weeks = own["valid_from"].unique().sort().to_list()
        openings = defaultdict(list)
        for week, weekday, *opening in own.iter_rows():
            openings[week, weekday].append(opening)
        first = max(begun, weeks[0], opened_on or begun)
        last = min(records.last_day + DAY, closed_on or date.max)
        until = datetime.min
        for day in (first + DAY * number for number in range((last - first).days + 1)):
            for opens_at, closes_at in openings[max(week for week in weeks if week <= day), day.isoweekday()]:
                opens = max(until, _utc(datetime.combine(day, opens_at), zone))
                closes = _utc(datetime.combine(day + DAY * (closes_at <= opens_at), closes_at), zone)
                if closes > opens:
                    rows.append((location, day, opens, closes))
                    until = closes
    schema = {"location_id": pl.String, "day": pl.Date, "opens": pl.Datetime("us"), "closes": pl.Datetime("us")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _utc(local: datetime, timezone: str) -> datetime:
    """A local time as UTC; one the clocks skip in spring moves forward with them."""
    return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC).replace(tzinfo=None)


# Deliveries


def _deliveries(records: Records) -> Iterator[Figures]:
    told = records.placed.select("order", "channel", "ordered_at", "order_date", "timezone", "country")
    deliveries = (
        parcels(records)
        .group_by("order")
        .agg(
            # one parcel without a scan, and nobody knows when the order was complete
            delivered_at=pl.when(pl.col("delivered_at").null_count() == 0).then(pl.col("delivered_at").max()),
            promised_at=pl.col("promised_at").max(),
            has_arrived=pl.col("has_arrived").all(),
        )
        .join(told, on="order")
        .join(records.orders.select("order", is_valid=True), on="order", how="left")
    )
    deliveries = with_local_day(with_local_day(deliveries, "delivered_at", "delivered_on"), "promised_at", "promised_on")
    yield Figures(
        deliveries.filter(pl.col("is_valid") & ~pl.col("has_arrived")).with_columns(month("order_date")),
        {"undelivered_orders": pl.len()},
    )
    arrived = deliveries.filter(pl.col("delivered_at").is_not_null()).with_columns(month("delivered_on"))
    is_fault = pl.col("delivered_at") < pl.col("ordered_at")
    yield Figures(arrived.filter(is_fault), {"delivery_clock_faults": pl.len()})
    measured = arrived.filter(~is_fault & pl.col("is_valid"))
    measured = measured.join(_next_working_days(measured), on=["country", "order_date"], how="left", nulls_equal=True)
    hours = (pl.col("delivered_at") - pl.col("ordered_at")).dt.total_seconds() / 3600
    promised = pl.col("promised_at").count()
    yield Figures(
        measured,
        {
            "deliveries": pl.len(),
            "order_to_delivery_hours_p50": hours.quantile(0.5, "linear"),
            "order_to_delivery_hours_p90": hours.quantile(0.9, "linear"),
            "order_to_delivery_hours_mean": hours.mean(),
            "late_rate": share((pl.col("delivered_on") > pl.col("promised_on")).sum(), promised),
            "late_rate_by_timestamp": share((pl.col("delivered_at") > pl.col("promised_at")).sum(), promised),
            "next_day_rate": share((pl.col("delivered_on") <= pl.col("next_day")).sum(), pl.len()),
        },
    )


def parcels(records: Records) -> pl.DataFrame:
    """One row per parcel to a customer: `order`, `mode`, `promised_at`, `shipped_at`, `delivered_at`, `has_arrived`."""
    work = worked_on(records).filter(pl.col("order").is_not_null())
    shipments = records.newest("shipments", "shipment_id")
    shipments = shipments.join(records.order_named_by(shipments), on=["_source", "order_id"])
    is_live = pl.col("cancelled_at").is_null() & pl.col("expired_at").is_null()
    is_only = (pl.len().over("order") == 1) | (is_live & (is_live.sum().over("order") == 1))
    only = work.filter(is_only).select("order", only="fulfilment_id")
    shipments = shipments.join(only, on="order", how="left").with_columns(fulfilment_id=pl.coalesce("fulfilment_id", "only"))
    told = work.select("order", "fulfilment_id", "mode", work_promised="promised_at", work_delivered="delivered_at")
    carried = (
        shipments.join(told, on=["order", "fulfilment_id"], how="left")
        .join(records.placed.select("order", order_mode="mode"), on="order")
        .select(
            "order",
            mode=pl.coalesce("mode", "order_mode"),
            promised_at=pl.coalesce("promised_at", "work_promised"),
            shipped_at="shipped_at",
            delivered_at=pl.coalesce("delivered_at", "work_delivered"),
            has_arrived=(pl.col("status") == "delivered") | pl.coalesce("delivered_at", "work_delivered").is_not_null(),
        )
    )
    uncarried = (
        work.filter(is_live)
        .join(shipments, on=["order", "fulfilment_id"], how="anti")
        .join(shipments.filter(pl.col("fulfilment_id").is_null()), on="order", how="anti")
        .select("order", "mode", "promised_at", "shipped_at", "delivered_at", has_arrived=pl.col("delivered_at").is_not_null())
    )
    sent = ~pl.col("mode").is_in([*COLLECTED, "in_store", UNKNOWN])
    return pl.concat([carried, uncarried]).filter(sent)


def _next_working_days(orders: pl.DataFrame) -> pl.DataFrame:
    """For each country and order day, the working day after it (`next_day`); France's where no place is known."""
    holidays = _holidays(PROJECT / "dbt_project" / "seeds" / "public_holidays.csv")
    rows = []
    for country, ordered_on in orders.select("country", "order_date").unique().iter_rows():
        day = ordered_on + DAY
        while day.isoweekday() not in WORKING_WEEKDAYS or (country or "FR", day) in holidays:
            day += DAY
        rows.append((country, ordered_on, day))
    return pl.DataFrame(rows, schema={"country": pl.String, "order_date": pl.Date, "next_day": pl.Date}, orient="row")


def _holidays(file: Path) -> set[tuple[str, date]]:
    return set(pl.read_csv(file, try_parse_dates=True).select("country", "holiday_date").iter_rows())
