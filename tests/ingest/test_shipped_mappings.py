"""Mappings that ship take real layouts: each has a sample export, every field it feeds worked out by hand, and a page.

`samples/<mapping>/` holds files named as their system names them, and `expected.yml`: file → how its rows balance, what is
rejected (line, column), and a table of each entity's rows. An empty cell is no value; `(hashed)` a customer number that is
personal.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from docs.reference import pages
from ingest.checking import check_file
from ingest.entities import Entity, entities
from ingest.inbox import ingest
from ingest.ledger import Load
from ingest.mappings import load_mappings
from settings import Settings

ROOT = Path(__file__).parent.parent.parent
SAMPLES = Path(__file__).parent / "samples"
EXAMPLES = ROOT / "ingest" / "templates" / "examples"
# What the demonstration and the Olist tests prove with whole histories.
PROVED_ELSEWHERE = ("demo_", "olist_")

SETTINGS = Settings(sources=EXAMPLES, timezone="Europe/Paris", _env_file=None)  # pyright: ignore[reportCallIssue]
MAPPINGS = {name: one for name, one in load_mappings(SETTINGS).items() if not name.startswith(PROVED_ELSEWHERE)}
EXPECTED = {
    (folder.name, file): said
    for folder in sorted(SAMPLES.iterdir())
    for file, said in yaml.load((folder / "expected.yml").read_text(encoding="utf-8"), yaml.BaseLoader).items()
}


@dataclass(frozen=True)
class Loaded:
    """Every sample as one installation loaded it."""

    loads: dict[tuple[str, str], Load]
    warehouse: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    settings = SETTINGS.model_copy(update={"data_dir": tmp_path_factory.mktemp("samples")})
    for name, file in EXPECTED:
        folder = settings.inbox / MAPPINGS[name].source
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / name / file, folder)
    loads = ingest(settings).loads
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        warehouse.execute(f"attach '{settings.vault}' as vault (read_only)")
        yield Loaded({(load.mapping or load.reason or "", load.file_name): load for load in loads}, warehouse)


@pytest.mark.parametrize(("name", "file"), EXPECTED, ids=[f"{name}-{file}" for name, file in EXPECTED])
def test_every_field_of_a_sample_is_what_it_should_be(loaded: Loaded, name: str, file: str) -> None:
    said, load = EXPECTED[name, file], loaded.loads.get((name, file))
    assert load, f"the file was not taken: {[key for key in loaded.loads if key[1] == file]}"
    assert balance(load) == said["balance"]
    rejects = loaded.warehouse.execute(
        "select distinct line || ' ' || coalesce(entity || '.' || column_name, reason) from ledger.rejects where file_id = ?",
        [load.file_id],
    ).fetchall()
    assert sorted(text for (text,) in rejects) == sorted(said.get("rejects", []))
    for entity, feed in MAPPINGS[name].feeds.items():
        header, *rows = table(said[entity])
        assert set(header) == set(feed.cells), f"{entity}: the table of {name} must show every column it feeds"
        assert rows == kept(loaded.warehouse, load.file_id, entities()[entity], header), f"{entity} of {file}"


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_shipped_mapping_has_a_sample_in_which_every_column_it_feeds_holds_something(name: str) -> None:
    said = [tables for (mapping, _), tables in EXPECTED.items() if mapping == name]
    assert said, f"write tests/ingest/samples/{name}/"
    for entity, feed in MAPPINGS[name].feeds.items():
        filled = set()
        for tables in said:
            header, *rows = table(tables[entity])
            filled |= {column for row in rows for column, value in zip(header, row, strict=True) if value}
        assert filled == set(feed.cells), f"{entity}: no row of a sample fills {sorted(set(feed.cells) - filled)}"


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_shipped_mapping_says_where_its_export_is_found_and_has_its_page(name: str) -> None:
    assert MAPPINGS[name].about, "write `about`"
    assert f"mappings/{name}.md" in pages()


def test_every_entity_has_an_example_or_a_mapping_that_ships() -> None:
    assert {entity for one in MAPPINGS.values() for entity in one.feeds} == set(entities())


def test_an_export_without_what_its_entity_needs_is_refused_naming_it(tmp_path: Path) -> None:
    text = (SAMPLES / "aftership_shipments" / "aftership_shipments_2026-05.csv").read_text()
    path = tmp_path / "aftership_shipments_renamed.csv"
    path.write_text(text.replace("Status", "State", 1))
    check = check_file(SETTINGS, path)
    assert not check.would_load
    assert "'Status'" in (check.load.reason or "")


VALUES = {"timestamp": "2026-01-31 13:45:00", "date": "2026-01-31", "time": "13:45", "boolean": "true", "varchar": "some text"}


def test_a_template_of_each_entity_takes_an_export_in_its_own_words(tmp_path: Path) -> None:
    templates = ROOT / "ingest" / "templates"
    assert {path.stem for path in templates.glob("*.yml")} == set(entities())
    settings = Settings(data_dir=tmp_path, sources=templates, _env_file=None)  # pyright: ignore[reportCallIssue]
    inbox = settings.inbox / "my_system"
    inbox.mkdir(parents=True)
    for entity in entities().values():
        cells = [(column.accepted or (VALUES.get(column.type, "1"),))[0] for column in entity.columns]
        text = f"{','.join(column.name for column in entity.columns)}\n{','.join(cells)}\n"
        (inbox / f"{entity.name}_2026.csv").write_text(text)
    loads = ingest(settings).loads
    assert {(load.mapping, load.verdict, load.rows_loaded) for load in loads} == {(name, "loaded", 1) for name in entities()}


def test_no_file_has_two_mappings() -> None:
    mappings = list(load_mappings(SETTINGS).values())
    names = {file for _, file in EXPECTED} | {example(pattern) for one in mappings for pattern in one.files}
    takers = Counter((one.source, file) for one in mappings for file in names if one.takes(file))
    assert not [place for place, count in takers.items() if count > 1]


def example(pattern: str) -> str:
    """A file name that fits the pattern."""
    return pattern.replace("*", "2026").replace("?", "0")


def balance(load: Load) -> str:
    """How the rows balance: those in are those loaded and rejected; skipped ones stand beside them."""
    assert load.rows_in == load.rows_loaded + load.rows_rejected
    return f"{load.rows_in} in = {load.rows_loaded} loaded + {load.rows_rejected} rejected, {load.rows_skipped} skipped"


def table(text: str) -> list[list[str]]:
    """The cells of a table written with bars, its header first."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def kept(warehouse: duckdb.DuckDBPyConnection, file_id: int, entity: Entity, header: list[str]) -> list[list[str]]:
    """The entity's rows of a file in its order, personal values from the vault, as they are written in a table."""
    personal = {column.name for column in entity.columns if column.pii}
    vaulted = f"left join vault.{entity.name} as safe using (_source, _file_id, _line)" if personal & set(header) else ""
    columns = [f'safe."{name}"' if name in personal else f'rows_."{name}"' for name in header]
    order = ", ".join(f'rows_."{name}"' for name in entity.key)
    rows = warehouse.execute(
        f"select {', '.join(columns)} from raw.{entity.name} as rows_ {vaulted} where _file_id = ? order by _line, {order}",
        [file_id],
    ).fetchall()
    return [[written(name, value) for name, value in zip(header, row, strict=True)] for row in rows]


def written(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, bool):
        return str(value).lower()
    if name == "customer_ref" and re.fullmatch("[0-9a-f]{32}", str(value)):
        return "(hashed)"
    return str(value)
