"""What happens around orders, replayed load by load: the marts built step by step equal the marts built at once."""

import shutil
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.dbt.conftest import Manifest, Warehouse, make_warehouse

Row = dict[str, Any]
MARTS = ("sessions", "visitor_days", "fulfilments", "deliveries", "prepared_orders", "pickup_survival", "pickup_readiness")
UPSTREAM = ("run", "--select", *(f"+{mart}" for mart in MARTS))


def at(text: str) -> datetime:
    """An instant of 2026 from `month-day hour:minute`."""
    return datetime.fromisoformat(f"2026-{text}")


def order(number: str, ordered_at: str, key: str | None = None, **columns: object) -> Row:
    given = {"order_id": number, "ordered_at": at(ordered_at), "identity_key": key, "currency": "EUR", "status": "completed"}
    return given | {"channel": "web", "fulfilment_mode": "home_delivery"} | columns


def ticket(number: str, ordered_at: str, key: str | None = None, **columns: object) -> Row:
    return order(number, ordered_at, key, channel="store", fulfilment_mode="in_store", location_id="L1") | columns


def line(number: str) -> Row:
    return {
        "order_id": number,
        "line_number": 1,
        "sku": "A",
        "quantity": 1,
        "unit_price": 12,
        "includes_vat": True,
        "vat_rate": 0.2,
    }


def visit(number: str, started_at: str, key: str | None = None, **columns: object) -> Row:
    given = {"session_id": number, "visitor_id": f"v{number}", "started_at": at(started_at), "identity_key": key}
    return given | {"channel": "web"} | columns


def work(number: str, order_number: str, created_at: str, mode: str = "click_and_collect", **columns: object) -> Row:
    given = {"fulfilment_id": number, "order_id": order_number, "created_at": at(created_at), "mode": mode}
    return given | {"location_id": "L1"} | columns


def parcel(number: str, order_number: str, shipped_at: str, **columns: object) -> Row:
    given = {"shipment_id": number, "order_id": order_number, "shipped_at": at(shipped_at), "carrier": "Swift"}
    return given | {"status": "in_transit"} | columns


def opening(weekday: int, opens_at: str, closes_at: str, location_id: str = "L1") -> Row:
    return {
        "location_id": location_id,
        "weekday": weekday,
        "valid_from": date(2025, 1, 1),
        "opens_at": opens_at,
        "closes_at": closes_at,
    }


def location(timezone: str, location_id: str = "L1") -> Row:
    given = {"location_id": location_id, "name": "Lille", "kind": "store", "region": "Nord", "country": "FR"}
    return given | {"timezone": timezone, "opened_on": date(2020, 1, 1)}


def first_load(warehouse: Warehouse) -> None:
    """A few customers who browse, buy, collect and wait for parcels, up to 10 March."""
    week = [opening(weekday, "09:00", "19:00", store) for weekday in range(1, 7) for store in ("L1", "L2")]
    stores = [location("Europe/Paris"), location("Europe/Paris", "L2")]
    warehouse.load(1, "stores", locations=stores, opening_hours=week)
    orders = [
        order("W1", "03-02 10:00", "ann", session_id="1"),
        order("W2", "03-03 10:00", "bob", fulfilment_mode="click_and_collect"),
        order("W3", "03-04 20:30", "cat", fulfilment_mode="click_and_collect"),
        order("W4", "03-05 10:00", "dan"),
        order("W5", "03-06 10:00", "eve"),
        order("W6", "03-10 17:50", "ann", fulfilment_mode="click_and_collect"),
        order("W7", "03-06 10:00", "eve"),
    ]
    warehouse.load(2, "shop", orders=orders, order_lines=[line(row["order_id"]) for row in orders])
    tickets = [ticket("T0", "01-05 15:00", "fay"), ticket("T1", "02-04 15:00", "fay"), ticket("T2", "03-05 15:00", "bob")]
    warehouse.load(3, "tills", orders=tickets, order_lines=[line(row["order_id"]) for row in tickets])
    warehouse.load(
        4,
        "analytics",
        sessions=[
            visit("1", "03-02 09:50", "ann", order_id="W1"),
            visit("2", "03-03 09:00", "bob", order_id="W2"),
            visit("3", "02-01 09:00", "fay"),
            visit("4", "01-10 09:00", "dan"),
            visit("10", "01-10 18:00", "dan"),
            visit("5", "03-04 09:00", "eve", channel="app"),
            visit("6", "03-04 12:00", "eve"),
            visit("7", "03-09 12:00", order_id="W9"),
            visit("8", "03-10 21:00", "cat"),
            visit("11", "02-10 09:00", "hal"),
        ],
    )
    warehouse.load(
        5,
        "oms",
        fulfilments=[
            work("F1", "W2", "03-03 10:01", ready_at=at("03-03 10:11"), collected_at=at("03-03 16:00")),
            work("F2", "W3", "03-04 20:31"),
            work("F3", "W4", "03-05 10:01", mode="ship_from_store", promised_at=at("03-07 19:00")),
            work("F6", "W6", "03-10 17:51", location_id="L2"),
            work("F9", "W9", "03-09 12:00", ready_at=at("03-09 12:30")),
        ],
    )
    warehouse.load(
        6,
        "carrier",
        shipments=[
            parcel("S1", "W1", "03-02 16:00", promised_at=at("03-04 19:00"), delivered_at=at("03-05 09:00")),
            parcel("S2", "W4", "03-06 16:00", fulfilment_id="F3"),
            parcel("S5", "W5", "03-06 16:00", promised_at=at("03-09 19:00"), delivered_at=at("03-09 11:00")),
            parcel("S6", "W5", "03-07 16:00", delivered_at=at("03-08 11:00")),
            parcel("S7", "W7", "03-07 16:00", delivered_at=at("03-08 11:00")),
        ],
    )
    warehouse.identify(6, {name: name for name in ("ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal")})


