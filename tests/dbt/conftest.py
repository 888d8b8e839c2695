"""A warehouse of a few hand-written rows, built with dbt as often as a test likes; the project is parsed once a session."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from dbt.artifacts.schemas.results import NodeStatus
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from ingest.entities import create_tables

PROJECT = Path(__file__).parents[2] / "dbt_project"
FAILED = {NodeStatus.Error, NodeStatus.Fail, NodeStatus.RuntimeErr, NodeStatus.Skipped}


@dataclass(frozen=True)
class Warehouse:
    """A data folder of its own with the raw tables, empty at first, and the marts once built."""

    folder: Path
    manifest: Manifest

    @property
    def path(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def load(self, file_id: int, source: str, /, **entities: Iterable[Mapping[str, Any]]) -> None:
        """Adds rows to raw tables, as one file of a system would; a column that is not given is null."""
        with duckdb.connect(str(self.path)) as connection:
            line = 1
            for entity, rows in entities.items():
                for row in rows:
                    line += 1
                    known = {**row, "_source": source, "_file_id": file_id, "_line": line}
                    marks = ", ".join("?" for _ in known)
                    connection.execute(f"insert into raw.{entity} ({', '.join(known)}) values ({marks})", list(known.values()))

    def identify(self, file_id: int, persons: Mapping[str, str]) -> None:
        """Says which person each identity key belongs to, as resolved after that load; the keys not named stay."""
        with duckdb.connect(str(self.path)) as connection:
            for key, person in persons.items():
                connection.execute("delete from ledger.identities where identity_key = ?", [key])
                connection.execute("insert into ledger.identities values (?, ?, ?)", [key, person, file_id])

    def build(self, *arguments: str) -> None:
        """Runs dbt, `run` of everything unless told otherwise; fails with what dbt says of each node at fault."""
        command = [*(arguments or ("run",)), "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        command += ["--quiet", "--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")]
        os.environ["OMNIKPI_DATA_DIR"] = str(self.folder)
        outcome = dbtRunner(manifest=self.manifest).invoke(command)
        assert outcome.exception is None, outcome.exception
        faults = [f"{node.node.name}: {node.message}" for node in outcome.result if node.status in FAILED]  # pyright: ignore
        assert not faults, "\n".join(faults)

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of a query on what was built."""
        with duckdb.connect(str(self.path)) as connection:
            return connection.sql(sql).pl()

    def marts(self) -> dict[str, pl.DataFrame]:
        """Every mart whole, rows and columns in a fixed order."""
        names = self.query("select table_name from information_schema.tables where table_schema = 'marts'")
        found = {name: self.query(f"select * from marts.{name}") for name in sorted(names["table_name"])}
        return {name: rows.select(sorted(rows.columns)).sort(sorted(rows.columns)) for name, rows in found.items()}


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The parsed project."""
    folder = tmp_path_factory.mktemp("parse")
    os.environ["OMNIKPI_DATA_DIR"] = str(folder)
    command = ["parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--no-partial-parse", "--quiet"]
    outcome = dbtRunner().invoke([*command, "--target-path", str(folder / "target"), "--log-path", str(folder / "logs")])
    assert outcome.success, outcome.exception
    assert isinstance(outcome.result, Manifest)
    return outcome.result


@pytest.fixture
def warehouse(tmp_path: Path, manifest: Manifest) -> Warehouse:
    """An empty warehouse with the seeds in place."""
    return make_warehouse(tmp_path / "data", manifest)


def make_warehouse(folder: Path, manifest: Manifest) -> Warehouse:
    """An empty warehouse in a new folder, with the seeds in place."""
    folder.mkdir(parents=True)
    made = Warehouse(folder, manifest)
    with duckdb.connect(str(made.path)) as connection:
        create_tables(connection)
    made.build("seed")
    return made
