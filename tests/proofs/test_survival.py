"""The survival of pick-up waits agrees with Efron's mass, for every place, month and minute."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dashboard.builds import Build, current
from dashboard.metrics import Question, ask
from tests.proofs.promise import waits
from tests.proofs.records import read
from tests.proofs.survival import HAIR, masses


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    published = current(demonstration)
    assert published
    return published


@pytest.fixture(scope="module")
def waited(demonstration: Path, build: Build) -> pl.DataFrame:
    return waits(read(demonstration, build.info["currency"], build.info["timezone"]))


def test_a_censored_wait_hands_its_mass_to_the_right() -> None:
    # Efron's example in small: of 1, 2+, 3, 4 the censored quarter goes half to 3 and half to 4
    lasted, mass = masses(np.array([1.0, 2, 3, 4]), np.array([True, False, True, True]))
    assert lasted.tolist() == [1, 2, 3, 4]
    assert mass.tolist() == [0.25, 0, 0.375, 0.375]


@pytest.mark.parametrize(("scope", "column"), {"all": None, "region": "region", "location": "location_id"}.items())
def test_every_curve_is_the_mass_that_ended_by_each_minute(
    build: Build, waited: pl.DataFrame, scope: str, column: str | None
) -> None:
    published = build.sql("select * from marts.pickup_survival where scope = $scope", {"scope": scope})
    curves = dict(published.group_by("place", "month_start"))
    groups = waited.with_columns(place=pl.lit("all") if column is None else pl.col(column)).group_by("place", "metric_time")
    proved = 0
    for (place, month), group in groups:
        rows = curves[place, month].sort("minute")
        lasted, mass = masses(group["waited"].to_numpy(), group["is_ready"].to_numpy())
        expected = np.array([mass[lasted <= minute].sum() for minute in rows["minute"]])
        assert np.allclose(rows["ready_share"], expected, atol=HAIR), (place, month)
        assert rows["pickup_count"].unique().to_list() == [len(group)]
        proved += 1
    assert proved == len(curves) > 20


def test_some_month_holds_waits_that_are_not_over(build: Build, waited: pl.DataFrame) -> None:
    assert 0 < (~waited["is_ready"]).sum() < len(waited)
    known = build.sql("select sum(unready_count) as n from marts.pickup_readiness where scope = 'all'")["n"][0]
    assert known == (~waited["is_ready"]).sum()


def test_where_every_pickup_is_ready_survival_gives_the_exact_metrics(build: Build) -> None:
    names = ("pickup_ready_minutes_p50", "pickup_ready_minutes_p90", "pickup_within_promise_rate")
    estimated = ("ready_minutes_p50", "ready_minutes_p90", "within_promise_share")
    for scope in ("all", "location"):
        by = ("location",) if scope == "location" else ()
        exact = ask(build, Question(names, by, "month")).frame.rename({"metric_time": "month_start"})
        exact = exact.with_columns(place=pl.col("location") if by else pl.lit("all"))
        readiness = build.sql(f"select * from marts.pickup_readiness where scope = '{scope}' and unready_count = 0")
        both = readiness.join(exact, on=["place", "month_start"], suffix="_exact")
        assert len(both) == len(readiness) > 10
        for name, value in zip(names, estimated, strict=True):
            assert np.allclose(both[name].cast(pl.Float64), both[value], rtol=0, atol=HAIR), name


def test_where_some_are_not_ready_the_exact_metrics_differ_by_no_more_than_those_can_change(build: Build) -> None:
    """What is not ready can only move a share by its own: the two readings never part by more than the open pick-ups."""
    exact = ask(build, Question(("pickup_within_promise_rate",), (), "month")).frame
    rows = build.sql("select * from marts.pickup_readiness where scope = 'all' and unready_count > 0").join(
        exact, left_on="month_start", right_on="metric_time"
    )
    assert len(rows)
    apart = (rows["pickup_within_promise_rate"] - rows["within_promise_share"]).abs()
    assert (apart <= rows["unready_count"] / rows["pickup_count"]).all()
