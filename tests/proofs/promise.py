"""Promises, proved: each order's work and parcels are laid side by side and judged as one would judge a single order."""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.lead_times import parcels, pickups_timed, worked_on
from tests.proofs.records import UNKNOWN, Records, day_of, month, with_local_day

CUSTOMER_REASONS = ("customer_request",)
DAMAGE = ("damaged", "defective")
WRONG_PAPERS = ("wrong_item", "wrong_invoice", "missing_invoice", "documents")
QUIET = timedelta(days=14)
PICKING = ("picking", "packing", "preparation")


def prove(records: Records) -> Iterator[Figures]:
    yield _refusals(records)
    orders = _judged(records)
    due = orders.filter("is_due").with_columns(month("due_date"))
    in_full = pl.col("is_complete").fill_null(False)
    is_mature = pl.col("due_date") <= records.last_day - QUIET
    is_proved = is_mature & pl.col("is_complete").is_not_null()
    harmless = pl.all_horizontal((pl.col(told) > pl.col("due_date") + QUIET).fill_null(True) for told in ("damaged", "misfiled"))
    yield Figures(
        due,
        {
            "late_orders": (~pl.col("is_kept")).sum(),
            "otif_rate": share((pl.col("is_kept") & in_full).sum(), pl.col("is_complete").count()),
            "otif_rate_first_promise": share((pl.col("is_first_kept") & in_full).sum(), pl.col("is_complete").count()),
            "perfect_order_rate": share((is_proved & pl.col("is_kept") & in_full & harmless).sum(), is_proved.sum()),
            "perfect_order_coverage": share(is_proved.sum(), pl.len()),
        },
    )
    shipped = orders.filter(pl.col("has_left") & pl.col("is_valid")).with_columns(month("order_date"))
    yield Figures(
        shipped,
        {
            "split_rate": share((pl.col("parcels") > 1).sum(), pl.len()),
            "ship_from_store_share": share(pl.col("is_from_store").fill_null(False).sum(), pl.len()),
        },
    )
    costed = orders.filter("is_genuine").drop_nulls("spent").with_columns(month("order_date"))
    yield Figures(costed, {"fulfilment_cost_per_order": share(pl.col("spent").sum(), pl.col("is_valid").sum())})
    yield _hours(records)


def _refusals(records: Records) -> Figures:
    ends = ("ready_at", "collected_at", "shipped_at", "delivered_at", "cancelled_at", "expired_at")
    answered = worked_on(records).filter(
        pl.any_horizontal(pl.col(ends).is_not_null())
        & ~pl.col("reason").fill_null(UNKNOWN).is_in(CUSTOMER_REASONS)
        & (pl.col("is_genuine") & (pl.col("status") != "fraud")).fill_null(False)
    )
    answered = answered.with_columns(
        month("order_date"), pl.col("reason").fill_null(UNKNOWN), refused=pl.col("lines_requested") - pl.col("lines_fulfilled")
    )
    answered = answered.join(records.locations.select("location_id", location="location_id"), on="location_id", how="left")
    answered = answered.with_columns(pl.col("location").fill_null(UNKNOWN)).drop_nulls("refused")
    refused = pl.col("refused").sum()
    return Figures(answered, {"refused_lines": refused, "rejection_rate": share(refused, pl.col("lines_requested").sum())})


