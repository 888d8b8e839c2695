"""Cross-channel conversion, proved: each session looks for the next store purchase, each store purchase for the last session."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import COLLECTED, UNKNOWN, Records, month

WINDOWS = {"": 7, "_1d": 1, "_30d": 30}


def prove(records: Records) -> Iterator[Figures]:
    yield _sessions(records)
    yield _web_traffic(records)
    yield _web_to_store(records)
    yield _research_online(records)


def _sessions(records: Records) -> Figures:
    """Sessions by what they led to: analytics names the order, or the order names its session."""
    sessions = records.sessions.with_row_index("session")
    named = sessions.join(records.order_named_by(sessions), on=["_source", "order_id"]).select("session", "order")
    naming = records.placed.select("session_id", "order").join(sessions.select("session", "session_id"), on="session_id")
    led_to = pl.concat([named, naming.select("session", "order")]).unique()
    outcome = (
        led_to.join(records.orders.select("order", counts=True), on="order", how="left")
        .group_by("session")
        .agg(pl.col("counts").fill_null(False).any())
    )
    # a number that no loaded order has is still an order
    sessions = sessions.join(outcome, on="session", how="left").with_columns(
        month("visit_date"),
        pl.col("device", "source", "medium").fill_null(UNKNOWN),
        has_order=pl.coalesce("counts", pl.col("order_id").is_not_null()),
    )
    return Figures(
        sessions,
        {
            "sessions": pl.len(),
            "session_conversion_rate": share(pl.col("has_order").sum(), pl.len()),
            "identified_session_rate": share(pl.col("person").count(), pl.len()),
        },
    )


def _web_traffic(records: Records) -> Figures:
    """Each visit one row, a report's count as many; of a day and channel that has sessions the reports say nothing."""
    day = ["traffic_date", "channel"]
    seen = records.sessions.select("channel", traffic_date="visit_date", visits=1)
    told = records.newest("web_traffic", *day).select(*day, visits="sessions").join(seen, on=day, how="anti")
    visits = pl.concat([seen, told], how="diagonal_relaxed")
    orders = records.orders.select("channel", traffic_date="order_date", orders=1).join(visits, on=day, how="semi")
    both = pl.concat([visits, orders], how="diagonal_relaxed").with_columns(month("traffic_date"))
    return Figures(
        both,
        {
            "web_visits": pl.col("visits").sum(),
            "web_conversion_rate": share(pl.col("orders").sum(), pl.col("visits").sum()),
        },
    )


def _web_to_store(records: Records) -> Figures:
    purchases = records.orders.filter(pl.col("person").is_not_null() & pl.col("is_store") & ~pl.col("mode").is_in(COLLECTED))
    visits = records.sessions.filter(pl.col("person").is_not_null()).sort("started_at")
    visits = _with_store(records, purchases, visits.select("person", "channel", "started_at", "visit_date"))
    visits = visits.join_asof(
        purchases.select("person", "ordered_at", bought_on="order_date").sort("ordered_at"),
        left_on="started_at", right_on="ordered_at", by="person", strategy="forward", allow_exact_matches=False,
        check_sortedness=False,
    )  # fmt: skip
    figures = {"identified_web_visitors": pl.col("person").n_unique()}
    for suffix, days in WINDOWS.items():
        over = pl.col("visit_date") + pl.duration(days=days)
        visits = visits.with_columns(
            (over <= records.last_day).alias(f"is_over{suffix}"),
            (pl.col("bought_on") <= over).fill_null(False).alias(f"has_bought{suffix}"),
        )
        is_over = pl.col(f"is_over{suffix}")
        figures[f"web_to_store_conversion_rate{suffix}"] = share(
            pl.col("person").filter(is_over & pl.col(f"has_bought{suffix}")).n_unique(),
            pl.col("person").filter(is_over).n_unique(),
        )
    return Figures(visits.with_columns(month("visit_date")), figures)


def _with_store(records: Records, purchases: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Visits with the store known by then (`location`): the one the customer's newest record names, else of the last purchase."""
    told = records.with_person(records.newest("customers", "customer_ref")).join(records.locations, left_on="home_location_id",
                                                                                right_on="location_id", how="semi")  # fmt: skip
    named = told.sort("_file_id", pl.concat_str("_source", "customer_ref"), descending=[False, True])
    named = named.group_by("person").agg(named=pl.col("home_location_id").last())
    visits = visits.with_columns(day_began=pl.col("started_at").min().over("person", "channel", "visit_date"))
    bought = purchases.select("person", bought_at="ordered_at", bought_in=pl.col("location").fill_null(UNKNOWN))
    visits = visits.sort("day_began").join_asof(
        bought.sort("bought_at", "bought_in", descending=[False, True]), left_on="day_began", right_on="bought_at", by="person",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    visits = visits.join(named, on="person", how="left").sort("started_at")
    return visits.with_columns(location=pl.coalesce("named", "bought_in", pl.lit(UNKNOWN)))


def _research_online(records: Records) -> Figures:
    visits = records.sessions.filter(pl.col("person").is_not_null()).select("person", "started_at", "visit_date")
    bought = records.orders.filter(pl.col("person").is_not_null()).sort("ordered_at").join_asof(
        visits.sort("started_at"),
        left_on="ordered_at", right_on="started_at", by="person", strategy="backward", allow_exact_matches=False,
        check_sortedness=False,
    )  # fmt: skip
    days_since = (pl.col("order_date") - pl.col("visit_date")).dt.total_days()
    figures = {}
    for suffix, days in WINDOWS.items():
        for vat in ("", "_ttc"):
            sales = pl.col(f"sales{vat}").filter("is_store")
            looked = pl.col(f"sales{vat}").filter(pl.col("is_store") & (days_since <= days))
            figures[f"ropo_share_of_store_sales{suffix}{vat}"] = share(looked.sum(), sales.sum())
    return Figures(bought.with_columns(month("order_date")), figures)
