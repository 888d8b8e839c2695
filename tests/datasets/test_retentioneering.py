"""A shop's clickstream, doubled events and all, to the conversion counted on it by hand."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.datasets.conftest import Retailer, Run


@pytest.fixture(scope="module")
def shop(run: Run, shared_data: Path) -> Retailer:
    export = shared_data / "retentioneering-ecom" / "ecom.csv.gz"
    return run("retentioneering", {"clicks/ecom.csv.gz": export}, currency="USD", timezone="UTC")


def test_every_event_is_accounted_for(shop: Retailer) -> None:
    (load,) = shop.ingested.loads
    assert (load.verdict, load.rows_in, load.rows_loaded) == ("loaded", 31_106, 31_106)


def test_a_session_counts_once_however_many_events_it_has_and_however_often_they_are_sent(shop: Retailer) -> None:
    assert shop.ask("sessions", "sessions_with_order").row(0) == (3_605, 470)


def test_a_session_begins_with_its_first_event(shop: Retailer, shared_data: Path) -> None:
    events = pl.read_csv(shared_data / "retentioneering-ecom" / "ecom.csv.gz")
    first = events.group_by("session_id").agg(pl.col("timestamp").min()).sort("session_id").rows()
    with duckdb.connect(str(shop.settings.warehouse), read_only=True) as warehouse:
        begun = warehouse.execute("select session_id, started_at::varchar from raw.sessions order by session_id").fetchall()
    assert begun == first


def test_the_share_of_sessions_with_a_purchase_is_exact(shop: Retailer) -> None:
    assert round(shop.value("session_conversion_rate") * 100, 3) == 13.037
    assert shop.value("orders") == 470


def test_the_share_is_the_same_whether_sliced_or_not(shop: Retailer) -> None:
    by_device = shop.ask("sessions", "sessions_with_order", by=("device",))
    assert set(by_device["device"]) == {"desktop", "mobile", "tablet"} & set(by_device["device"])
    assert by_device.select("sessions", "sessions_with_order").sum().row(0) == (3_605, 470)
