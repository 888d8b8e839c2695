"""A shop of sixteen orders, built with dbt and published the way readers find a build."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dashboard import builds
from dashboard.builds import Build

SHOP = Path(__file__).parent / "shop"
FIRST_BUILD = "20260301T060000-000"


@pytest.fixture(scope="session")
def shop_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one published build of the shop, current."""
    data = tmp_path_factory.mktemp("shop")
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "build", "--no-partial-parse"]
    folders = ["--project-dir", SHOP, "--profiles-dir", SHOP, "--target-path", data / "target", "--log-path", data / "logs"]
    subprocess.run([*command, *folders], check=True, env=os.environ | {"SHOP_DIR": str(data)})
    return publish(data, FIRST_BUILD, "2026-03-01T06:00:00+00:00")


@pytest.fixture(scope="session")
def build(shop_data: Path) -> Build:
    """The shop's build."""
    return builds.find(shop_data, FIRST_BUILD)


@pytest.fixture
def republished(shop_data: Path, tmp_path: Path) -> Callable[[str, str], Build]:
    """Publishes the shop once more, after changing its marts: `republished(build_id, sql)`, in a data folder of its own."""
    for name in ("warehouse.duckdb", "target", "builds", "CURRENT"):
        original = shop_data / name
        (shutil.copytree if original.is_dir() else shutil.copyfile)(original, tmp_path / name)

    def publish_again(build_id: str, change: str) -> Build:
        with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
            connection.execute(change)
        publish(tmp_path, build_id, "2026-03-02T06:00:00+00:00")
        return builds.find(tmp_path, build_id)

    return publish_again


def publish(data: Path, build_id: str, created_at: str) -> Path:
    """Copy the shop's marts into a build as publishing does; returns the data folder."""
    folder = data / "builds" / build_id
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{data / 'warehouse.duckdb'}' as source (read_only)")
        connection.execute(f"attach '{folder / 'marts.duckdb'}' as build (storage_version 'v1.5.0')")
        connection.execute("create schema build.marts; create schema build.ledger")
        tables = connection.execute("select table_name from duckdb_tables() where database_name = 'source'").fetchall()
        for (name,) in tables:
            connection.execute(f"create table build.marts.{name} as from source.marts.{name}")
        connection.execute("create table build.ledger.files as select 1 as file_id, 'till_2026.csv' as file_name")
    shutil.copyfile(data / "target" / "semantic_manifest.json", folder / "semantic_manifest.json")
    info = {
        "build_id": build_id,
        "created_at": created_at,
        "data_from": "2023-01-30",
        "data_to": "2026-02-14",
        "currency": "EUR",
        "vars": {"promise_hours": 1.5, "reasons": ["lost"]},
        "lineage": {"orders": ["stg_orders"], "stg_orders": ["raw.orders"]},
    }
    (folder / "build.json").write_text(json.dumps(info))
    (data / "CURRENT").write_text(build_id + "\n")
    return data
