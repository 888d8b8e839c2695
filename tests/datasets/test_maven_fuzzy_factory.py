"""A toy web shop: orders, items and refunds to figures counted on its files by hand."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.datasets.conftest import Retailer, Run

REFUNDS = """
copy (
    select refunds.*, items.product_id
    from read_csv($refunds, all_varchar = true) as refunds
    join read_csv($items, all_varchar = true) as items using (order_item_id)
    order by refunds.created_at
) to '{target}' (header)
"""


@pytest.fixture(scope="module")
def shop(run: Run, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    folder = shared_data / "maven-fuzzy-factory"
    refunds = tmp_path_factory.mktemp("fuzzy") / "refunds.csv"
    given = {"refunds": str(folder / "order_item_refunds.csv"), "items": str(folder / "order_items.csv")}
    with duckdb.connect() as connection:
        connection.execute(REFUNDS.format(target=refunds), given)
    exports = {f"fuzzy/{name}.csv": folder / f"{name}.csv" for name in ("orders", "order_items", "products")}
    return run("maven_fuzzy_factory", exports | {"fuzzy/refunds.csv": refunds}, currency="USD", timezone="UTC")


def test_every_order_and_item_is_there_and_nothing_was_rejected(shop: Retailer) -> None:
    assert [load.rows_rejected for load in shop.ingested.loads] == [0, 0, 0, 0]
    assert shop.row("select count(*), sum(line_count)::bigint from marts.orders where is_valid") == (32_313, 40_025)
    assert (shop.value("orders"), shop.value("units")) == (32_313, 40_025)


def test_revenue_cost_and_refunds_add_up_to_the_cent(shop: Retailer) -> None:
    amounts = shop.ask("sales", "returned_sales", "net_sales").cast(pl.String).row(0)
    assert amounts == ("1938509.7500", "85338.6900", "1853171.0600")
    assert shop.row("select sum(cost)::varchar from marts.order_lines where is_sale") == ("722370.2500",)


def test_without_vat_both_ways_of_telling_an_amount_agree(shop: Retailer) -> None:
    for metric in ("sales", "returned_sales", "net_sales", "average_order_value"):
        assert shop.value(metric) == shop.value(f"{metric}_ttc"), metric


def test_the_average_order_is_exact(shop: Retailer) -> None:
    assert round(shop.value("average_order_value"), 4) == 59.9916


def test_refunds_are_counted_by_item(shop: Retailer) -> None:
    assert shop.value("returned_units") == 1_731


def test_buyers_and_repeat_buyers_are_exact(shop: Retailer) -> None:
    people = "select customer_id, count(*) as orders from marts.orders where is_valid and is_identified group by customer_id"
    assert shop.row(f"select count(*), count(*) filter (where orders > 1) from ({people})") == (31_696, 591)
