"""Retention and lifetime value, proved: every person's purchases and returns on one line of time."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import Records, month

HORIZONS = (30, 90, 180, 365, 730)
DAY = timedelta(days=1)


def prove(records: Records) -> Iterator[Figures]:
    yield _lifetime_values(records)
    yield _retention(records)
    yield _activity(records)


def _purchases(records: Records) -> pl.DataFrame:
    return records.orders.filter(pl.col("person").is_not_null()).sort("ordered_at", "order")


def _first_purchases(records: Records) -> pl.DataFrame:
    """One row per buyer: the day and the channel of the first order."""
    return (
        _purchases(records)
        .group_by("person", maintain_order=True)
        .agg(first_on=pl.col("order_date").min(), acquisition_channel=pl.col("channel").first())
    )


def _lifetime_values(records: Records) -> Figures:
    bought = _purchases(records).select(
        "person", "sales", "sales_ttc", margin=pl.col("sales") - pl.col("cost"), moved_on="order_date"
    )
    back = records.returns.filter(pl.col("person").is_not_null()).select(
        "person",
        sales=-pl.col("returned"),
        sales_ttc=-pl.col("returned_ttc"),
        margin=(pl.col("quantity") * pl.col("unit_cost")).cast(pl.Float64).round(4) - pl.col("returned"),
        moved_on="return_date",
    )
    moves = (
        pl.concat([bought, back])
        .join(_first_purchases(records), on="person")
        .with_columns(age=(pl.col("moved_on") - pl.col("first_on")).dt.total_days())
        .filter(pl.col("age") >= 0)
    )
    people = moves.group_by("person", "first_on", "acquisition_channel").agg(
        pl.col("margin").null_count().alias("unknown_margins"),
        *[
            pl.col(amount).filter(pl.col("age") <= days).sum().alias(f"{amount}_{days}")
            for amount in ("sales", "sales_ttc", "margin")
            for days in HORIZONS
        ],
    )
    figures = {}
    for days in HORIZONS:
        # a month of first orders counts once its last day has had its days
        reached = pl.col("first_on").dt.month_end() + pl.duration(days=days) <= records.last_day
        known = reached & (pl.col("unknown_margins") == 0)
        for name, amount, group in (
            (f"ltv_{days}d", "sales", reached),
            (f"ltv_{days}d_ttc", "sales_ttc", reached),
            (f"ltv_margin_{days}d", "margin", known),
        ):
            figures[name] = share(pl.col(f"{amount}_{days}").filter(group).sum(), group.sum())
    return Figures(people.with_columns(month("first_on")), figures)


def _retention(records: Records) -> Figures:
    """Each buyer with the whole months lived since the first one, and how many of them saw an order."""
    open_month = (records.last_day + DAY).replace(day=1)
    months_back = (open_month.year * 12 + open_month.month) - (
        pl.col("metric_time").dt.year().cast(pl.Int32) * 12 + pl.col("metric_time").dt.month()
    )
    first = _first_purchases(records).with_columns(month("first_on"))
    first = first.with_columns(lived=(months_back - 1).clip(lower_bound=0))
    months = _purchases(records).select("person", active_on=pl.col("order_date").dt.truncate("1mo")).unique()
    active = (
        months.join(first, on="person")
        .filter((pl.col("active_on") > pl.col("metric_time")) & (pl.col("active_on") < open_month))
        .group_by("person")
        .agg(active=pl.len())
    )
    rows = first.join(active, on="person", how="left")
    return Figures(rows, {"cohort_retention_rate": share(pl.col("active").sum(), pl.col("lived").sum())})


def _activity(records: Records) -> Figures:
    """Who bought in the twelve months to each month's end, and where: one row per person and month."""
    purchases = _purchases(records).select("person", "channel", "is_store", "order_date")
    begun = purchases["order_date"].min()
    assert isinstance(begun, date)
    firsts = pl.date_range(begun.replace(day=1), records.last_day, "1mo", eager=True)
    acquired = _first_purchases(records).select("person", "acquisition_channel")
    rows = []
    for first, ended in zip(firsts, firsts.dt.month_end(), strict=True):
        end = min(ended, records.last_day)
        a_year_before = _a_year_before(end)
        if a_year_before + DAY < begun:
            continue
        recent = purchases.filter((pl.col("order_date") > a_year_before) & (pl.col("order_date") <= end))
        people = recent.group_by("person").agg(
            channels=pl.col("channel").n_unique(), stores=pl.col("is_store").any(), days=pl.col("order_date").n_unique()
        )
        rows.append(people.with_columns(metric_time=pl.lit(first)))
    one, several = pl.col("channels") == 1, pl.col("channels") >= 2
    store_only, web_only = one & pl.col("stores"), one & ~pl.col("stores")
    return Figures(
        pl.concat(rows).join(acquired, on="person"),
        {
            "active_customers": pl.len(),
            "omnichannel_customers": several.sum(),
            "store_only_customers": store_only.sum(),
            "web_only_customers": web_only.sum(),
            "repeat_customers": (pl.col("days") >= 2).sum(),
            "omnichannel_customer_rate": share(several.sum(), pl.len()),
            "store_only_customer_rate": share(store_only.sum(), pl.len()),
            "web_only_customer_rate": share(web_only.sum(), pl.len()),
            "repeat_purchase_rate": share((pl.col("days") >= 2).sum(), pl.len()),
        },
        is_state=True,
    )


def _a_year_before(day: date) -> date:
    """The same day of the year before; the 28th for the 29th of February."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