def late_and_corrected_rows(warehouse: Warehouse) -> None:
    """A late ticket, a visit and a ticket that were someone else's, goods ready, a parcel of another order, an order cancelled.

    Those that change hands are older than the longest window, so that nothing else brings them back.
    """
    late = [ticket("T3", "03-06 15:00", "eve"), ticket("T1", "02-04 15:00", "gus")]
    warehouse.load(7, "tills", orders=late, order_lines=[line("T3")])
    warehouse.load(8, "analytics", sessions=[visit("4", "01-10 09:00", "bob"), visit("9", "03-12 09:00", "eve")])
    warehouse.load(9, "oms", fulfilments=[work("F2", "W3", "03-04 20:31", ready_at=at("03-05 08:20"))])
    warehouse.load(
        10, "carrier", shipments=[parcel("S2", "W4", "03-06 16:00", fulfilment_id="F3", delivered_at=at("03-09 10:00"))]
    )
    moved = [parcel("S5", "W1", "03-06 16:00", delivered_at=at("03-09 11:00")), parcel("S7", "W4", "03-07 16:00")]
    warehouse.load(11, "carrier", shipments=moved)
    warehouse.load(12, "shop", orders=[order("W1", "03-02 10:00", "ann", session_id="1", status="cancelled")])


def merges_and_new_master_data(warehouse: Warehouse) -> None:
    """Two persons turn out to be one, the store's hours were wrong, and the order that others named arrives at last."""
    warehouse.identify(13, {"cat": "bob"})
    warehouse.load(13, "stores", opening_hours=[opening(3, "09:00", "22:00")])
    warehouse.load(14, "marketplace", orders=[order("W9", "03-09 11:55", "dan")], order_lines=[line("W9")])
    warehouse.load(15, "oms", fulfilments=[work("F10", "W5", "03-14 12:00", mode="home_delivery")])


def the_end_of_the_data_moves_back(warehouse: Warehouse) -> None:
    """The latest visits were dated wrongly; a number that was unique no longer is; the store is in another time zone."""
    warehouse.load(16, "analytics", sessions=[visit("9", "03-08 09:00", "eve"), visit("8", "03-01 21:00", "cat")])
    warehouse.load(17, "other_shop", orders=[order("W3", "03-04 10:00", "eve")], order_lines=[line("W3")])
    warehouse.load(18, "stores", locations=[location("Atlantic/Azores")])


def snapshot(warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    found = {mart: warehouse.query(f"select * from marts.{mart}") for mart in MARTS}
    return {mart: rows.sort(rows.columns) for mart, rows in found.items()}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> Warehouse:
    return make_warehouse(tmp_path_factory.mktemp("journeys") / "data", manifest)


def test_marts_built_load_by_load_equal_the_marts_built_at_once(replayed: Warehouse) -> None:
    history = (first_load, late_and_corrected_rows, merges_and_new_master_data, the_end_of_the_data_moves_back)
    before: dict[str, pl.DataFrame] = {}
    for step in history:
        step(replayed)
        replayed.build(*UPSTREAM)
        after = snapshot(replayed)
        if before:
            at_once = Warehouse(replayed.folder.with_name(step.__name__), replayed.manifest)
            shutil.copytree(replayed.folder, at_once.folder)
            at_once.build(*UPSTREAM, "--full-refresh")
            for mart, rows in snapshot(at_once).items():
                assert_frame_equal(after[mart], rows)
                assert not rows.equals(before[mart]), f"{step.__name__} leaves {mart} as it was and so proves nothing"
        before = after
