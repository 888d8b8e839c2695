"""From one definition of a KPI to another: every bridge arrives, and no step is left to chance."""

from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import builds, words
from dashboard.bridges import bridges, cross
from dashboard.builds import Build
from dashboard.catalogue import catalogue
from dashboard.controls import View
from dashboard.metrics import Question, ask
from dashboard.questions import reach
from dashboard.topics import Page

PAGE = Path(__file__).parent.parent.parent / "pages" / "drivers.py"
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
            shown = page(build, **filters)
            landings, reached = cross(shown, bridge), reach(shown, bridge.metric)
            question = Question((bridge.metric.name,), since=reached.since, until=reached.until, where=reached.where)
            answer = ask(build, question)
            assert landings
            assert landings[-1].value == pytest.approx(float(answer.frame[bridge.metric.name][0]), abs=1e-6)
            crossed += 1
    assert crossed >= 16


def test_a_bridge_between_ways_of_counting_days_stands_on_the_same_days(build: Build) -> None:
    bridge = next(one for one in bridges(build) if one.metric == catalogue(build)["return_rate_by_order_date"])
    # a window of sixty days is over for the orders of sixty days before
    shown = page(build)
    reached = reach(shown, bridge.metric)
    assert (SINCE - reached.since).days == (UNTIL - reached.until).days == bridge.metric.censored_days
    returned = build.sql(
        """
        select cast(sum(returned_sales_ttc) as double) as amount from marts.returns
        where is_valid and return_date between $since and $until
        """,
        {"since": reached.since, "until": reached.until},
    )["amount"][0]
    sold = ask(build, Question(("sales_ttc",), since=reached.since, until=reached.until)).frame["sales_ttc"][0]
    landings = cross(shown, bridge)
    assert landings
    assert landings[0].value == pytest.approx(returned / float(sold), abs=1e-9)


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


@pytest.mark.parametrize("language", ["en", "fr"])
def test_where_two_definitions_agree_a_sentence_says_so_and_nothing_is_drawn(
    build: Build, demonstration: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(demonstration))
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.query_params.update({"lang": language, "period": "all"})
    charts = len(app.run().get("plotly_chart"))
    (place,) = (place for place, one in enumerate(bridges(build)) if one.metric == catalogue(build)["late_rate"])
    words.speak(language)
    app = app.selectbox(key="bridge").set_value(place).run()
    words.speak("en")
    assert not app.exception
    assert len(app.get("plotly_chart")) == charts - 1
    same = words.phrases(language)["bridge.same"].partition("{")[0]
    assert any(text.value.startswith(same) for text in app.markdown)
