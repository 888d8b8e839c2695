"""A workbook known from many a tutorial, its sheets written out as one export, to figures counted on it by hand."""

from pathlib import Path

import polars as pl
import pytest

from ingest import workbooks
from ingest.mappings import Workbook
from tests.datasets.conftest import Retailer, Run

LEAD = "select order_id, any_value(carrier) as carrier, any_value(shipped_at::date - order_date) as days from marts.deliveries"


def sheet(book: Path, name: str, folder: Path) -> pl.DataFrame:
    """A sheet's rows as ingestion reads them."""
    text = workbooks.read(book, Workbook(sheet=name), folder)
    names = {f"c{index}": header for index, header in enumerate(text.header)}
    return pl.read_parquet(text.path / "*.parquet").select(names.keys()).rename(names)


@pytest.fixture(scope="module")
def store(run: Run, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    book = shared_data / "superstore" / "Sample - Superstore.xls"
    orders, returns = (sheet(book, name, tmp_path_factory.mktemp(name)) for name in ("Orders", "Returns"))
    export = tmp_path_factory.mktemp("superstore") / "orders.csv"
    orders.join(returns.unique(), on="Order ID", how="left").write_csv(export)
    return run("superstore", {"superstore/orders.csv": export}, currency="USD", timezone="UTC")


def test_orders_sales_and_returned_orders_are_exact(store: Retailer) -> None:
    assert [load.rows_rejected for load in store.ingested.loads] == [0]
    assert store.ask("orders").item() == 5_009
    assert f"{store.value('sales'):.2f}" == "2297200.86"
    assert store.row("select count(*) from marts.orders where status = 'returned'") == (296,)


def test_days_from_order_to_shipping_are_exact(store: Retailer) -> None:
    lead_times = store.row(f"select avg(days), avg(days) filter (carrier = 'Same Day') from ({LEAD} group by order_id)")
    assert [f"{days:.3f}" for days in lead_times] == ["3.957", "0.045"]
