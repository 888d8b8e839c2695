"""Contacts with customer service and what they cost, proved."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.lead_times import parcels
from tests.proofs.records import UNKNOWN, Records, day_of, month, with_local_day

WINDOWS = {"": 7, "_1d": 1, "_30d": 30}
PRE_SALE = ("product_question", "store_question")
SAVED = 0.7
LOST = ("failed", "lost")


def prove(records: Records) -> Iterator[Figures]:
    contacts = _contacts(records)
    handled = _borne(records, contacts.filter("is_handled"))
    yield Figures(contacts.filter((pl.col("contact_channel") == "bot") & ~pl.col("is_outbound")), {"bot_contacts": pl.len()})
    is_seen = pl.col("who").is_not_null() | pl.col("order").is_not_null()
    by_metric = {
        "contacts": pl.len(),
        "pre_sale_contacts": pl.col("is_pre_sale").sum(),
        "service_cost": pl.col("cost").sum(),
        "cost_per_contact": share(pl.col("cost").sum(), pl.col("cost").count()),
        "avoidable_contact_cost": (pl.col("cost") * SAVED).filter(pl.col("since") <= WINDOWS[""]).sum(),
        "late_order_contact_share": share(pl.col("is_late").sum(), pl.len()),
        "contact_handle_minutes": share(pl.col("minutes").sum(), pl.col("minutes").count()),
        "contact_satisfaction": share(pl.col("score").sum(), pl.col("score").count()),
    }
    for suffix, days in WINDOWS.items():
        again = is_seen & (pl.col("since") <= days).fill_null(False)
        first = is_seen & ~again & (pl.col("contact_date") <= records.last_day - pl.duration(days=days))
        settled = first & (pl.col("until") > days).fill_null(True)
        by_metric[f"repeat_contact_rate{suffix}"] = share(again.sum(), is_seen.sum())
        by_metric[f"first_contact_resolution_rate{suffix}"] = share(settled.sum(), first.sum())
    yield Figures(handled, by_metric)
    placed = records.orders.with_columns(month("order_date"), pl.col("location").fill_null(UNKNOWN))
    keys = ["metric_time", "channel", "location"]
    booked = handled.drop_nulls("cost")["metric_time"].unique().implode()
    flows = pl.concat(
        [
            handled.select(*keys, "cost", after=(~pl.col("is_pre_sale")).cast(pl.Int64), order=pl.lit(0)),
            placed.select(*keys, cost=pl.lit(None, pl.Float64), after=pl.lit(None, pl.Int64), order=pl.lit(1)),
        ]
    ).with_columns(bearing=pl.col("order") * pl.col("metric_time").is_in(booked))
    # a month without a booking has no cost, and orders nobody asked about no contacts, rather than nought of them
    cost = pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum())
    after = pl.when(pl.col("after").count() > 0).then(pl.col("after").sum())
    yield Figures(
        flows,
        {
            "contact_rate": share(after, pl.col("order").sum()),
            "service_cost_per_order": share(cost, pl.col("bearing").sum()),
        },
    )


def _contacts(records: Records) -> pl.DataFrame:
    """One row per contact: whose and about what it is, whether a person handled it, and the days to the nearest on its matter."""
    contacts = records.with_person(records.newest("contacts", "contact_id"))
    told = records.placed.select("order", "location", buyer="person", sold_by="channel")
    contacts = (
        contacts.join(records.order_named_by(contacts), on=["_source", "order_id"], how="left")
        .join(told, on="order", how="left")
        .with_columns(day_of("created_at", records.timezone).alias("contact_date"))
        .with_columns(
            month("contact_date"),
            pl.col("location").fill_null(UNKNOWN),
            pl.col("reason").fill_null(UNKNOWN),
            contact=pl.concat_str("_source", pl.lit(":"), "contact_id"),
            contact_channel="channel",
            channel=pl.col("sold_by").fill_null(UNKNOWN),
            who=pl.coalesce("person", "buyer"),
            is_outbound=(pl.col("direction") == "outbound").fill_null(False),
            is_pre_sale=pl.col("order_id").is_null() & pl.col("reason").is_in(PRE_SALE),
            minutes=pl.col("handle_minutes").cast(pl.Float64),
            score=pl.col("satisfaction").cast(pl.Float64),
        )
        .with_columns(
            is_handled=(pl.col("contact_channel") != "bot") & ~pl.col("is_outbound") & ~pl.col("is_transfer").fill_null(False)
        )
    )
    late = _late(records, contacts)
    gaps = _gaps(contacts.filter("is_handled"))
    return (
        contacts.join(late, on="contact", how="left")
        .with_columns(pl.col("is_late").fill_null(False))
        .join(gaps, on="contact", how="left")
    )


def _gaps(contacts: pl.DataFrame) -> pl.DataFrame:
    """Days from the contact before (`since`) and to the next (`until`): every pair on one matter is looked at."""
    pairs = []
    for keys in (["who", "reason"], ["order"]):
        mine = contacts.select(*keys, "contact", "created_at", "contact_date").drop_nulls()
        both = mine.join(mine, on=keys, suffix="_next")
        is_before = (pl.col("created_at") < pl.col("created_at_next")) | (
            (pl.col("created_at") == pl.col("created_at_next")) & (pl.col("contact") < pl.col("contact_next"))
        )
        days = (pl.col("contact_date_next") - pl.col("contact_date")).dt.total_days()
        pairs.append(both.filter(is_before).select("contact", "contact_next", days=days))
    found = pl.concat(pairs)
    until = found.group_by("contact").agg(until=pl.col("days").min())
    since = found.group_by(contact="contact_next").agg(since=pl.col("days").min())
    return until.join(since, on="contact", how="full", coalesce=True)


def _late(records: Records, contacts: pl.DataFrame) -> pl.DataFrame:
    """The contacts on an order of which a parcel was late or failed, made on the day it was due or later."""
    zones = records.placed.select("order", "timezone")
    sent = parcels(records).join(zones, on="order")
    sent = with_local_day(with_local_day(sent, "promised_at", "promised_on"), "delivered_at", "delivered_on")
    still_out = pl.when(~pl.col("has_arrived")).then(records.last_day)
    late = sent.filter(pl.col("promised_on") < pl.coalesce("delivered_on", still_out)).select("order", due="promised_on")
    shipments = records.newest("shipments", "shipment_id").filter(pl.col("status").is_in(LOST))
    lost = shipments.join(records.order_named_by(shipments), on=["_source", "order_id"]).join(zones, on="order")
    lost = with_local_day(lost.with_columns(due_at=pl.coalesce("promised_at", "shipped_at")), "due_at", "due")
    due = pl.concat([late, lost.select("order", "due")])
    met = (
        contacts.select("contact", "order", "contact_date").join(due, on="order").filter(pl.col("contact_date") >= pl.col("due"))
    )
    return met.select("contact", is_late=True).unique()


def _borne(records: Records, contacts: pl.DataFrame) -> pl.DataFrame:
    """Contacts with `cost`: their part of what their month's ledger books on service, in proportion to the minutes of work."""
    booked = _booked(records)
    worked = pl.when(pl.col("minutes") > 0).then("minutes")
    weight = worked.fill_null(worked.mean().over("metric_time"))
    return contacts.join(booked, on="metric_time", how="left").with_columns(
        cost=pl.col("booked") * weight / weight.sum().over("metric_time")
    )


def _booked(records: Records) -> pl.DataFrame:
    """What the ledger books on service, by month."""
    return (
        records.newest("costs", "cost_id")
        .filter(pl.col("area") == "service")
        .group_by(metric_time=pl.col("month").dt.truncate("1mo"))
        .agg(booked=pl.col("amount").cast(pl.Float64).sum())
    )
