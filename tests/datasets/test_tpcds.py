"""The standard omnichannel schema as a customer's exports: KPIs agree with plain SQL on the source and with the standard
answers as far as they can be said in our words. These are no results of a benchmark and must not be told as such."""

import csv
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.datasets.conftest import Retailer, Run
from tests.datasets.tpcds.exports import CHANNELS, tables, write

# The catalogue sells by phone.
OURS = {"store": "store", "web": "web", "catalog": "phone"}


@pytest.fixture(scope="module")
def source(shared_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with tables(shared_data / "tpcds" / "sf0.01") as connection:
        yield connection


@pytest.fixture(scope="module")
def retailer(run: Run, source: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    return run("tpcds", write(source, tmp_path_factory.mktemp("tpcds")), currency="USD", timezone="UTC")


Answer = Callable[[int], list[dict[str, str]]]


@pytest.fixture(scope="module")
def answer(shared_data: Path) -> Answer:
    """The rows of a standard answer."""

    def rows(number: int) -> list[dict[str, str]]:
        with (shared_data / "tpcds" / "answers" / f"{number:02}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="|"))

    return rows


def lines(source: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every dated sales line of the source, in one shape: plain SQL, without the exports."""
    parts = []
    for channel, (p, order, customer, place, *_) in CHANNELS.items():
        parts.append(
            f"""
            select '{OURS[channel]}' as channel, d_date as day, {p}_{customer} as customer, {p}_item_sk as item,
                {p}_{order} as number,
                case when {p}_{customer} is null or {p}_{place} is null then {p}_item_sk end as apart,
                coalesce({p}_quantity, 1) as quantity, coalesce({p}_ext_sales_price, 0) as amount,
                case when {p}_quantity is null or {p}_ext_sales_price is null or {p}_list_price is null then 0
                    else {p}_quantity * {p}_list_price - {p}_ext_sales_price end as discount,
                {p}_ext_discount_amt as named_discount
            from {channel}_sales join date_dim on {p}_sold_date_sk = d_date_sk
            """
        )
    return source.sql(" union all ".join(parts)).pl()


@pytest.fixture(scope="module")
def sold(source: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The lines of orders that are worth something."""
    order = ["channel", "number", "apart"]
    return lines(source).filter(pl.col("amount").sum().over(order) > 0)


def test_what_lacks_a_key_is_rejected_and_everything_else_is_there(retailer: Retailer, source: duckdb.DuckDBPyConnection) -> None:
    rejected = {load.file_name: load.rows_rejected for load in retailer.ingested.loads}
    undated = {
        f"{channel}_{what}.csv": source.sql(f"select count(*) - count({key}) from {channel}_{what}").fetchall()[0][0]
        for channel, (p, *_, r, _, _, _) in CHANNELS.items()
        for what, key in (("sales", f"{p}_sold_date_sk"), ("returns", f"{r}_returned_date_sk"))
    }
    uncounted = source.sql("select count(*) - count(inv_quantity_on_hand) from inventory").fetchall()[0][0]
    assert rejected == dict.fromkeys(rejected, 0) | undated | {"inventory.csv": uncounted}
    assert sum(undated.values()) > 0


def test_sales_units_orders_and_baskets_agree_by_channel_and_year(retailer: Retailer, sold: pl.DataFrame) -> None:
    for year in range(1998, 2003):
        first, last = date(year, 1, 1), date(year, 12, 31)
        found = retailer.ask("sales", "units", "orders", by=("channel",), since=first, until=last).rows()
        expected = (
            sold.filter(pl.col("day").is_between(first, last))
            .group_by("channel")
            .agg(pl.sum("amount", "quantity"), pl.struct("number", "apart").n_unique().alias("orders"))
        )
        assert set(found) == set(expected.rows()), year


def test_discounts_are_comparable_across_channels(retailer: Retailer, sold: pl.DataFrame) -> None:
    found = dict(retailer.ask("markdown_rate", by=("channel",)).rows())
    sums = sold.group_by("channel").agg(pl.sum("discount", "amount", "named_discount"))
    for channel, discount, amount, named in sums.rows():
        assert found[channel] == pytest.approx(float(discount / amount)), channel
        # What the columns of one name would have told: in the store it is the coupons alone.
        is_comparable = float(named / amount) == pytest.approx(found[channel], rel=0.01)
        assert is_comparable == (channel != "store"), channel


def test_customers_across_channels_are_those_of_plain_sql(retailer: Retailer, sold: pl.DataFrame) -> None:
    year = sold.filter(pl.col("day").is_between(date(2000, 7, 1), date(2001, 6, 30)) & pl.col("customer").is_not_null())
    channels = year.group_by("customer").agg(pl.col("channel").n_unique(), (pl.col("channel") == "store").all().alias("store"))
    asked = retailer.ask(
        "active_customers", "omnichannel_customers", "store_only_customers", since=date(2001, 6, 30), until=date(2001, 6, 30)
    )
    expected = (len(channels), channels["channel"].gt(1).sum(), channels["store"].sum())
    assert asked.row(0) == expected


def test_overlap_of_buyers_of_an_item_between_store_and_catalogue_is_the_standard_answer(
    retailer: Retailer, answer: Answer
) -> None:
    bought = """
        select distinct customer_id, product_id from marts.order_lines
        where channel = '{}' and year(order_date) = 2000 and customer_id <> 'unknown'
    """
    found = retailer.row(
        f"""
        select count(*) filter (catalogue.customer_id is null), count(*) filter (store.customer_id is null),
            count(*) filter (store.customer_id = catalogue.customer_id)
        from ({bought.format("store")}) as store
        full join ({bought.format("phone")}) as catalogue using (customer_id, product_id)
        """
    )
    assert [str(count) for count in found] == list(answer(97)[0].values()) == ["5141", "3453", "229"]


def test_sales_and_returns_by_channel_and_place_are_the_standard_answer(retailer: Retailer, answer: Answer) -> None:
    first, last = date(2000, 8, 23), date(2000, 9, 22)
    sales = dict(retailer.ask("sales", by=("location",), since=first, until=last).rows())
    sales.pop("unknown")
    returns = dict(retailer.ask("returned_sales", by=("location",), since=first, until=last).rows())
    rows = answer(77)
    sites = {"store channel": "store1", "catalog channel": "call1", "web channel": "web1"}
    for row in rows:
        if row["id"] == "1":
            site = sites[row["channel"]]
            assert (f"{sales[site]:.2f}", f"{returns[site]:.2f}") == (row["sales"], row["returns_"]), site
    assert f"{sum(sales.values()):.2f}" == rows[0]["sales"] == "2533842.31"
    # The standard query joins catalogue sales and returns without a condition, so that it counts these returns twice.
    total = sum(value for place, value in returns.items() if place in sites.values()) + returns["call1"]
    assert f"{total:.2f}" == rows[0]["returns_"] == "106559.60"


LAGS = """
    count(*) filter (lag <= 30), count(*) filter (lag between 31 and 60), count(*) filter (lag between 61 and 90),
    count(*) filter (lag between 91 and 120), count(*) filter (lag > 120)
"""
BUCKETS = ("30 days", "31-60 days", "61-90 days", "91-120 days", ">120 days")


def summed(rows: list[dict[str, str]]) -> tuple[int, ...]:
    return tuple(sum(int(row[bucket]) for row in rows) for bucket in BUCKETS)


@pytest.mark.parametrize(("number", "channel"), [(62, "web"), (99, "phone")])
def test_days_from_order_to_shipping_are_the_standard_answer(
    retailer: Retailer, answer: Answer, number: int, channel: str
) -> None:
    found = retailer.row(
        f"""
        select {LAGS} from (
            select fulfilments.shipped_at::date - fulfilments.order_date as lag
            from marts.fulfilments join marts.orders using (order_id)
            where fulfilments.channel = '{channel}' and year(shipped_at) = 2000 and orders.location_id <> 'unknown'
        )
        """
    )
    assert found == summed(answer(number))


def test_days_from_sale_to_return_are_the_standard_answer(retailer: Retailer, answer: Answer) -> None:
    found = retailer.row(
        f"""
        select {LAGS} from (
            select returns.return_date - returns.order_date as lag
            from marts.returns join marts.order_lines using (order_id, product_id) join marts.orders using (order_id)
            where orders.channel = 'store' and orders.location_id <> 'unknown'
                and date_trunc('month', return_date) = '2001-08-01'
        )
        """
    )
    assert found == summed(answer(50))


def test_stock_and_promotions_are_loaded(retailer: Retailer) -> None:
    assert retailer.row("select count(*) from marts.events where kind = 'promotion'") == (3,)
    loads = {load.file_name: load for load in retailer.ingested.loads}
    assert loads["inventory.csv"].entities == {"stock_levels": 22_328}
