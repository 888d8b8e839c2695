"""Every monitored mix against the same month a year before: how far it lies from it, and how far chance reaches."""

import polars as pl

from estimators.drift import stability

KEY = ["feature", "location_id", "month_start"]
TEXTS, COUNTS = ("feature", "location_id"), ("case_count", "reference_count", "bin_count")
SCHEMA = {
    **dict.fromkeys(TEXTS, pl.String),
    "month_start": pl.Date,
    **dict.fromkeys(COUNTS, pl.Int32),
    **dict.fromkeys(("psi", "psi_limit"), pl.Float64),
    "is_alarm": pl.Boolean,
}


def model(dbt, session):
    dbt.config(materialized="table")
    mixes = dbt.ref("int_monitored_mixes").pl().drop("_file_id").with_columns(pl.col("case_count").cast(pl.Int64))
    before = mixes.with_columns(pl.col("month_start").dt.offset_by("1y"))
    sizes = [frame.group_by(KEY).agg(size=pl.col("case_count").sum()) for frame in (mixes, before)]
    compared = sizes[0].join(sizes[1], on=KEY).select(KEY)
    both = mixes.join(before.rename({"case_count": "reference"}), on=[*KEY, "bin"], how="full", coalesce=True)
    bins = both.join(compared, on=KEY).with_columns(pl.col("case_count", "reference").fill_null(0)).sort(*KEY, "bin")
    checks = compared.group_by("feature", "month_start").len("checks")
    rate = float(dbt.config.meta_get("false_alarms"))
    rows = []
    for key, group in bins.join(checks, on=["feature", "month_start"]).group_by(KEY):
        # looked at together, the checks of a month must not alarm by chance more often than one alone
        found = stability(group["reference"].to_numpy(), group["case_count"].to_numpy(), rate / group["checks"][0])
        limit = found.limit if found.bins > 1 else None
        sizes_of = (group["case_count"].sum(), group["reference"].sum())
        rows.append((*key, *sizes_of, found.bins, found.psi, limit, found.is_alarm))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").to_arrow()
