"""The stock book, corrected afterwards: what it tells load by load equals what it tells at once."""

from datetime import date, datetime
from typing import Any

from polars.testing import assert_frame_equal

from tests.dbt.conftest import Warehouse

Row = dict[str, Any]
BOOK = ("run", "--select", "+stock_days")
STORE: Row = {"location_id": "S1", "kind": "store", "timezone": "Europe/Paris"}


def moved(number: str, day: date, kind: str, quantity: int) -> Row:
    at = datetime(day.year, day.month, day.day, 12)
    return {"movement_id": number, "location_id": "S1", "sku": "A", "moved_at": at, "kind": kind, "quantity": quantity}


def begin(warehouse: Warehouse, *movements: Row, on_hand: int) -> None:
    """A store whose level is known on 10 January 2026, and data that reach to the end of March."""
    warehouse.load(1, "erp", locations=[STORE], products=[{"sku": "A", "unit_cost": 4}])
    visits = [{"session_id": str(month), "started_at": datetime(2026, month, 31, 12), "channel": "web"} for month in (1, 3)]
    warehouse.load(2, "analytics", sessions=visits)
    level = {"location_id": "S1", "sku": "A", "stock_date": date(2026, 1, 10), "on_hand": on_hand}
    warehouse.load(3, "wms", stock_levels=[level], stock_movements=movements)
    warehouse.build(*BOOK)


def days_by_month(warehouse: Warehouse) -> dict[date, int]:
    """How many days each month of the book has, after holding it to a full refresh."""
    stepwise = warehouse.marts()["stock_days"]
    warehouse.build(*BOOK, "--full-refresh")
    assert_frame_equal(stepwise, warehouse.marts()["stock_days"])
    return dict(stepwise.group_by("stock_month").len().sort("stock_month").iter_rows())


def test_a_month_in_the_middle_that_a_correction_empties_has_no_row_left(warehouse: Warehouse) -> None:
    given, broken = moved("1", date(2026, 2, 5), "return", 1), moved("2", date(2026, 2, 5), "loss", -1)
    begin(warehouse, given, broken, moved("3", date(2026, 3, 4), "receipt", 3), on_hand=0)
    assert warehouse.query("select count(*) as days from marts.stock_days where month(stock_date) = 2")["days"].item() == 1
    in_january = datetime(2026, 1, 20, 12)
    warehouse.load(4, "wms", stock_movements=[{**given, "moved_at": in_january}, {**broken, "moved_at": in_january}])
    warehouse.build(*BOOK)
    # the level's own day and the corrected one, then the 3 received from the 4th on, the last day anything is known of
    assert days_by_month(warehouse) == {date(2026, 1, 1): 2, date(2026, 3, 1): 1}


def test_a_store_that_turns_out_to_have_closed_has_no_stock_from_the_day_after(warehouse: Warehouse) -> None:
    begin(warehouse, moved("1", date(2026, 3, 30), "return", 1), on_hand=3)
    assert warehouse.query("select count(*) as days from marts.stock_days")["days"].item() == 80
    warehouse.load(4, "erp", locations=[{**STORE, "closed_on": date(2026, 1, 31)}])
    warehouse.build(*BOOK)
    # the 10th to the 31st, and the day on which something still came back
    assert days_by_month(warehouse) == {date(2026, 1, 1): 22, date(2026, 3, 1): 1}


def test_goods_no_longer_leave_the_place_whose_work_named_an_order_by_a_number_that_now_two_have(warehouse: Warehouse) -> None:
    sales = ("run", "--select", "+stock_sales")
    begin(warehouse, moved("1", date(2026, 2, 5), "receipt", 9), on_hand=3)
    order = {"order_id": "55", "channel": "web", "status": "paid", "currency": "EUR", "ordered_at": datetime(2026, 2, 6, 12)}
    line = {"order_id": "55", "line_number": 1, "sku": "A", "quantity": 1, "unit_price": 12, "includes_vat": True}
    work = {"fulfilment_id": "F1", "order_id": "55", "location_id": "S1", "mode": "home_delivery"}
    warehouse.load(4, "shop", orders=[order], order_lines=[line])
    warehouse.load(5, "oms", fulfilments=[work | {"created_at": datetime(2026, 2, 6, 13), "lines_requested": 1}])
    warehouse.build(*sales)
    assert warehouse.marts()["stock_sales"]["location_id"].to_list() == ["S1"]
    warehouse.load(6, "market", orders=[order])
    warehouse.build(*sales)
    stepwise = warehouse.marts()["stock_sales"]
    warehouse.build(*sales, "--full-refresh")
    assert_frame_equal(stepwise, warehouse.marts()["stock_sales"])
    assert stepwise["location_id"].to_list() == ["unknown"]
