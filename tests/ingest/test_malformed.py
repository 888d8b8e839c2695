"""Every kind of malformed export, of every kind of system: its verdict and reason are the expected ones, and no value changes."""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingest import unpacking
from ingest.entities import entities
from ingest.inbox import ingest
from ingest.ledger import Load
from ingest.mappings import load_mappings
from settings import Settings
from tests.ingest.maiming import KINDS, MARK, SOUND, SYSTEMS, read_export

EXAMPLES = Path(__file__).parent.parent.parent / "ingest" / "templates" / "examples"
SETTINGS = Settings(sources=EXAMPLES, timezone="Europe/Paris", _env_file=None)  # pyright: ignore[reportCallIssue]
MAPPINGS = load_mappings(SETTINGS)
EXPORTS = {name: read_export(name, MAPPINGS[name]) for name in SYSTEMS}
CASES = [(kind, system) for kind, one in KINDS.items() for system, export in EXPORTS.items() if one.applies(export)]
EVERYDAY = sorted(random.Random(4).sample(CASES, 180))
# Columns that say where a row came from.
ORIGIN = ("_file_id", "_line", "_loaded_at")
Tables = dict[str, Counter[tuple]]


@dataclass(frozen=True)
class Outcome:
    """What became of a file: its entry in the ledger, its rows by table, and its rejects as (line, reason)."""

    load: Load
    tables: Tables
    rejects: list[tuple[int, str]]


Corpus = dict[tuple[str, str], Outcome]


def arrive(folder: Path, cases: Sequence[tuple[str, str]]) -> Corpus:
    """The outcome of each case, and of the sound readings of its system, all delivered to one installation that runs once."""
    settings = SETTINGS.model_copy(update={"data_dir": folder / "data"})
    systems = [name for name in SYSTEMS if name in {system for _, system in cases}]
    places = {}
    sound = [(reading, system) for system in systems for reading in SOUND]
    for moment, (kind, system) in enumerate([*sound, *cases], start=1_750_000_000):
        number, one, source = list(SOUND | KINDS).index(kind), (SOUND | KINDS)[kind], MAPPINGS[system].source
        path = settings.inbox / source / one.file.format(SYSTEMS[system].file(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        written = folder / f"{source}_{path.name}" if one.is_link else path
        written.write_bytes(one.content(EXPORTS[system]))
        if one.is_link:
            path.symlink_to(written)
        os.utime(path, (moment, moment), follow_symlinks=False)
        places[kind, system] = (source, path.name)
    loads = {(load.source, load.file_name): load for load in ingest(settings).loads}
    tables, rejects = kept(settings)
    found = {case: loads[place] for case, place in places.items()}
    return {case: Outcome(load, tables[load.file_id], rejects[load.file_id]) for case, load in found.items()}


def kept(settings: Settings) -> tuple[dict[int, Tables], dict[int, list[tuple[int, str]]]]:
    """File → its rows in every table of the warehouse and the vault, and its rejects."""
    tables: dict[int, Tables] = defaultdict(dict)
    rejects: dict[int, list[tuple[int, str]]] = defaultdict(list)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute(f"attach '{settings.vault}' as vault (read_only)")
        for entity in entities().values():
            for table in (f"raw.{entity.name}", *([f"vault.{entity.name}"] if entity.personal else [])):
                values = f"columns(lambda one: one not in {ORIGIN})"
                for file_id, *row in connection.execute(f"select _file_id, {values} from {table}").fetchall():
                    tables[file_id].setdefault(table, Counter())[tuple(row)] += 1
        for file_id, *reject in connection.execute("select file_id, line, reason from ledger.rejects order by all").fetchall():
            rejects[file_id].append(tuple(reject))
    return tables, rejects


def is_as_expected(corpus: Corpus, kind: str, system: str) -> None:
    one, outcome, export = KINDS[kind], corpus[kind, system], EXPORTS[system]
    load = outcome.load
    assert load.verdict == one.verdict, load.reason
    said = [load.reason or "", *load.new_columns, *(reason for _, reason in outcome.rejects)]
    assert not one.told or any(one.told in text for text in said), said
    first = export.first_line()
    lines = set(range(first, first + one.records)) if one.verdict == "loaded_with_rejects" else set()
    assert {line for line, _ in outcome.rejects} == lines
    assert (load.rows_in, load.rows_rejected) == (load.rows_loaded + len(lines), len(lines))
    assert outcome.tables == (expected(corpus[one.rows, system], one.text) if one.rows in SOUND else {})


def expected(sound: Outcome, text: str | None) -> Tables:
    """The rows of a sound reading, `text` standing wherever the mark does."""
    assert sound.load.verdict == "loaded"
    assert sound.tables
    if text is None:
        return sound.tables
    assert any(MARK in row for rows in sound.tables.values() for row in rows), "the mark was not loaded"
    return {
        table: Counter({tuple(text if value == MARK else value for value in row): times for row, times in rows.items()})
        for table, rows in sound.tables.items()
    }


@pytest.fixture(scope="module")
def small_bombs() -> Iterator[None]:
    """What is taken for a bomb is measured in megabytes, lest the tests write hundreds of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpacking, "LEAST_LIMIT", 1 << 20)
        yield


@pytest.fixture(scope="module")
def everyday(small_bombs: None, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return arrive(tmp_path_factory.mktemp("everyday"), EVERYDAY)


@pytest.fixture(scope="module")
def corpus(small_bombs: None, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return arrive(tmp_path_factory.mktemp("corpus"), CASES)


@pytest.mark.parametrize(("kind", "system"), EVERYDAY)
def test_a_malformed_export_has_its_verdict_and_no_value_changes(everyday: Corpus, kind: str, system: str) -> None:
    is_as_expected(everyday, kind, system)


@pytest.mark.proof
@pytest.mark.parametrize(("kind", "system"), CASES)
def test_every_kind_of_every_system_has_its_verdict_and_no_value_changes(corpus: Corpus, kind: str, system: str) -> None:
    is_as_expected(corpus, kind, system)


def test_each_kind_is_tried_on_eight_systems_or_more() -> None:
    assert min(Counter(kind for kind, _ in CASES).values()) >= 8
    assert set(KINDS) == {kind for kind, _ in CASES}
