"""Same stores: who is one, and what the pages show of them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboard import builds, controls
from dashboard.builds import Build
from dashboard.catalogue import catalogue
from dashboard.controls import Offer, View, read
from dashboard.drivers import APART, explained, move
from dashboard.metrics import Question, ask
from dashboard.questions import ask_together, reach
from dashboard.stores import same_stores
from dashboard.topics import Page

# March 2026 compares with March 2025.
SINCE, UNTIL = date(2026, 3, 1), date(2026, 3, 31)

Stores = Callable[..., tuple[str, ...]]


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """The same stores of a build whose one store S opened, closed and was left out on the days given."""

    def judged(opened: date | None = None, closed: date | None = None, left_out: tuple[date, date] | None = None):
        folder = tmp_path / f"build{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        with duckdb.connect() as connection:
            connection.execute(f"attach '{folder / 'marts.duckdb'}' as build")
            connection.execute("use build; create schema build.marts")
            connection.execute("create table marts.locations (location_id varchar, opened_on date, closed_on date)")
            connection.execute("insert into marts.locations values ('S', ?, ?)", [opened, closed])
            connection.execute("create table marts.location_exclusions (location_id varchar, starts_on date, ends_on date)")
            if left_out:
                connection.execute("insert into marts.location_exclusions values ('S', ?, ?)", list(left_out))
        return same_stores(Build(folder.name, folder, {}), "last_year", SINCE, UNTIL)

    return judged


def test_a_store_is_the_same_when_it_traded_from_the_first_day_compared_to_the_last_day_shown(stores: Stores) -> None:
    assert stores() == ("S",)
    assert stores(opened=date(2025, 3, 1), closed=date(2026, 3, 31)) == ("S",)


@pytest.mark.parametrize(
    "dates",
    [
        {"opened": date(2025, 3, 2)},
        {"opened": date(2025, 9, 1)},
        {"opened": date(2026, 3, 15)},
        {"closed": date(2026, 3, 30)},
        {"closed": date(2025, 9, 1)},
        {"left_out": (date(2026, 3, 31), date(9999, 12, 31))},
        {"left_out": (date(2025, 3, 10), date(2025, 3, 11))},
        {"left_out": (date(2024, 1, 1), date(2025, 3, 1))},
    ],
)
def test_a_store_is_not_the_same_when_a_day_of_either_period_is_missing(stores: Stores, dates: dict[str, Any]) -> None:
    assert stores(**dates) == ()


def test_works_between_the_two_periods_leave_a_store_the_same(stores: Stores) -> None:
    assert stores(left_out=(date(2025, 4, 1), date(2026, 2, 28))) == ("S",)


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    found = builds.current(demonstration)
    assert found
    return found


def page(build: Build, since: date, until: date, **filters: str) -> Page:
    kept = tuple((dimension, (value,)) for dimension, value in filters.items())
    return Page("drivers", build, View(since, until, "last_year", "iso", "ht", kept, basis="same_stores"), ())


def test_where_no_store_opens_or_closes_within_the_days_sales_grow_as_like_for_like_growth_says(build: Build) -> None:
    since, until = date(2026, 9, 1), date(2026, 9, 30)
    sales, where = catalogue(build)["sales"], (("channel", ("store",)),)
    row = ask_together(page(build, since, until, channel="store"), [sales])["sales"].frame
    question = Question(("like_for_like_growth",), since=since, until=until, where=where)
    growth = ask(build, question).frame["like_for_like_growth"][0]
    assert float(row["sales"][0]) / float(row["sales__before"][0]) - 1 == pytest.approx(growth, abs=1e-9)


def test_nothing_is_left_to_openings_closures_and_exclusions(build: Build) -> None:
    sales = catalogue(build)["sales"]
    same = page(build, date(2025, 12, 1), date(2026, 9, 30))
    every = Page("drivers", build, View(same.view.since, same.view.until, "last_year", "iso", "ht", ()), ())
    assert set(APART) & set(move(explained(every, sales) or ()).parts)
    assert not set(APART) & set(move(explained(same, sales) or ()).parts)


def test_a_store_that_is_not_the_same_shows_nothing_and_not_everything(build: Build) -> None:
    opened = build.sql("select location_id from marts.locations where opened_on > date '2025-06-01'")["location_id"][0]
    sales = catalogue(build)["sales"]
    row = ask_together(page(build, date(2026, 1, 1), date(2026, 1, 31), location=opened), [sales])["sales"].frame
    assert row["sales"][0] is None


def test_a_metric_without_stores_takes_all_there_is(build: Build) -> None:
    deaf = next(metric for metric in catalogue(build).values() if "location" not in metric.dimensions)
    assert reach(page(build, SINCE, UNTIL), deaf).where == ()


def test_the_basis_is_offered_where_days_are_compared_and_something_is_known_by_store(build: Build) -> None:
    def basis(has_stores: bool = True, has_targets: bool = True, **url: str) -> str:
        values = {"location": ["S"]} if has_stores else {}
        offer = Offer(build, build.span or (SINCE, UNTIL), values, {}, {}, has_tax=True, has_targets=has_targets)
        return controls.view(read({name: [value] for name, value in url.items()}, "en"), offer).basis

    assert basis() == "all_stores"
    assert basis(basis="same_stores") == "same_stores"
    assert basis(basis="the best ones") == "all_stores"
    assert basis(basis="same_stores", compare="target") == "all_stores"
    assert basis(basis="same_stores", compare="target", has_targets=False) == "same_stores"
    assert basis(has_stores=False, basis="same_stores") == "all_stores"
