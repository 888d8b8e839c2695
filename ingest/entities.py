"""The canonical entities, read from the one file that declares them, and the tables they become."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import duckdb
import yaml

DECLARATION = Path(__file__).parents[1] / "dbt_project" / "models" / "staging" / "__sources.yml"

Identifier = Literal["email", "phone", "loyalty_id"]
IDENTIFIERS: tuple[Identifier, ...] = ("email", "phone", "loyalty_id")

LEDGER_TABLES = {
    "files": "file_id bigint, source varchar, mapping varchar, file_name varchar, sha256 varchar, bytes bigint, "
    "rows_in bigint, rows_loaded bigint, rows_rejected bigint, rows_skipped bigint, verdict varchar, reason varchar, "
    "delivered_at timestamp, loaded_at timestamp, seconds double, new_columns varchar[]",
    "file_entities": "file_id bigint, entity varchar, rows_loaded bigint",
    "rejects": "file_id bigint, line bigint, entity varchar, column_name varchar, value varchar, reason varchar",
    "links": "identity_key varchar, node varchar, kind varchar, file_id bigint",
    "identities": "identity_key varchar, person_id varchar, changed_file_id bigint",
}


@dataclass(frozen=True)
class Column:
    """A column of an entity; `pii` names the kind of personal data it holds, or is None."""

    name: str
    type: str
    required: bool
    accepted: tuple[str, ...]
    pii: str | None

    @property
    def is_identifier(self) -> bool:
        """Whether the value recognises a person, so that its keyed hash goes to the warehouse."""
        return self.pii in IDENTIFIERS


@dataclass(frozen=True)
class Entity:
    """What one raw table holds; `key` identifies a row within its system."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Names of the columns that recognise a person, in the order of `IDENTIFIERS`."""
        names = {column.name for column in self.columns if column.is_identifier}
        return tuple(name for name in IDENTIFIERS if name in names)

    @property
    def personal(self) -> tuple[Column, ...]:
        """The columns whose values exist in the vault alone."""
        return tuple(column for column in self.columns if column.pii)

    @property
    def names_persons(self) -> bool:
        """Whether its rows carry an `identity_key`."""
        return bool(self.identifiers) or any(column.name == "customer_ref" for column in self.columns)

    @property
    def raw_columns(self) -> dict[str, str]:
        """Column → SQL type of the raw table: what is not personal, hashes of identifiers, and where a row came from."""
        columns = {column.name: column.type for column in self.columns if not column.pii}
        columns |= {f"{name}_hash": "varchar" for name in self.identifiers}
        if self.names_persons:
            columns["identity_key"] = "varchar"
        return columns | {"_source": "varchar", "_file_id": "bigint", "_line": "bigint", "_loaded_at": "timestamp"}


@cache
def entities(declaration: Path = DECLARATION) -> dict[str, Entity]:
    """Every canonical entity by name, as declared in `__sources.yml`."""
    document = yaml.safe_load(declaration.read_text(encoding="utf-8"))
    return {table["name"]: _entity(table) for table in document["sources"][0]["tables"]}


def _entity(table: dict) -> Entity:
    return Entity(
        name=table["name"],
        columns=tuple(_column(column) for column in table["columns"]),
        key=tuple(table["config"]["meta"]["key"]),
    )


def _column(column: dict) -> Column:
    meta = column.get("config", {}).get("meta", {})
    return Column(
        name=column["name"],
        type=column["data_type"],
        required=meta.get("required", False),
        accepted=tuple(meta.get("accepted", ())),
        pii=meta.get("pii"),
    )


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates the schemas `raw` and `ledger` with all their tables, empty where new.

    Columns declared since are added, and decimals declared wider since are widened: a value is never rounded to an old column.
    """
    raw = {entity.name: entity.raw_columns for entity in entities().values()}
    ledger = {name: dict(column.split(" ", 1) for column in text.split(", ")) for name, text in LEDGER_TABLES.items()}
    found = connection.execute(
        "select table_schema, table_name, column_name, lower(data_type) from information_schema.columns "
        "where table_catalog = current_database()"
    ).fetchall()
    present = {(schema, table, name): type_ for schema, table, name, type_ in found}
    existing = {(schema, table) for schema, table, _ in present}
    for schema, tables in {"raw": raw, "ledger": ledger}.items():
        connection.execute(f"create schema if not exists {schema}")
        for table, columns in tables.items():
            declared = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
            connection.execute(f"create table if not exists {schema}.{table} ({declared})")
            for name, type_ in columns.items() if (schema, table) in existing else ():
                kept = present.get((schema, table, name))
                if kept is None:
                    connection.execute(f'alter table {schema}.{table} add column "{name}" {type_}')
                elif kept.startswith("decimal") and kept != type_:
                    connection.execute(f'alter table {schema}.{table} alter column "{name}" set data type {type_}')
