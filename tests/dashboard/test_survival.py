"""The survival chart draws the published curve of the view's place and month, its band, and what it compares with."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dashboard import words
from dashboard.builds import Build, current
from dashboard.charts.drawing import Drawn
from dashboard.charts.survival import survival
from dashboard.controls import View
from dashboard.topics import Page, topic_charts, topic_metrics

MONTH = date(2026, 11, 1)


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    published = current(demonstration)
    assert published
    return published


def page(build: Build, *filters: tuple[str, tuple[str, ...]], compare: str = "last_year") -> Page:
    view = View(MONTH, date(2026, 11, 21), compare, "gregorian", "ht", filters)
    return Page("promise", build, view, topic_metrics(build, "promise"))


def drawn(of: Page) -> Drawn:
    words.speak("en")
    (chart,) = (chart for chart in topic_charts(of.build, of.topic) if chart.kind == "survival")
    found = survival(of, chart)
    assert found
    return found


def traces(found: Drawn) -> list[dict[str, Any]]:
    return found.figure.to_dict()["data"]


def published(build: Build, scope: str, place: str) -> list[float]:
    query = """
        select ready_share from marts.pickup_survival
        where scope = $scope and place = $place and month_start = $month order by minute
    """
    return build.sql(query, {"scope": scope, "place": place, "month": MONTH})["ready_share"].to_list()


def test_the_curve_is_the_published_one_with_its_band_and_the_year_before(build: Build) -> None:
    found = drawn(page(build))
    high, low, before, now, promise, median = traces(found)
    assert list(now["y"]) == published(build, "all", "all")[: len(now["y"])]
    assert all(floor <= share <= ceiling for floor, share, ceiling in zip(low["y"], now["y"], high["y"], strict=True))
    assert (before["name"], now["name"]) == ("Nov 2025", "Nov 2026")
    assert list(promise["x"]) == [15]
    assert promise["y"][0] == now["y"][list(now["x"]).index(15)]
    assert list(median["y"]) == [0.5]
    assert found.unit.startswith("all stores, Nov 2026")
    assert found.unit.endswith("not ready yet")


def test_a_filter_on_one_region_gives_its_own_curve_and_on_several_the_whole(build: Build) -> None:
    regions = build.sql("select place from marts.pickup_readiness where scope = 'region' order by pickup_count desc")["place"]
    one = regions[0]
    own = traces(drawn(page(build, ("region", (one,)))))[3]
    assert list(own["y"]) == published(build, "region", one)[: len(own["y"])]
    both = traces(drawn(page(build, ("region", tuple(regions.unique(maintain_order=True)[:2])))))[3]
    assert list(both["y"]) == published(build, "all", "all")[: len(both["y"])]


def test_too_few_waits_draw_nothing(build: Build) -> None:
    small = build.sql(
        "select place from marts.pickup_readiness where scope = 'location' and pickup_count < 30 and month_start = $month",
        {"month": MONTH},
    )["place"][0]
    of = page(build, ("location", (small,)))
    (chart,) = (chart for chart in topic_charts(build, "promise") if chart.kind == "survival")
    assert survival(of, chart) is None
