"""The published figures are those of the world the demonstration's exports were written from."""

from pathlib import Path

import polars as pl
import pytest

from dashboard.builds import Build, current
from dashboard.catalogue import catalogue
from dashboard.metrics import Question, ask

# What merging people by equal identifiers may cost: relative distance between a customer KPI and the same one over real people.
IDENTITY_TOLERANCE = 0.10
HALF_A_CENT, HAIR = 0.005, 1e-9
CUTS = {
    "all the data": ("all", False),
    "channel": ("all", True),
    "month": ("month", False),
    "month and channel": ("month", True),
}


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    published = current(demonstration)
    assert published
    return published


@pytest.fixture(scope="module")
def truth(demonstration: Path) -> pl.DataFrame:
    """Every KPI as the generator knows it."""
    kpis = pl.read_csv(demonstration / "truth" / "kpis.csv", schema_overrides={"metric_time": pl.Date}, infer_schema_length=None)
    return kpis.with_columns(pl.col("period").cast(pl.String))


def compared(build: Build, truth: pl.DataFrame, metric: str, grain: str, is_sliced: bool) -> pl.DataFrame:
    """The truth's rows beside what the build says, as `value` and `published`, with what a difference may be as `allowed`."""
    known = catalogue(build)[metric]
    is_slice = pl.col("channel") != "all"
    rows = truth.filter((pl.col("metric") == metric) & (pl.col("grain") == grain) & (is_slice if is_sliced else ~is_slice))
    # of a person there is no channel but that of the first order
    dimension = "channel" if "channel" in known.dimensions else "acquisition_channel"
    by = {dimension: "channel"} if is_sliced else {}
    by |= {"month_number": "period"} if rows["period"].drop_nulls().len() else {}
    answer = ask(build, Question(metrics=(metric,), by=tuple(by), grain="month" if grain == "month" else None)).frame
    keys = ["metric_time", *by.values()] if grain == "month" else [*by.values()]
    said = answer.rename(by).select(
        *[pl.col(key).cast(pl.String) if key in ("channel", "period") else pl.col(key) for key in keys],
        published=pl.col(metric).cast(pl.Float64),
    )
    both = rows.join(said, on=keys, how="left", nulls_equal=True) if keys else rows.join(said, how="cross")
    allowed = pl.lit(HALF_A_CENT) if known.format == "currency" else HAIR * pl.max_horizontal(pl.lit(1.0), pl.col("value").abs())
    return both.with_columns(allowed=allowed)


def test_the_truth_holds_every_family(truth: pl.DataFrame, build: Build) -> None:
    topics = {catalogue(build)[metric].topic for metric in truth["metric"].unique()}
    assert topics == {"conversion", "baskets", "customers", "markdowns", "lead_times"}


@pytest.mark.parametrize(("grain", "is_sliced"), CUTS.values(), ids=CUTS)
def test_every_kpi_is_what_the_generator_knows_it_to_be_by(
    build: Build, truth: pl.DataFrame, grain: str, is_sliced: bool
) -> None:
    known = truth.filter(pl.col("person_basis").fill_null("deterministic") != "true")
    wrong = {}
    for metric in known["metric"].unique().sort():
        both = compared(build, known, metric, grain, is_sliced)
        same = ((pl.col("value") - pl.col("published")).abs() < pl.col("allowed")).fill_null(False)
        rows = both.filter(~(same | (pl.col("value").is_null() & pl.col("published").is_null())))
        if len(rows):
            wrong[metric] = rows.drop("grain", "allowed", "person_basis")
    assert not wrong


def test_recognising_people_by_equal_identifiers_stays_near_the_real_people(build: Build, truth: pl.DataFrame) -> None:
    known = truth.filter(pl.col("person_basis") == "true")
    gaps = {}
    for metric in known["metric"].unique().sort():
        for value, published in compared(build, known, metric, "all", False).select("value", "published").iter_rows():
            gaps[metric] = published / value - 1
    assert gaps
    assert not {metric: gap for metric, gap in gaps.items() if abs(gap) > IDENTITY_TOLERANCE}
