"""What a period is compared with, on the calendars that go wrong: 53-week years, leap years, events that move."""

from datetime import date
from pathlib import Path

import pytest

from dashboard import builds
from dashboard.builds import Build
from dashboard.periods import compared_range, compared_spans, events, periods


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    found = builds.current(demonstration)
    assert found
    return found


def days(text: str) -> tuple[date, date]:
    first, last = text.split(" to ")
    return date.fromisoformat(first), date.fromisoformat(last)


@pytest.mark.parametrize(
    ("comparison", "period", "compared"),
    [
        # the retail year 2023 had 53 weeks, from 29 January 2023 to 3 February 2024: its first is left out
        pytest.param("retail_week", "2024-02-04 to 2025-02-01", "2023-02-05 to 2024-02-03", id="the year after a 53-week year"),
        pytest.param("retail_week", "2029-02-04 to 2030-02-02", "2028-02-06 to 2029-02-03", id="the year after that of 2028"),
        pytest.param("retail_week", "2023-01-29 to 2024-01-27", "2022-01-30 to 2023-01-28", id="52 weeks of a 53-week year"),
        pytest.param("retail_week", "2026-03-01 to 2026-03-07", "2025-03-02 to 2025-03-08", id="a week of a plain year"),
        pytest.param("last_year", "2028-02-01 to 2028-02-29", "2027-02-01 to 2027-02-28", id="a February of 29 days"),
        pytest.param("last_year", "2029-02-01 to 2029-02-28", "2028-02-01 to 2028-02-29", id="a February after one of 29 days"),
        pytest.param("last_year", "2028-02-29 to 2028-03-01", "2027-02-28 to 2027-03-01", id="days from 29 February on"),
        pytest.param("previous_period", "2028-03-01 to 2028-03-31", "2028-02-01 to 2028-02-29", id="the month after February"),
        pytest.param("event:Black Friday", "2025-11-24 to 2025-12-01", "2024-11-25 to 2024-12-02", id="Black Friday"),
        pytest.param("event:Fête des mères", "2026-05-25 to 2026-05-31", "2025-05-19 to 2025-05-25", id="a feast that moves"),
    ],
)
def test_a_period_is_compared_with(build: Build, comparison: str, period: str, compared: str) -> None:
    assert compared_range(build, comparison, *days(period)) == days(compared)


def test_every_week_after_a_53_week_year_stands_opposite_the_week_that_follows(build: Build) -> None:
    weeks = compared_spans(build, "retail_week", "retail_week", *days("2024-02-04 to 2025-02-01"))
    assert len(weeks) == 52
    assert weeks[0] == (date(2024, 2, 4), days("2023-02-05 to 2023-02-11"))
    assert weeks[-1] == (date(2025, 1, 26), days("2024-01-28 to 2024-02-03"))


def test_a_whole_week_stands_opposite_a_whole_week(build: Build) -> None:
    # 1 June is a Monday in 2026, and was a Sunday the year before
    weeks = compared_spans(build, "last_year", "week", *days("2026-06-01 to 2026-06-28"))
    assert [compared for _, compared in weeks] == [
        days("2025-06-02 to 2025-06-08"), days("2025-06-09 to 2025-06-15"), days("2025-06-16 to 2025-06-22"), None,
    ]  # fmt: skip
    # 1 May was a Friday: its three days are opposite the first of June's weeks no more
    weeks = compared_spans(build, "previous_period", "week", *days("2026-06-01 to 2026-06-30"))
    assert weeks[0] == (date(2026, 6, 1), days("2026-05-04 to 2026-05-10"))
    # what both ranges cut stays opposite each other
    months = compared_spans(build, "previous_period", "month", *days("2026-03-15 to 2026-04-30"))
    assert months == [(date(2026, 3, 1), days("2026-01-27 to 2026-01-31")), (date(2026, 4, 1), days("2026-02-01 to 2026-02-28"))]


def test_retail_years_have_53_weeks_when_the_federation_says_so(build: Build) -> None:
    lengths = {span.first.year: (span.last - span.first).days + 1 for span in periods(build, "retail_year")}
    assert {year for year, length in lengths.items() if length == 371} & set(range(2010, 2036)) == {2012, 2017, 2023, 2028, 2034}


def test_weeks_start_on_monday_and_their_year_may_have_53(build: Build) -> None:
    assert all(span.first.isoweekday() == 1 for span in periods(build, "week")[1:])
    last = build.sql("select max(iso_week) as week from marts.days where day between date '2026-12-28' and date '2027-01-03'")
    assert last["week"][0] == 53


def test_the_event_named_counts_even_where_another_shares_more_days(build: Build) -> None:
    may = days("2026-05-01 to 2026-05-31")
    assert compared_range(build, "event", *may) == days("2025-04-25 to 2025-05-25")
    assert compared_range(build, "event:French Days", *may) == days("2025-05-02 to 2025-06-01")
    assert compared_range(build, "event:No such thing", *may) is None


def test_only_events_that_came_back_are_events_to_compare(build: Build) -> None:
    found = {event.event_id: event for event in events(build)}
    assert found["Black Friday 2025-11-24"].before == date(2024, 11, 25)
    assert "Black Friday 2024-11-25" not in found
