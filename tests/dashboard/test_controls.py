"""What the controls are set to, from a link to the days and filters of a view."""

from dataclasses import replace
from datetime import date

import pytest

from dashboard import controls
from dashboard.builds import Build
from dashboard.controls import Offer, read
from dashboard.periods import events


@pytest.fixture
def offer(build: Build) -> Offer:
    """What a page of the shop offers; its data span 30 January 2023 to 14 February 2026."""
    return Offer(
        build=build,
        days=build.span or (date.min, date.max),
        values={"channel": ["store", "web"], "region": ["North"]},
        labels={"channel": {"store": "Stores"}},
        regions={},
        has_tax=True,
        has_targets=False,
    )


def days(offer: Offer, **url: str) -> tuple[str, str]:
    since, until = controls.days(read({name.strip("_"): [value] for name, value in url.items()}, "en"), offer)
    return since.isoformat(), until.isoformat()


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        ("last_7_days", "2026-02-08", "2026-02-14"),
        ("last_28_days", "2026-01-18", "2026-02-14"),
        ("this_month", "2026-02-01", "2026-02-14"),
        ("last_month", "2026-01-01", "2026-01-31"),
        ("this_quarter", "2026-01-01", "2026-02-14"),
        ("this_year", "2026-01-01", "2026-02-14"),
        ("last_12_months", "2025-02-15", "2026-02-14"),
        ("all", "2023-01-30", "2026-02-14"),
    ],
)
def test_a_period_is_counted_from_the_last_day_of_the_data(offer: Offer, period: str, since: str, until: str) -> None:
    assert days(offer, period=period) == (since, until)


def test_the_retail_calendar_moves_the_bounds_of_months(offer: Offer) -> None:
    assert days(offer, period="last_month", calendar="retail") == ("2026-01-04", "2026-01-31")
    assert days(offer, period="this_year", calendar="retail") == ("2026-02-01", "2026-02-14")


def test_a_link_can_hold_its_own_days(offer: Offer) -> None:
    assert days(offer, period="custom", from_="2026-01-05", to="2026-01-06") == ("2026-01-05", "2026-01-06")


@pytest.mark.parametrize(
    "url",
    [
        {"period": ["yesterday"]},
        {"period": ["custom"], "from": ["2026-02-30"], "to": ["2026-03-01"]},
        {"period": ["custom"], "from": ["2026-03-01"], "to": ["2026-02-01"]},
        {"period": ["custom"]},
        {"lang": ["de"], "compare": ["x"], "tax": ["'; drop table orders"]},
    ],
)
def test_a_malformed_link_falls_back_to_the_defaults(url: dict[str, list[str]]) -> None:
    state = read(url, "en")
    assert {name: state[name] for name in controls.DEFAULTS} == controls.DEFAULTS
    assert state["lang"] == "en"


def test_filters_of_unknown_values_are_left_out_and_the_view_says_only_what_is_offered(offer: Offer) -> None:
    view = controls.view(read({"channel": ["web", "moon"], "location": ["S1"], "compare": ["target"]}, "en"), offer)
    assert view.filters == (("channel", ("web",)),)
    assert view.compare == "last_year"


def test_a_store_outside_the_regions_chosen_is_not_asked_for(offer: Offer) -> None:
    stores = replace(
        offer, values={"region": ["North", "South"], "location": ["S1", "S2"]}, regions={"S1": "North", "S2": "South"}
    )
    both = controls.view(read({"region": ["South"], "location": ["S1", "S2"]}, "en"), stores)
    assert both.filters == (("region", ("South",)), ("location", ("S2",)))
    other = controls.view(read({"region": ["South"], "location": ["S1"]}, "en"), stores)
    assert other.filters == (("region", ("South",)),)


def test_the_grain_follows_the_length_of_the_period_and_the_calendar(offer: Offer) -> None:
    def grain(**url: str) -> str:
        return controls.view(read({name: [value] for name, value in url.items()}, "en"), offer).grain

    assert grain(period="last_28_days") == "day"
    assert grain(period="last_12_months") == "week"
    assert grain(period="all") == "month"
    assert grain(period="all", calendar="retail") == "retail_month"


def test_an_event_is_a_period_and_a_comparison_where_it_came_back(offer: Offer) -> None:
    with_event = replace(offer, events=events(offer.build))
    state = read({"period": ["event"], "compare": ["event"]}, "en")
    view = controls.view(state, with_event)
    assert (view.since, view.until) == (date(2026, 1, 5), date(2026, 1, 6))
    assert view.comparison == "event:Three Kings"
    without = controls.view(state, offer)
    assert (without.since, without.compare) == (date(2025, 2, 15), "last_year")


def test_an_event_is_offered_only_where_it_makes_up_half_of_the_days(offer: Offer) -> None:
    with_event = replace(offer, events=events(offer.build))
    few = read({"period": ["custom"], "from": ["2026-01-05"], "to": ["2026-01-08"], "compare": ["event"]}, "en")
    many = read({"period": ["custom"], "from": ["2026-01-05"], "to": ["2026-01-09"], "compare": ["event"]}, "en")
    assert controls.view(few, with_event).comparison == "event:Three Kings"
    assert controls.view(many, with_event).comparison == "last_year"
