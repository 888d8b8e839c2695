"""A condensed mart gives the same answers from fewer rows, and what it cannot give stays with the mart."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from ingest.condense import condense


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("attach ':memory:' as build; create schema build.marts")
        opened.execute(
            """
            create table build.marts.orders as
            select *
            from (values
                ('1', date '2026-01-01', 'store', 'ann', 10.25::decimal(18, 4), true),
                ('2', date '2026-01-01', 'store', 'bob', 4.75, true),
                ('3', date '2026-01-01', 'store', 'ann', 100, false),
                ('4', date '2026-01-01', 'web', 'bob', null, true),
                ('5', date '2026-01-02', 'web', 'bob', 7, true)
            ) as t (order_id, order_date, channel, customer_id, sales, is_valid)
            """
        )
        yield opened


def metric(name: str, agg: str, expr: str, where: str = "", time: str = "order_date") -> dict[str, Any]:
    filters = {"where_filters": [{"where_sql_template": where}]} if where else None
    aggregation = {"semantic_model": "orders", "agg": agg, "agg_time_dimension": time, "non_additive_dimension": None}
    return {"name": name, "filter": filters, "type_params": {"expr": expr, "metric_aggregation_params": aggregation}}


def ratio(name: str, above: str, below: str) -> dict[str, Any]:
    parts = {"numerator": {"name": above}, "denominator": {"name": below}, "metrics": [], "metric_aggregation_params": None}
    return {"name": name, "filter": None, "type_params": parts}


@pytest.fixture
def manifest() -> dict[str, Any]:
    valid = "{{ Dimension('order__is_valid') }}"
    model = {
        "name": "orders",
        "node_relation": {"alias": "orders", "database": "build", "schema_name": "marts", "relation_name": "marts.orders"},
        "defaults": {"agg_time_dimension": "order_date"},
        "primary_entity": None,
        "entities": [
            {"name": "order", "type": "primary", "expr": "order_id"},
            {"name": "channel", "type": "foreign", "expr": None},
            {"name": "customer", "type": "foreign", "expr": "customer_id"},
        ],
        "dimensions": [{"name": "order_date", "type": "time"}, {"name": "is_valid", "type": "categorical"}],
    }
    metrics = [
        metric("sales", "sum", "sales", valid),
        metric("orders", "count", "order_id", valid),
        metric("dear_orders", "sum_boolean", "sales > 5"),
        metric("selling_days", "count_distinct", "order_date"),
        metric("customers", "count_distinct", "customer_id"),
        metric("sales_of_ann", "sum", "sales", "{{ Entity('customer') }} = 'ann'"),
        metric("sales_by_delivery", "sum", "sales", time="delivered_date"),
        ratio("average_order_value", "sales", "orders"),
        ratio("orders_per_customer", "orders", "customers"),
    ]
    return {"semantic_models": [model], "metrics": metrics}


KEYS = ("order_date", "channel", "is_valid")


def test_rows_alike_in_what_is_asked_become_one_with_their_sums_and_counts(connection, manifest) -> None:
    condense(connection, "build", manifest, {"orders": KEYS})
    rows = connection.sql(
        "select order_date::varchar, channel, is_valid, sales::varchar, orders, dear_orders from build.condensed.orders"
    )
    assert rows.fetchall() == [
        ("2026-01-01", "store", False, "100.0000", 1, 1),
        ("2026-01-01", "store", True, "15.0000", 2, 1),
        ("2026-01-01", "web", True, None, 1, 0),
        ("2026-01-02", "web", True, "7.0000", 1, 1),
    ]


def test_the_definitions_are_the_same_but_for_what_no_sum_gives(connection, manifest) -> None:
    before = json.dumps(manifest)
    condensed = condense(connection, "build", manifest, {"orders": KEYS})
    (model,) = condensed["semantic_models"]
    assert model["node_relation"]["relation_name"] == '"build"."condensed"."orders"'
    assert [part["name"] for part in (*model["entities"], *model["dimensions"])] == ["channel", "order_date", "is_valid"]
    kept = {one["name"]: one["type_params"] for one in condensed["metrics"]}
    # Lost: a distinct count, a filter on a customer, another day, and the ratio that needs one of these.
    assert list(kept) == ["sales", "orders", "dear_orders", "selling_days", "average_order_value"]
    assert kept["orders"]["metric_aggregation_params"]["agg"] == "sum"
    assert kept["selling_days"]["metric_aggregation_params"]["agg"] == "count_distinct"
    assert json.dumps(manifest) == before


def test_persons_are_numbered_from_nought_where_the_mart_says_so(connection, manifest) -> None:
    condensed = condense(connection, "build", manifest, {"orders": KEYS}, {"orders": "customer_id"})
    persons = "select count(distinct customer_id), min(customer_id), max(customer_id) from build.condensed.orders where is_valid"
    assert connection.sql(persons).fetchall() == [(2, 0, 1)]
    meta = {one["name"]: (one.get("config") or {}).get("meta") for one in condensed["metrics"]}
    assert meta["customers"] == {"numbers": 2}
    assert meta["selling_days"] is None


def test_more_persons_than_bits_are_worth_are_counted_as_before(connection, manifest, monkeypatch) -> None:
    monkeypatch.setattr("ingest.condense.MOST_NUMBERS", 1)
    condensed = condense(connection, "build", manifest, {"orders": KEYS}, {"orders": "customer_id"})
    assert [one.get("config") for one in condensed["metrics"] if one["name"] == "customers"] == [None]


def test_a_mart_that_asks_for_nothing_stays_as_it_is(connection, manifest) -> None:
    assert condense(connection, "build", manifest, {}) == manifest


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((*KEYS, "weather"), "orders: condensed_by names weather, which is no dimension or foreign entity of it"),
        (("channel", "is_valid"), "orders: condensed_by lacks order_date, the day its metrics are counted on"),
    ],
)
def test_columns_that_cannot_condense_a_mart_are_refused(connection, manifest, keys, said) -> None:
    with pytest.raises(ValueError, match=said):
        condense(connection, "build", manifest, {"orders": keys})
