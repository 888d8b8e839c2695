"""From one definition of a KPI to another: every bridge arrives, and no step is left to chance."""

from datetime import date
from pathlib import Path

import pytest

from dashboard import builds
from dashboard.bridges import bridges, cross
from dashboard.builds import Build
from dashboard.catalogue import catalogue
from dashboard.controls import View
from dashboard.metrics import Question, ask
from dashboard.topics import Page

SINCE, UNTIL = date(2026, 1, 1), date(2026, 6, 30)


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    found = builds.current(demonstration)
    assert found
    return found


def page(build: Build, **filters: str) -> Page:
    kept = tuple((dimension, (value,)) for dimension, value in filters.items())
    return Page("drivers", build, View(SINCE, UNTIL, "last_year", "iso", "ht", kept), ())


def test_every_bridge_arrives_at_the_metric_that_declares_it(build: Build) -> None:
    crossed = 0
    for bridge in bridges(build):
        for filters in ({}, {"channel": "web"}):
            landings = cross(page(build, **filters), bridge)
            where = tuple((dimension, (value,)) for dimension, value in filters.items())
            answer = ask(build, Question((bridge.metric.name,), since=SINCE, until=UNTIL, where=where))
            assert landings
            assert landings[-1].value == pytest.approx(float(answer.frame[bridge.metric.name][0]), abs=1e-6)
            crossed += 1
    assert crossed >= 10


def test_the_orders_left_out_of_sales_are_worth_what_the_bridge_says(build: Build) -> None:
    bridge = next(one for one in bridges(build) if one.metric == catalogue(build)["sales"])
    landings = cross(page(build), bridge)
    assert landings
    reasons = [rule.without for rule in bridge.steps if rule.without]
    # an order that is two things at once belongs to the first
    first = " ".join(f"when {reason} then '{reason}'" for reason in reasons)
    rows = build.sql(
        f"""
        select case {first} else 'kept' end as reason, cast(sum(sales) as double) as sales
        from marts.orders where order_date between $since and $until group by all
        """,
        {"since": SINCE, "until": UNTIL},
    )
    worth = dict(rows.iter_rows())
    for reason, before, after in zip(reasons, landings, landings[1:], strict=False):
        assert before.value - after.value == pytest.approx(worth.get(reason, 0.0), abs=1e-6)
    assert landings[-1].value == pytest.approx(worth["kept"], abs=1e-6)
