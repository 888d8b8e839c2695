"""Visits and paths, proved: who comes into a store, fetches what was held, buys beside it and after it, and where paths begin."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import COLLECTED, UNKNOWN, Records, month, with_local_day

WINDOWS = {"": 7, "_1d": 1, "_30d": 30}
PATH_DAYS = 7
WEB = ("web", "app")


def prove(records: Records) -> Iterator[Figures]:
    yield _store_conversion(records)
    yield _reservations(records)
    yield _store_to_web(records)
    yield _add_ons(records)
    yield _paths(records)
    yield _identified(records)


def _located(records: Records, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `location` and `timezone` of the place they name, unknown and the retailer's own where it is not described."""
    places = records.locations.select("location_id", "timezone", "kind", location="location_id")
    return rows.join(places, on="location_id", how="left").with_columns(
        pl.col("location").fill_null(UNKNOWN), pl.col("timezone").fill_null(records.timezone)
    )


def _store_conversion(records: Records) -> Figures:
    """Each ticket takes its place in the counted hour that had begun last; beyond the hour it is in none."""
    counts = records.newest("store_traffic", "location_id", "hour_start").group_by("location_id", "hour_start").agg(
        pl.col("entries").sum()
    )  # fmt: skip
    tickets = records.orders.filter("is_store").select(location_id="location", ticket_at="ordered_at").sort("ticket_at")
    placed = tickets.join_asof(
        counts.sort("hour_start"), left_on="ticket_at", right_on="hour_start", by="location_id", check_sortedness=False
    ).filter(pl.col("ticket_at") < pl.col("hour_start") + pl.duration(hours=1))
    hours = counts.join(
        placed.group_by("location_id", "hour_start").agg(tickets=pl.len()), on=["location_id", "hour_start"], how="left"
    )
    hours = with_local_day(_located(records, hours), "hour_start", "day").filter(pl.col("location") != UNKNOWN)
    hours = hours.with_columns(pl.col("tickets").fill_null(0), month("day"))
    working = hours.filter((pl.col("entries") > 0) | (pl.col("tickets") == 0))
    return Figures(
        working,
        {
            "store_entries": pl.col("entries").sum(),
            "store_conversion_rate": share(pl.col("tickets").sum(), pl.col("entries").sum()),
        },
    )


def _reservations(records: Records) -> Figures:
    """Reservations against the tickets of their number, else those of that person, product and store while held."""
    held = with_local_day(
        _located(records, records.with_person(records.newest("reservations", "reservation_id"))), "reserved_at", "day"
    ).with_row_index("hold")
    named = held.join(records.order_named_by(held), on=["_source", "order_id"]).select("hold", "order")
    valid = records.orders.select("order", "ordered_at", sold=True)
    by_number = named.join(valid, on="order", how="left").select("hold", "sold", by_number="ordered_at", is_named=True)
    sold = records.lines.select("order", "sku", "person", "location").unique()
    sold = sold.join(records.orders.filter("is_store").select("order", "ordered_at"), on="order")
    by_person = (
        held.filter(pl.col("order_id").is_null() & pl.col("person").is_not_null())
        .join(sold, on=["person", "sku", "location"])
        .filter(pl.col("ordered_at").is_between("reserved_at", "expires_at"))
        .select("hold", is_found=True)
        .unique()
    )
    held = held.join(by_number, on="hold", how="left").join(by_person, on="hold", how="left")
    at_its_word = pl.col("is_named").is_null() & pl.col("order_id").is_not_null() & (pl.col("status") == "bought")
    bought = (pl.col("sold") & (pl.col("by_number") <= pl.col("expires_at"))).fill_null(False)
    ends = pl.lit(datetime.combine(records.last_day + timedelta(days=1), time()))
    held = held.with_columns(
        month("day"),
        is_over=_local(pl.col("expires_at"), held) <= ends,
        is_bought=bought | pl.col("is_found").fill_null(False) | at_its_word.fill_null(False),
        is_sold=pl.col("sold").fill_null(False),
    )
    is_missed = ~pl.col("is_bought") & (pl.col("is_sold") | (pl.col("status") != "cancelled"))
    over = pl.col("is_over")
    return Figures(
        held,
        {
            "reservations": pl.len(),
            "reservation_conversion_rate": share((over & pl.col("is_bought")).sum(), over.sum()),
            "no_show_rate": share((over & is_missed).sum(), over.sum()),
        },
    )


def _local(instant: pl.Expr, rows: pl.DataFrame) -> pl.Expr:
    """Wall clock of UTC instants, each in its row's time zone."""
    aware = instant.dt.replace_time_zone("UTC")
    zones = rows["timezone"].unique().sort()
    return pl.coalesce(
        pl.when(pl.col("timezone") == zone).then(aware.dt.convert_time_zone(zone).dt.replace_time_zone(None)) for zone in zones
    )


def _store_to_web(records: Records) -> Figures:
    known = records.orders.filter(pl.col("person").is_not_null())
    tickets = known.filter(pl.col("is_store") & ~pl.col("mode").is_in(COLLECTED)).select(
        "person", "ordered_at", "order_date", location=pl.col("location").fill_null(UNKNOWN)
    )
    web = known.filter(pl.col("channel").is_in(WEB)).select("person", web_at="ordered_at", web_date="order_date")
    followed = tickets.sort("ordered_at").join_asof(
        web.sort("web_at"), left_on="ordered_at", right_on="web_at", by="person", strategy="forward", allow_exact_matches=False,
        check_sortedness=False,
    ).with_columns(month("order_date"))  # fmt: skip
    figures = {"identified_store_buyers": pl.col("person").n_unique()}
    for suffix, days in WINDOWS.items():
        until = pl.col("order_date") + pl.duration(days=days)
        is_over = until <= records.last_day
        figures[f"store_to_web_conversion_rate{suffix}"] = share(
            pl.col("person").filter(is_over & (pl.col("web_date") <= until)).n_unique(),
            pl.col("person").filter(is_over).n_unique(),
        )
    return Figures(followed, figures)


