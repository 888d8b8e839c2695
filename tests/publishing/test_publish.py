"""What readers may rely on: a build is whole, never changes, and the last good one stays until a better one is ready."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import ingest.publish
from ingest.build import BuildResult, Node
from ingest.entities import create_tables
from ingest.publish import PublishFailed, publish
from settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "it's data", keep_builds=2)
    settings.data_dir.mkdir()
    with duckdb.connect(str(settings.warehouse)) as connection:
        create_tables(connection)
        connection.execute("create schema marts; create schema intermediate; create schema staging")
        connection.execute(
            "create table marts.orders as "
            "select i as order_id, i * 1.5 as sales, date '2026-01-01' + (i * 37 % 90)::integer as order_date "
            "from range(100) t(i)"
        )
        connection.execute("create table staging.stg_orders as select 1 as secret_of_the_kitchen")
        connection.execute(
            "create table intermediate.int_data_span as select date '2026-01-01' as first_day, date '2026-03-31' as last_day"
        )
    return settings


@pytest.fixture
def result(tmp_path: Path) -> BuildResult:
    target = tmp_path / "target"
    target.mkdir()
    orders = {
        "name": "orders",
        "node_relation": {"alias": "orders"},
        "defaults": {"agg_time_dimension": "order_date"},
        "dimensions": [{"name": "order_date", "type": "time", "expr": None}],
    }
    (target / "semantic_manifest.json").write_text(json.dumps({"semantic_models": [orders], "metrics": []}))
    model = {
        "name": "orders",
        "alias": "orders",
        "config": {"meta": {}},
        "resource_type": "model",
        "depends_on": {"nodes": ["model.omnikpi.stg_orders", "source.omnikpi.raw.orders"]},
    }
    manifest = {"metadata": {"project_name": "omnikpi"}, "nodes": {"model.omnikpi.orders": model}}
    (target / "manifest.json").write_text(json.dumps(manifest))
    return BuildResult(
        (Node("orders_are_unique", "test", "pass", 0, "", 0.1), Node("orders", "model", "success", 0, "", 2)), target
    )


@contextmanager
def reading(settings: Settings, build_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build as the dashboard opens it."""
    with duckdb.connect() as connection:
        path = str(settings.builds / build_id / "marts.duckdb").replace("'", "''")
        connection.execute(f"attach '{path}' as warehouse (read_only)")
        yield connection


def test_a_mart_is_stored_in_the_order_of_its_days(settings: Settings, result: BuildResult) -> None:
    build_id = publish(settings, result)
    with reading(settings, build_id) as connection:
        days = [day for (day,) in connection.execute("select order_date from warehouse.marts.orders").fetchall()]
    assert len(days) == 100
    assert days == sorted(days)


def rows(settings: Settings, build_id: str) -> int:
    with reading(settings, build_id) as connection:
        return connection.execute("select count(*) from warehouse.marts.orders").fetchall()[0][0]


def add_an_order(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("insert into marts.orders values (1000, 1, date '2026-01-01')")


def test_a_build_holds_the_marts_and_nothing_of_the_kitchen(settings: Settings, result: BuildResult) -> None:
    build_id = publish(settings, result)
    with reading(settings, build_id) as connection:
        found = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
    assert found == [
        ("ledger", "feeds"),
        ("ledger", "file_entities"),
        ("ledger", "files"),
        ("ledger", "rejects"),
        ("marts", "orders"),
    ]
    assert settings.current.read_text() == f"{build_id}\n"


def test_build_json_says_what_went_in_and_how_the_tests_went(settings: Settings, result: BuildResult) -> None:
    info = json.loads((settings.builds / publish(settings, result) / "build.json").read_text())
    assert (info["data_from"], info["data_to"]) == ("2026-01-01", "2026-03-31")
    assert info["marts"]["orders"]["rows"] == 100
    assert info["entities"]["orders"] == 0
    assert [test["name"] for test in info["tests"]] == ["orders_are_unique"]
    assert info["lineage"] == {"orders": ["raw.orders", "stg_orders"]}


def test_equal_marts_have_equal_checksums_in_any_order_of_rows(settings: Settings, result: BuildResult) -> None:
    first = json.loads((settings.builds / publish(settings, result) / "build.json").read_text())["marts"]
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create or replace table marts.orders as from marts.orders order by order_id desc")
    second = json.loads((settings.builds / publish(settings, result) / "build.json").read_text())["marts"]
    add_an_order(settings)
    third = json.loads((settings.builds / publish(settings, result) / "build.json").read_text())["marts"]
    assert first == second != third


def test_two_builds_never_share_a_name_and_a_reader_of_the_old_one_keeps_its_numbers(
    settings: Settings, result: BuildResult
) -> None:
    old = publish(settings, result)
    with reading(settings, old) as reader:
        add_an_order(settings)
        new = publish(settings, result)
        assert new != old
        assert reader.execute("select count(*) from warehouse.marts.orders").fetchall() == [(100,)]
    assert rows(settings, new) == 101


def test_a_copy_that_differs_is_refused_and_the_last_good_build_stays(
    settings: Settings, result: BuildResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = publish(settings, result)
    real = ingest.publish._fingerprint
    lies: Iterator[int] = iter(range(10))

    def fingerprint(connection: duckdb.DuckDBPyConnection, table: str) -> dict:
        return real(connection, table) | {"rows": next(lies)}

    monkeypatch.setattr(ingest.publish, "_fingerprint", fingerprint)
    with pytest.raises(PublishFailed, match="orders"):
        publish(settings, result)
    assert settings.current.read_text().strip() == good
    assert rows(settings, good) == 100


def test_a_crash_before_the_last_step_leaves_the_last_good_build_and_the_next_run_cleans_up(
    settings: Settings, result: BuildResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = publish(settings, result)
    add_an_order(settings)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publish(settings, result)
    assert settings.current.read_text().strip() == good
    assert list(settings.builds.glob(".unfinished-*"))
    new = publish(settings, result)
    assert not list(settings.builds.glob(".unfinished-*"))
    assert rows(settings, new) == 101


def test_only_the_newest_builds_stay(settings: Settings, result: BuildResult) -> None:
    made = [publish(settings, result) for _ in range(4)]
    assert sorted(path.name for path in settings.builds.iterdir()) == made[-2:]


def test_an_older_duckdb_can_open_a_build(settings: Settings, result: BuildResult) -> None:
    with reading(settings, publish(settings, result)) as connection:
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'warehouse'").fetchall()[0][0]
    assert tags["storage_version"].startswith("v1.5.0")


def test_a_feed_is_late_when_twice_its_usual_interval_has_passed_without_a_delivery(
    settings: Settings, result: BuildResult
) -> None:
    days = {"daily": range(1, 21), "stopped": range(1, 15), "weekly": (1, 8, 15), "once": (1,)}
    with duckdb.connect(str(settings.warehouse)) as connection:
        for mapping, delivered in days.items():
            for day in delivered:
                connection.execute(
                    "insert into ledger.files (file_id, source, mapping, file_name, verdict, delivered_at, rows_loaded) "
                    "values (1, 'erp', $mapping, 'file', 'loaded', timestamp '2026-01-01' + to_days($day), 1)",
                    {"mapping": mapping, "day": day},
                )
    with reading(settings, publish(settings, result)) as connection:
        late = connection.execute("select mapping from warehouse.ledger.feeds where not is_fresh").fetchall()
    assert late == [("stopped",)]
