"""The account of loads, proved from the ledger: every file offered, and every feed's wait laid out day by day."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import Records, day_of, month


def prove(records: Records) -> Iterator[Figures]:
    files = records.raw["files"].with_columns(day_of("delivered_at", records.timezone).alias("day"))
    yield Figures(
        files.with_columns(month("day")),
        {
            "rejected_row_rate": share(pl.col("rows_rejected").sum(), pl.col("rows_in").sum()),
            "duplicate_rate": share((pl.col("verdict") == "duplicate").sum(), pl.len()),
        },
    )
    yield _freshness(records, files.filter(pl.col("verdict").str.starts_with("loaded")))


def _freshness(records: Records, files: pl.DataFrame) -> Figures:
    """Each feed that came on two days, at each month's last: the hours to midnight, or to the newest delivery of all."""
    last, newest = files["day"].max(), files["delivered_at"].max()
    assert isinstance(newest, datetime)
    assert isinstance(last, date)
    ends = files.select(pl.date_range(pl.col("day").min(), last).alias("day")).to_series()
    rows = []
    for day in ends:
        if day != last and (day + timedelta(days=1)).day != 1:
            continue
        midnight = pl.Series([datetime.combine(day + timedelta(days=1), time())]).dt.replace_time_zone(records.timezone)
        until = min(newest, midnight.dt.convert_time_zone("UTC").dt.replace_time_zone(None)[0])
        told = files.filter(pl.col("day") <= day).group_by("source", "mapping")
        told = told.agg(pl.col("delivered_at").max(), days=pl.col("day").n_unique()).filter(pl.col("days") > 1)
        rows.append(told.with_columns(day=pl.lit(day), hours=(pl.lit(until) - pl.col("delivered_at")).dt.total_seconds() / 3600))
    waits = pl.concat(rows).with_columns(month("day"))
    return Figures(waits, {"feed_freshness_hours": pl.col("hours").median()}, is_state=True)