def _judged(records: Records) -> pl.DataFrame:
    """One row per order prepared: when it was due, whether it kept its promises, what it cost."""
    work = worked_on(records).filter(pl.col("order").is_not_null())
    done = work.filter(pl.col("cancelled_at").is_null() | pl.col("ready_at").is_not_null())
    served = done.group_by("order").agg(
        lines=pl.when(pl.col("lines_fulfilled").null_count() == 0).then(pl.col("lines_fulfilled").sum()),
        is_from_store=(pl.col("mode") == "ship_from_store").any(),
        first_promised=pl.coalesce("first_promised_at", "promised_at").max(),
    )
    spent = work.group_by("order").agg(
        is_counted=pl.col("is_counted").any(),
        prepared_for=pl.when(pl.col("preparation_cost").null_count() == 0).then(pl.col("preparation_cost").sum()),
    )
    timed = pickups_timed(records).drop_nulls("order")
    taken_over = done.select("order").unique()
    gave_up = pl.col("cancelled_at").is_not_null() & pl.col("ready_at").is_null()
    timed = pl.concat([timed.filter(~gave_up), timed.filter(gave_up).join(taken_over, on="order", how="anti")])
    pickups = timed.group_by("order").agg(
        collected=pl.lit(True),
        pickup_place=pl.col("location_id").max(),
        is_fault=pl.col("is_fault").any(),
        is_waiting=pl.col("is_waiting").any(),
        is_late=(pl.col("minutes").is_not_null() & ~pl.col("is_in_time")).any(),
        is_judged=pl.col("minutes").is_not_null().any(),
    )
    live = timed.filter(~gave_up)
    ready = live.group_by("order").agg(
        ready=pl.when(pl.col("ready_at").null_count() == 0).then(pl.col("ready_at").max()),
        promised=pl.col("promised_at").max(),
    )
    sent = (
        parcels(records)
        .group_by("order")
        .agg(
            arrived=pl.when(pl.col("delivered_at").null_count() == 0).then(pl.col("delivered_at").max()),
            sent_promised=pl.col("promised_at").max(),
            parcels=pl.len(),
            has_left=(pl.col("shipped_at").is_not_null() | pl.col("has_arrived")).any(),
            is_untimed=pl.col("has_arrived").all() & pl.col("delivered_at").is_null().any(),
        )
    )
    lines = records.lines.filter(~pl.col("is_gift_card")).group_by("order").agg(asked=pl.len())
    # the place that prepared an order is not the one it was placed at
    orders = records.placed.drop("location").join(records.orders.select("order", is_valid=True), on="order", how="left")
    for part in (spent, served, pickups, ready, sent, lines, _carried(records), _complaints(records)):
        orders = orders.join(part, on="order", how="left")
    orders = orders.filter(pl.col("is_counted").is_not_null() | pl.col("parcels").is_not_null()).with_columns(
        pl.col("is_valid", "collected", "is_fault", "is_waiting", "is_judged", "has_left", "is_untimed").fill_null(False)
    )
    places = records.locations.select(pickup_place="location_id", place_zone="timezone")
    orders = orders.join(places, on="pickup_place", how="left").with_columns(
        timezone=pl.when("collected").then(pl.coalesce("place_zone", "timezone")).otherwise("timezone"),
        promised=pl.when("collected").then("promised").otherwise("sent_promised"),
        first_promised=pl.coalesce("first_promised", "sent_promised"),
        done=pl.when("collected").then("ready").otherwise("arrived"),
    )
    for instant in ("promised", "first_promised", "done"):
        orders = with_local_day(orders, instant, f"{instant}_on")
    usual = pl.when("is_judged").then(~pl.col("is_late"))

    def kept(promise: str) -> pl.Expr:
        collected = pl.when(pl.col(promise).is_not_null()).then(pl.col("done") <= pl.col(promise)).otherwise(usual)
        return pl.when("collected").then(collected).otherwise(pl.col("done_on") <= pl.col(f"{promise}_on")).fill_null(False)

    counts = pl.col("is_counted").fill_null(pl.col("is_valid"))
    was_promised = pl.col("promised").is_not_null() | (pl.col("collected") & pl.col("is_judged"))
    due_date = pl.coalesce("promised_on", "order_date")
    never_sent = pl.when((pl.col("status") == "cancelled") | pl.col("parcels").is_null()).then(0)
    is_fault = pl.col("is_fault") | (pl.col("arrived") < pl.col("ordered_at")).fill_null(False)
    is_judgeable = pl.col("collected") | ~pl.col("is_untimed")
    return orders.with_columns(
        is_genuine=pl.col("is_genuine") & (pl.col("status") != "fraud"),
        due_date=due_date,
        is_due=counts & was_promised & ~is_fault & ~pl.col("is_waiting") & is_judgeable & (due_date <= records.last_day),
        is_kept=kept("promised"),
        is_first_kept=kept("first_promised"),
        is_complete=pl.col("lines") >= pl.col("asked"),
        spent=(pl.col("prepared_for") + pl.coalesce(pl.when("is_carried").then("carried_for"), never_sent)).cast(pl.Float64),
    )


def _carried(records: Records) -> pl.DataFrame:
    """What carriers took for each order; nothing told where a parcel's cost is not."""
    shipments = records.newest("shipments", "shipment_id")
    shipments = shipments.join(records.order_named_by(shipments), on=["_source", "order_id"])
    return shipments.group_by("order").agg(
        is_carried=pl.lit(True), carried_for=pl.when(pl.col("cost").null_count() == 0).then(pl.col("cost").sum())
    )


def _complaints(records: Records) -> pl.DataFrame:
    """Orders that came back, or were complained of, with the first day of each: as damaged, or with wrong papers."""
    contacts = records.newest("contacts", "contact_id")
    contacts = contacts.join(records.order_named_by(contacts), on=["_source", "order_id"])
    called = contacts.select("order", "reason", day=day_of("created_at", records.timezone))
    said = pl.concat([records.returns.select("order", "reason", day="return_date"), called]).drop_nulls()
    return said.group_by("order").agg(
        damaged=pl.col("day").filter(pl.col("reason").is_in(DAMAGE)).min(),
        misfiled=pl.col("day").filter(pl.col("reason").is_in(WRONG_PAPERS)).min(),
    )


def _hours(records: Records) -> Figures:
    worked = records.newest("work_hours", "location_id", "work_date", "activity").filter(pl.col("activity").is_in(PICKING))
    known = records.locations.select("location_id", location="location_id")
    worked = worked.drop_nulls("lines_handled").join(known, on="location_id", how="left")
    return Figures(
        worked.with_columns(month("work_date"), pl.col("location").fill_null(UNKNOWN)),
        {"lines_per_labour_hour": share(pl.col("lines_handled").sum(), pl.col("hours").sum())},
    )


def waits(records: Records) -> pl.DataFrame:
    """Every pick-up's wait, over (`is_ready`) or not: what survival is estimated from."""
    known = pickups_timed(records).filter("is_counted").filter(pl.col("minutes").is_not_null() | pl.col("is_waiting"))
    regions = records.newest("locations", "location_id", across_systems=True).select("location_id", "region")
    return known.join(regions, on="location_id", how="left").with_columns(pl.col("region").fill_null(UNKNOWN))
