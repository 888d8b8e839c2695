"""Real input: the Olist export through the mappings that ship, to figures counted on its files by hand."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT, omnikpi

FILES = ("orders", "order_items", "order_payments", "customers", "products")
# The export tells wall-clock times; the mapping reads them as Brasília's without summer time, and days are told in the same.
SETTINGS = {"OMNIKPI_CURRENCY": "BRL", "OMNIKPI_TIMEZONE": "America/Fortaleza"}


@pytest.fixture(scope="module")
def olist(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after `omnikpi run` on the sample."""
    data = tmp_path_factory.mktemp("olist") / "data"
    inbox = data / "inbox" / "olist"
    inbox.mkdir(parents=True)
    for name in FILES:
        shutil.copy2(shared_data / "olist-sample" / f"olist_{name}_dataset.csv", inbox)
    finished = omnikpi("run", data=data, **SETTINGS)
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
    return data


@pytest.fixture(scope="module")
def ask(olist: Path) -> Callable[..., dict[str, float]]:
    """The values `omnikpi query` prints for some metrics over all the data."""

    def query(*metrics: str) -> dict[str, float]:
        printed = omnikpi("query", ",".join(metrics), "--format", "csv", data=olist, **SETTINGS)
        assert printed.returncode == 0, printed.stderr
        (row,) = csv.DictReader(io.StringIO(printed.stdout))
        return {metric: float(row[metric]) for metric in metrics}

    return query


@pytest.fixture(scope="module")
def count(olist: Path) -> Callable[[str], tuple[object, ...]]:
    """The one row of a query on the published marts."""
    build = olist / "builds" / (olist / "CURRENT").read_text().strip()

    def row(query: str) -> tuple[object, ...]:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{build / 'marts.duckdb'}' as published (read_only)")
            connection.execute("use published")
            (found,) = connection.execute(query).fetchall()
        return found

    return row


def test_every_order_and_line_is_there(count: Callable[[str], tuple[object, ...]]) -> None:
    assert count("select count(*), count(distinct order_id) from marts.orders") == (20_000, 20_000)
    assert count("select count(*) from marts.order_lines") == (22_618,)


def test_nothing_was_rejected(count: Callable[[str], tuple[object, ...]]) -> None:
    assert count("select sum(rows_rejected), count(*) from ledger.files") == (0, len(FILES))


def test_people_are_counted_once_however_many_orders_they_placed(count: Callable[[str], tuple[object, ...]]) -> None:
    people = "select customer_id, count(*) as orders from marts.orders where is_identified group by customer_id"
    assert count(f"select count(*), count(*) filter (where orders > 1) from ({people})") == (19_831, 163)


def test_goods_add_up_to_the_cent(count: Callable[[str], tuple[object, ...]]) -> None:
    goods = count("select cast(sum(sales_ttc) as varchar), cast(sum(gross_sales_ttc) as varchar) from marts.order_lines")
    assert goods == ("2768685.9900", "2768685.9900")


def test_freight_adds_up_to_the_cent(count: Callable[[str], tuple[object, ...]]) -> None:
    assert count("select cast(sum(shipping_ttc) as varchar) from marts.orders") == ("451112.7900",)


def test_payments_add_up_to_the_cent(olist: Path) -> None:
    with duckdb.connect(str(olist / "warehouse.duckdb"), read_only=True) as connection:
        paid = connection.execute("select cast(sum(amount) as varchar) from raw.payments").fetchall()
    assert paid == [("3249579.7800",)]


def test_times_from_purchase_to_delivery_are_exact(ask: Callable[..., dict[str, float]]) -> None:
    hours = "order_to_delivery_hours"
    found = ask("deliveries", f"{hours}_mean", f"{hours}_p50", f"{hours}_p90")
    assert found["deliveries"] == 19_429
    assert {name: round(found[f"{hours}_{name}"] / 24, 4) for name in ("mean", "p50", "p90")} == {
        "mean": 12.5216,
        "p50": 10.2173,
        "p90": 23.2461,
    }


def test_late_rates_are_exact_both_ways(ask: Callable[..., dict[str, float]]) -> None:
    found = ask("late_rate", "late_rate_by_timestamp")
    assert {name: round(rate * 100, 3) for name, rate in found.items()} == {"late_rate": 6.861, "late_rate_by_timestamp": 8.163}


@pytest.mark.parametrize(
    ("page", "card", "export"),
    [
        ("conversion", "Session conversion rate", "web analytics sessions"),
        ("lead_times", "Pick-ups ready as promised", "order fulfilments"),
    ],
)
def test_a_page_whose_export_is_missing_says_so_and_shows_the_rest(
    olist: Path, monkeypatch: pytest.MonkeyPatch, page: str, card: str, export: str
) -> None:
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(olist))
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    shown = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=60).run()
    assert not shown.exception
    cards = {metric.label: metric for metric in shown.metric}
    said = cards[card].proto.delta_description
    assert said.startswith("Not loaded:"), said
    assert export in said
    assert cards[card].value == "–"
    assert any(metric.value != "–" for metric in cards.values())
