"""A real export, figures and all: the Olist marketplace's, through the mappings that ship."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ingest.inbox import ingest
from settings import Settings

FILES = ("orders", "order_items", "customers", "products", "order_payments")


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("olist"), sources=None, _env_file=None)  # pyright: ignore[reportCallIssue]
    inbox = settings.inbox / "olist"
    inbox.mkdir(parents=True)
    for name in FILES:
        shutil.copy(shared_data / "olist-sample" / f"olist_{name}_dataset.csv", inbox)
    summary = ingest(settings)
    assert [(load.verdict, load.rows_rejected) for load in summary.loads] == [("loaded", 0)] * len(FILES)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        yield warehouse


@pytest.mark.parametrize(
    ("sql", "figures"),
    [
        ("select count(*), count(distinct order_id) from raw.orders", (20_000, 20_000)),
        ("select count(*), sum(quantity * unit_price)::varchar, sum(shipping_amount)::varchar from raw.order_lines",
         (22_618, "2768685.99000000", "451112.7900")),
        ("select sum(amount)::varchar from raw.payments", ("3249579.7800",)),
        ("select count(*) from raw.orders anti join raw.order_lines using (order_id)", (154,)),
        ("select count(*), count_if(orders > 1) from (select count(*) as orders from raw.orders "
         "join ledger.identities using (identity_key) group by person_id)", (19_831, 163)),
    ],
)  # fmt: skip
def test_its_figures_come_out_exactly(olist: duckdb.DuckDBPyConnection, sql: str, figures: tuple) -> None:
    assert olist.execute(sql).fetchall() == [figures]


def test_its_deliveries_come_out_exactly(olist: duckdb.DuckDBPyConnection) -> None:
    count, mean, median, p90, late = olist.execute(
        """
        select count(*), avg(days), quantile_cont(days, 0.5), quantile_cont(days, 0.9), avg(is_late::integer)
        from (
            select (epoch(delivered_at) - epoch(ordered_at)) / 86400 as days, delivered_at > promised_at as is_late
            from raw.orders join raw.shipments using (order_id)
            where shipments.status = 'delivered' and delivered_at is not null
        )
        """
    ).fetchall()[0]
    assert count == 19_429
    assert (round(mean, 4), round(median, 4), round(p90, 4)) == (12.5216, 10.2173, 23.2461)
    assert round(late, 5) == 0.08163
