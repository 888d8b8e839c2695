"""Why sales moved: worked out by hand on a few days, and held to the cent on the demonstration retailer."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboard import builds
from dashboard.builds import Build
from dashboard.catalogue import catalogue
from dashboard.controls import View
from dashboard.drivers import Cell, cells, explained, move
from dashboard.metrics import BEFORE, Question, ask
from dashboard.topics import Page

MONDAY, A_YEAR_ON = date(2025, 3, 3), date(2026, 3, 2)
DAY = timedelta(days=1)
NOW, BEFORE_DAYS = (date(2026, 3, 2), date(2026, 3, 8)), (date(2025, 3, 3), date(2025, 3, 9))

Days = list[dict[str, Any]]
Few = Callable[..., Mapping[tuple[str, str], Cell]]


def sold(day: date, location: str = "S1", channel: str = "store", **amounts: Any) -> dict[str, Any]:
    """A trading day: ten visits, two orders of two units each, at 10 a piece and a tenth off, without VAT or exchange."""
    plain = {"visit_count": 10, "order_count": 2, "units": 4, "gross": 40, "sales": 36} | amounts
    gross, sales = plain["gross"], plain["sales"]
    return {
        "trade_date": day,
        "channel": channel,
        "location_id": location,
        "visit_count": plain["visit_count"],
        "counted_order_count": plain.get("counted", plain["order_count"] if plain["visit_count"] else 0),
        "order_count": plain["order_count"],
        "units": plain["units"],
        "gross_sales_at_fixed_rates": plain.get("gross_fixed", gross),
        "sales_at_fixed_rates": plain.get("fixed", sales),
        "sales": sales,
        "sales_ttc": plain.get("ttc", sales),
    }


@pytest.fixture
def few(tmp_path: Path) -> Few:
    """The cells of a week and the week a year before, of a build that holds only these days."""

    def made(
        days: Days,
        opened: date | None = None,
        closed: date | None = None,
        excluded: tuple[date, date] | None = None,
        with_vat: bool = False,
    ):
        folder = tmp_path / f"build{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        with duckdb.connect() as connection:
            connection.execute(f"attach '{folder / 'marts.duckdb'}' as build")
            connection.execute("use build; create schema build.marts")
            connection.execute(
                "create table marts.days as select cast(day as date) as day, isodow(day) as weekday "
                "from generate_series(date '2025-01-01', date '2026-12-31', interval 1 day) as series(day)"
            )
            kinds = {"trade_date": "date", "channel": "varchar", "location_id": "varchar"}
            counts = ("visit_count", "counted_order_count", "order_count")
            columns = {name: kinds.get(name, "bigint" if name in counts else "decimal(18, 4)") for name in days[0]}
            connection.execute(
                f"create table marts.trading_days ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
            )
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"insert into marts.trading_days values ({marks})", [list(day.values()) for day in days])
            connection.execute(
                "create table marts.locations (location_id varchar, region varchar, opened_on date, closed_on date)"
            )
            places = sorted({day["location_id"] for day in days})
            connection.executemany("insert into marts.locations values (?, 'North', null, null)", [[place] for place in places])
            connection.execute(
                "update marts.locations set opened_on = ?, closed_on = ? where location_id = 'S1'", [opened, closed]
            )
            connection.execute("create table marts.location_exclusions (location_id varchar, starts_on date, ends_on date)")
            if excluded:
                connection.execute("insert into marts.location_exclusions values ('S1', ?, ?)", list(excluded))
        build = Build(folder.name, folder, {})
        return {(cell.channel, cell.location): cell for cell in cells(build, NOW, BEFORE_DAYS, False, with_vat)}

    return made


def parts(cell: Cell) -> dict[str, Decimal]:
    return {driver: part for driver, part in cell.parts.items() if part}


def test_one_factor_that_moved_has_the_whole_change(few: Few) -> None:
    was = sold(MONDAY)
    cases: dict[str, dict[str, Any]] = {
        "traffic": {"visit_count": 20, "order_count": 4, "units": 8, "gross": 80, "sales": 72},
        "conversion": {"order_count": 3, "units": 6, "gross": 60, "sales": 54},
        "basket_units": {"units": 6, "gross": 60, "sales": 54},
        "price": {"gross": 60, "sales": 54},
        "markdown": {"sales": 30},
        "currency": {"sales": 45, "fixed": 36},
    }
    for driver, changed in cases.items():
        found = few([was, sold(A_YEAR_ON, **changed)])["store", "S1"]
        assert parts(found) == {driver: Decimal(changed["sales"] - 36)}


def test_two_factors_share_what_they_did_together(few: Few) -> None:
    # orders 2 → 3 by conversion, gross value of a unit 10 → 12: alone +18 and +7.20, together +3.60 more, half each
    found = few([sold(MONDAY), sold(A_YEAR_ON, order_count=3, units=6, gross=72, sales=Decimal("64.8"))])["store", "S1"]
    assert parts(found) == {"conversion": Decimal("19.8"), "price": Decimal("9.0")}


def test_a_trading_day_more_is_the_calendar_s_and_nobody_else_s(few: Few) -> None:
    found = few([sold(MONDAY), sold(A_YEAR_ON), sold(A_YEAR_ON + DAY)])["store", "S1"]
    assert parts(found) == {"calendar": Decimal(36)}


def test_vat_counts_only_in_amounts_that_include_it(few: Few) -> None:
    days = [sold(MONDAY, ttc=Decimal("43.2")), sold(A_YEAR_ON, ttc=Decimal("39.6"))]
    assert parts(few(days)["store", "S1"]) == {}
    assert parts(few(days, with_vat=True)["store", "S1"]) == {"vat": Decimal("-3.6")}


def test_visits_that_move_between_channels_are_mix_and_only_more_of_them_are_traffic(few: Few) -> None:
    # 20 visits both years; five of them went from the store to the app, where they sell twice as much
    app = {"channel": "app", "location": "W"}
    days = [
        sold(MONDAY),
        sold(A_YEAR_ON, visit_count=5, order_count=1, units=2, gross=20, sales=18),
        sold(MONDAY, **app, gross=80, sales=72),
        sold(A_YEAR_ON, **app, visit_count=15, order_count=3, units=6, gross=120, sales=108),
    ]
    found = few(days)
    assert parts(found["store", "S1"]) == {"channel_mix": Decimal(-18)}
    assert parts(found["app", "W"]) == {"channel_mix": Decimal(36)}


def test_where_nobody_counts_visits_orders_stand_for_them(few: Few) -> None:
    plain = {"channel": "phone", "visit_count": None}
    found = few([sold(MONDAY, **plain), sold(A_YEAR_ON, **plain, order_count=3, units=6, gross=60, sales=54)])["phone", "S1"]
    assert parts(found) == {"orders": Decimal(18)}


def test_an_hour_without_a_counter_is_no_fall_of_visits(few: Few) -> None:
    found = few([sold(MONDAY), sold(A_YEAR_ON, visit_count=5, counted=1)])["store", "S1"]
    assert parts(found) == {}


def test_a_store_is_an_opening_until_it_is_a_year_old_and_a_closure_from_its_last_day(few: Few) -> None:
    days = [sold(MONDAY + DAY), sold(A_YEAR_ON), sold(A_YEAR_ON + DAY)]
    assert parts(few(days, opened=MONDAY + DAY)["store", "S1"]) == {"openings": Decimal(36)}
    days = [sold(MONDAY), sold(MONDAY + DAY), sold(A_YEAR_ON)]
    assert parts(few(days, closed=A_YEAR_ON)["store", "S1"]) == {"closures": Decimal(-36)}


def test_days_left_out_by_hand_take_their_opposites_with_them(few: Few) -> None:
    days = [sold(MONDAY), sold(MONDAY + DAY), sold(A_YEAR_ON + DAY)]
    assert parts(few(days, excluded=(A_YEAR_ON, A_YEAR_ON))["store", "S1"]) == {"exclusions": Decimal(-36)}


def test_a_channel_that_started_or_stopped_is_shared_without_a_rest(few: Few) -> None:
    started = few([sold(MONDAY), sold(A_YEAR_ON), sold(A_YEAR_ON, channel="app", location="W")])
    stopped = few([sold(MONDAY), sold(A_YEAR_ON), sold(MONDAY, channel="app", location="W")])
    assert sum(started["app", "W"].parts.values()) == 36
    assert sum(stopped["app", "W"].parts.values()) == -36


@pytest.fixture(scope="module")
def retailer(demonstration: Path) -> Build:
    found = builds.current(demonstration)
    assert found
    return found


COMPARED = [
    ("last_year", date(2025, 11, 22), date(2026, 11, 21)),
    ("last_year", date(2026, 2, 1), date(2026, 2, 28)),
    ("previous_period", date(2026, 10, 1), date(2026, 10, 31)),
    ("retail_week", date(2026, 3, 1), date(2026, 4, 4)),
    ("event", date(2025, 11, 24), date(2025, 12, 1)),
]


def page(build: Build, compare: str, since: date, until: date, tax: str = "ht", **filters: str) -> Page:
    kept = tuple((dimension, (value,)) for dimension, value in filters.items())
    return Page("drivers", build, View(since, until, compare, "iso", tax, kept), ())


@pytest.mark.parametrize("tax", ["ht", "ttc"])
@pytest.mark.parametrize(("compare", "since", "until"), COMPARED)
def test_the_drivers_add_up_to_the_change_that_the_pages_show(
    retailer: Build, compare: str, since: date, until: date, tax: str
) -> None:
    shown = page(retailer, compare, since, until, tax)
    sales = catalogue(retailer)["sales"]
    found = explained(shown, sales)
    assert found
    whole = move(found)
    name = shown.asked(sales)
    row = ask(retailer, Question((name,), since=since, until=until, compare=compare)).frame.to_dicts()[0]
    assert (whole.before, whole.now) == (row[name + BEFORE], row[name])
    assert sum(whole.parts.values()) == whole.now - whole.before
    assert all(sum(cell.parts.values()) == cell.now - cell.before for cell in found)


def test_a_filter_keeps_the_parts_of_what_it_keeps(retailer: Build) -> None:
    everything = explained(page(retailer, *COMPARED[0]), catalogue(retailer)["sales"]) or ()
    for dimension in ("channel", "region", "location"):
        for value in sorted({getattr(cell, dimension) for cell in everything}):
            kept = explained(page(retailer, *COMPARED[0], **{dimension: value}), catalogue(retailer)["sales"]) or ()
            assert kept == tuple(cell for cell in everything if getattr(cell, dimension) == value)


def test_swapping_the_periods_negates_every_part(retailer: Build) -> None:
    now, before = (date(2026, 5, 1), date(2026, 5, 31)), (date(2026, 6, 1), date(2026, 7, 1))
    forth, back = (cells(retailer, *pair, False, True) for pair in ((now, before), (before, now)))
    assert len(forth) > 40
    for there, again in zip(forth, back, strict=True):
        assert {driver: -part for driver, part in there.parts.items()} == dict(again.parts)


def test_openings_are_what_new_stores_sold_before_they_were_a_year_old(retailer: Build) -> None:
    found = explained(page(retailer, *COMPARED[0]), catalogue(retailer)["sales"]) or ()
    young = retailer.sql(
        """
        select sum(orders.sales) as sales
        from marts.orders inner join marts.locations using (location_id)
        where
            is_valid and order_date between date '2025-11-22' and date '2026-11-21'
            and opened_on > order_date - interval 1 year
        """
    )["sales"][0]
    assert young > 0
    assert move(found).parts["openings"] == young