def _collected(records: Records) -> pl.DataFrame:
    """Pick-ups that known persons came for, with the local day."""
    came = records.newest("fulfilments", "fulfilment_id").filter(
        pl.col("mode").is_in(COLLECTED) & pl.col("collected_at").is_not_null()
    )
    came = came.join(records.order_named_by(came), on=["_source", "order_id"])
    counted = records.placed.select("order", "person", "channel", "is_genuine", "status")
    came = came.join(counted, on="order").join(records.orders.select("order", is_valid=True), on="order", how="left")
    prepared = (pl.col("status") == "cancelled") & pl.col("ready_at").is_not_null() & pl.col("is_genuine")
    came = came.filter((pl.col("is_valid").fill_null(False) | prepared) & pl.col("person").is_not_null())
    return with_local_day(_located(records, came), "collected_at", "day")


def _add_ons(records: Records) -> Figures:
    """Everything a person bought in a store on a day, but for what was taken in exchange, beside what they collected there."""
    came = _collected(records)
    visit = ["person", "location", "day"]
    tickets = records.orders.filter(pl.col("is_store") & pl.col("person").is_not_null())
    tickets = tickets.join(came, on="order", how="anti").rename({"order_date": "day"})
    goods = records.lines.select("order", "sku").join(tickets.select("order", *visit), on="order")
    back = records.returns.select(
        "person", "sku", location=pl.coalesce("location_id", "sold_at"), day="return_date", is_back=True
    ).unique()
    kept = goods.join(back, on=[*visit, "sku"], how="left").filter(pl.col("is_back").is_null())
    exchanges = records.newest("returns", "return_id", "line_number").select("_source", order_id="exchange_order_id").drop_nulls()
    exchanged = exchanges.join(records.order_named_by(exchanges), on=["_source", "order_id"])
    paid = tickets.join(kept, on="order", how="semi").join(exchanged, on="order", how="anti")
    # the day's tickets stand on the first collection
    came = came.sort("collected_at", "_source", "fulfilment_id").with_columns(is_first=pl.int_range(pl.len()).over(visit) == 0)
    came = came.join(paid.group_by(visit).agg(pl.col("sales", "sales_ttc").sum()), on=visit, how="left").with_columns(
        month("day")
    )
    return Figures(
        came,
        {
            "identified_pickups": pl.len(),
            "pickup_add_on_rate": share(pl.col("sales").is_not_null().sum(), pl.len()),
            "pickup_add_on_value": share(pl.col("sales").filter("is_first").sum(), pl.len()),
            "pickup_add_on_value_ttc": share(pl.col("sales_ttc").filter("is_first").sum(), pl.len()),
        },
    )


def _paths(records: Records) -> Figures:
    """For each order the earliest contact on a day of its week, found by walking the person's contacts in time."""
    known = records.orders.filter(pl.col("person").is_not_null())
    shops = records.locations.filter(pl.col("kind") == "store").select("location_id")
    given_back = records.returns.with_columns(at=pl.coalesce("location_id", "sold_at")).join(
        shops, left_on="at", right_on="location_id", how="semi"
    )
    contacts = pl.concat(
        [
            records.sessions.select("person", "channel", met_at="started_at", met_on="visit_date"),
            known.select("person", "channel", met_at="ordered_at", met_on="order_date"),
            _collected(records).select("person", channel=pl.lit("store"), met_at="collected_at", met_on="day"),
            given_back.select("person", channel=pl.lit("store"), met_at="returned_at", met_on="return_date"),
        ]
    ).filter(pl.col("person").is_not_null())
    within = (
        known.select("order", "person", "ordered_at", "order_date")
        .join(contacts.rename({"channel": "first_channel"}), on="person")
        .filter(
            (pl.col("met_at") < pl.col("ordered_at")) & (pl.col("order_date") - pl.col("met_on") <= pl.duration(days=PATH_DAYS))
        )
    )
    first = (
        within.sort("met_at", "first_channel").unique("order", keep="first", maintain_order=True).select("order", "first_channel")
    )
    orders = records.orders.join(first, on="order", how="left").with_columns(
        month("order_date"),
        pl.col("location").fill_null(UNKNOWN),
        origin_channel=pl.when(pl.col("person").is_null())
        .then(pl.lit(UNKNOWN))
        .otherwise(pl.coalesce("first_channel", "channel")),
    )
    return Figures(
        orders,
        {
            "conversion_path_orders": pl.len(),
            "conversion_path_sales": pl.col("sales").sum(),
            "conversion_path_sales_ttc": pl.col("sales_ttc").sum(),
        },
    )


def _identified(records: Records) -> Figures:
    figures = {}
    for vat in ("", "_ttc"):
        sales = pl.col(f"sales{vat}").filter("is_store")
        theirs = pl.col(f"sales{vat}").filter(pl.col("is_store") & pl.col("person").is_not_null())
        figures[f"identified_store_sales_rate{vat}"] = share(theirs.sum(), sales.sum())
    return Figures(records.orders.with_columns(month("order_date"), pl.col("location").fill_null(UNKNOWN)), figures)
