"""Forecasts of demand, worked out by hand."""

import numpy as np
import pytest

from estimators.demand import automatic, has_automatic, seasonal_average

NAN = np.nan
WEEKS = np.array([[1, 2, 3, 4, 5, 6, 7], [3, 4, 5, 6, 7, 8, 9]], float).reshape(1, -1)


def test_over_one_week_it_is_the_seasonal_naive_forecast() -> None:
    assert seasonal_average(WEEKS, 9, over=1).tolist() == [[3, 4, 5, 6, 7, 8, 9, 3, 4]]


def test_over_two_weeks_it_is_their_mean_by_weekday() -> None:
    assert seasonal_average(WEEKS, 7, over=2).tolist() == [[2, 3, 4, 5, 6, 7, 8]]


def test_a_day_without_stock_is_passed_over_for_the_same_weekday_before() -> None:
    seen = WEEKS.copy()
    seen[0, 7] = NAN
    assert seasonal_average(seen, 2, over=1).tolist() == [[1, 4]]


def test_a_series_that_does_not_fill_its_first_week_keeps_its_weekdays() -> None:
    assert seasonal_average(WEEKS[:, 5:], 2, over=1).tolist() == [[3, 4]]


def test_a_weekday_never_seen_takes_the_mean_and_a_series_never_seen_nothing() -> None:
    demand = np.array([[NAN, 2.0, 4.0, 6.0, NAN, NAN, NAN], [NAN] * 7])
    assert seasonal_average(demand, 2).tolist() == [[4.0, 2.0], [0.0, 0.0]]


@pytest.mark.skipif(has_automatic(), reason="the extra `forecast` is installed")
def test_without_its_extra_the_automatic_forecast_says_what_to_install() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"omnikpi\[forecast\]"):
        automatic(WEEKS, 7)


@pytest.mark.skipif(not has_automatic(), reason="the extra `forecast` is not installed")
def test_the_automatic_forecast_follows_a_plain_weekly_pattern() -> None:
    rng = np.random.default_rng(3)
    pattern = np.array([10, 12, 14, 13, 20, 40, 5], float)
    demand = np.tile(pattern, 20)[None, :] + rng.normal(0, 0.5, (1, 140))
    assert automatic(demand, 7)[0] == pytest.approx(pattern, abs=1.5)
