"""Orders of loading: what is newest of each key depends on the order of files that share a key, and on nothing else.

The rule. Two files depend on each other when a key of an entity is in both. A run loads what waits in the inbox by delivery
time (modification time, then name), and each load takes the next `_file_id`; the newest row of a key is the last one of the
last load that has it, as `newest_rows` takes it in staging. So any sequence of deliveries and runs that keeps the order of each
two dependent files gives the same newest rows. Three things bound it, and have tests below: the delivery time orders the files
of one run only, a later run wins; a file whose very bytes were loaded before is set aside, so it does not bring an older state
back; and dependent files that change places do change what is newest.

The histories are the demonstration's, its corrections and late changes included, of systems whose rows each stand alone. Files
are cut between rows, and merged with independent ones of their mapping. A file with rejects is not cut, for a piece of it could
have too many of them. What is not claimed: that files numbering rows within a key (`sequence`, `per`, `fill`) could be cut
inside it; and anything of master data that several systems deliver, or of who is who.
"""

import gzip
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path

import duckdb
import pytest

import demo
from ingest.entities import entities
from ingest.inbox import ingest
from settings import Settings
from tests.ingest.conftest import Installation

ROUNDS = 3
MOMENT = 1_750_000_000
Newest = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class File:
    """An export, or what was cut or merged of several: `origins` are the numbers of those, in the history's order."""

    path: str
    mapping: str
    header: bytes
    rows: tuple[bytes, ...]
    origins: tuple[int, ...]


@dataclass(frozen=True)
class History:
    """The exports of some systems as they came, the pairs of them (earlier, later) that depend on each other, what is newest.

    Those `uncut` had rejects.
    """

    files: tuple[File, ...]
    dependent: frozenset[tuple[int, int]]
    uncut: frozenset[int]
    newest: Newest

    def are_dependent(self, one: File, other: File) -> bool:
        """Whether they share a key, or rows of one file."""
        pairs = {tuple(sorted((first, second))) for first in one.origins for second in other.origins}
        return any(first == second or (first, second) in self.dependent for first, second in pairs)

    def recut(self, chance: random.Random) -> list[File]:
        """The same rows in files cut and merged otherwise, in another order that keeps that of dependent ones."""
        ordered = self._ordered([piece for file in self.files for piece in self._cut(file, chance)], chance)
        merged = ordered[:1]
        for file in ordered[1:]:
            last = merged[-1]
            is_alike = (last.mapping, last.header) == (file.mapping, file.header)
            if is_alike and not self.are_dependent(last, file) and chance.random() < 0.5:
                merged[-1] = replace(last, rows=last.rows + file.rows, origins=last.origins + file.origins)
            else:
                merged.append(file)
        return merged

    def _cut(self, file: File, chance: random.Random) -> Iterator[File]:
        places = range(1, len(file.rows))
        cuts = [] if self.uncut.intersection(file.origins) else chance.sample(places, min(len(places), chance.randint(0, 2)))
        for start, end in pairwise([0, *sorted(cuts), len(file.rows)]):
            yield replace(file, rows=file.rows[start:end])

    def _ordered(self, pieces: list[File], chance: random.Random) -> list[File]:
        """A random order in which every piece comes after those before it that it depends on."""
        awaited = {
            index: {before for before in range(index) if self.are_dependent(pieces[before], piece)}
            for index, piece in enumerate(pieces)
        }
        ordered = []
        while awaited:
            index = chance.choice([index for index, others in awaited.items() if not others & awaited.keys()])
            ordered.append(pieces[index])
            del awaited[index]
        return ordered


def settings_in(folder: Path) -> Settings:
    """An installation that hashes personal values with the key of all others."""
    folder.mkdir(parents=True)
    key = folder / ".hash_key"
    key.write_text("5e" * 32)
    key.chmod(0o600)
    return Settings(data_dir=folder, timezone="Europe/Paris", _env_file=None)  # pyright: ignore[reportCallIssue]


def newest(settings: Settings) -> Newest:
    """Entity → how many keys it has, and a checksum of the newest row of each, whatever load and line it came from."""
    found = {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        for entity in entities().values():
            names = ", ".join(f'"{name}"' for name in entity.raw_columns if name not in ("_file_id", "_line", "_loaded_at"))
            key = ", ".join(["_source", *entity.key])
            version = f"row_number() over (partition by {key} order by _file_id desc, _line desc)"
            rows = f"select row({names})::varchar as text from raw.{entity.name} qualify {version} = 1"
            checksum = f"select count(*), md5(string_agg(text, chr(10) order by text)) from ({rows})"
            found[entity.name] = connection.sql(checksum).fetchall()[0]
    return found


def deliver(settings: Settings, files: Sequence[File], serial: Iterator[int], chance: random.Random) -> None:
    """Delivers files one after the other, each under a number of its own, and loads them in up to three runs."""
    ends = sorted({*chance.sample(range(1, len(files)), chance.randint(0, 2)), len(files)})
    for start, end in pairwise([0, *ends]):
        numbered = list(zip(serial, files[start:end]))  # noqa: B905  the numbers never end
        # The inbox is filled in any order: the delivery time counts.
        for number, file in chance.sample(numbered, end - start):
            stem, dot, suffix = file.path.partition(".")
            # Blank lines at the end are no records, but their number makes each file one that was never there before.
            content = b"".join([file.header, *file.rows]) + b"\n" * number
            put(settings, f"{stem}_{number}{dot}{suffix}", gzip.compress(content) if suffix.endswith("gz") else content, number)
        loads = ingest(settings).loads
        assert len(loads) == end - start
        assert all(load.is_loaded for load in loads), [load for load in loads if not load.is_loaded]


def put(settings: Settings, path: str, content: bytes, second: int) -> None:
    target = settings.inbox / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    os.utime(target, (MOMENT + second, MOMENT + second))


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory) -> History:
    return history_in(tmp_path_factory.mktemp("recent"), systems=("crm", "oms", "tms"), latest=12)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> History:
    return history_in(tmp_path_factory.mktemp("whole"), systems=("crm", "marketplace", "oms", "pos", "shop", "tms"))


def history_in(folder: Path, systems: Sequence[str] = (), latest: int = 0) -> History:
    """The exports of these systems or of all (of each the latest so many, or all), each content once, and what a run in
    `folder / "data"` makes of them.
    """
    settings = settings_in(folder / "data")
    demo.write(settings.inbox, folder / "truth", demo.Size(people=300, sessions=800, daily=5), seed=7)
    for other in settings.inbox.iterdir():
        if systems and other.name not in systems:
            shutil.rmtree(other)
        elif latest:
            for path in sorted(other.iterdir(), key=lambda path: path.stat().st_mtime)[:-latest]:
                path.unlink()
    contents = {(path.parent.name, path.name): path.read_bytes() for path in settings.inbox.glob("*/*")}
    contents = {place: gzip.decompress(held) if place[1].endswith(".gz") else held for place, held in contents.items()}
    loads = [load for load in ingest(settings).loads if load.is_loaded]
    files = []
    for number, load in enumerate(loads):
        header, *rows = contents[load.source, load.file_name].splitlines(keepends=True)
        assert all(row.count(b'"') % 2 == 0 for row in rows), f"{load.file_name}: a record runs over lines"
        files.append(File(f"{load.source}/{load.file_name}", load.mapping or "", header, tuple(rows), (number,)))
    numbers = {load.file_id: number for number, load in enumerate(loads)}
    rejected = {number for number, load in enumerate(loads) if load.rows_rejected}
    return History(tuple(files), frozenset(dependent(settings, numbers)), frozenset(rejected), newest(settings))


def dependent(settings: Settings, numbers: dict[int, int]) -> Iterator[tuple[int, int]]:
    """The pairs of loads, earlier and later, that have a key of an entity in common."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        for entity in entities().values():
            is_alike = " and ".join(f"one.{name} is not distinct from other.{name}" for name in ("_source", *entity.key))
            pairs = connection.sql(
                f"select distinct one._file_id, other._file_id from raw.{entity.name} as one "
                f"inner join raw.{entity.name} as other on {is_alike} and one._file_id < other._file_id"
            ).fetchall()
            yield from ((numbers[first], numbers[second]) for first, second in pairs)


def is_newest_after_every_round(history: History, folder: Path, seed: int) -> None:
    settings, serial, chance = settings_in(folder / "data"), count(1), random.Random(seed)
    for turn in range(ROUNDS):
        deliver(settings, history.recut(chance), serial, chance)
        assert newest(settings) == history.newest, f"seed {seed}, round {turn}"


@pytest.mark.parametrize("seed", range(3))
def test_files_cut_merged_and_ordered_otherwise_make_the_same_newest_rows(recent: History, tmp_path: Path, seed: int) -> None:
    is_newest_after_every_round(recent, tmp_path, seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(3, 23))
def test_twenty_orders_of_loading_make_the_same_newest_rows(whole: History, tmp_path: Path, seed: int) -> None:
    is_newest_after_every_round(whole, tmp_path, seed)


def test_the_history_is_one_that_order_matters_to(recent: History, tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    assert recent.dependent
    deliver(settings, recent.files[::-1], count(1), random.Random(0))
    found = newest(settings)
    assert {name: keys for name, (keys, _) in found.items()} == {name: keys for name, (keys, _) in recent.newest.items()}
    assert found != recent.newest


FIRST, SECOND = "order,sku,quantity,price\n1,A,1,10\n", "order,sku,quantity,price\n1,A,1,20\n"


def price(installation: Installation) -> Decimal:
    """What the newest row of the only key says."""
    return installation.ask("select unit_price from raw.order_lines order by _file_id desc limit 1")[0][0]


@pytest.mark.parametrize("names", [("lines_a.csv", "lines_b.csv"), ("lines_b.csv", "lines_a.csv")])
def test_in_one_run_the_delivery_time_decides(installation: Installation, names: tuple[str, str]) -> None:
    for name, content in zip(names, (FIRST, SECOND), strict=True):
        installation.drop(f"lines/{name}", content)
    installation.ingest()
    assert price(installation) == 20


def test_a_later_run_wins_whatever_the_delivery_time(installation: Installation) -> None:
    older = installation.drop("lines/lines_older.csv", FIRST)
    aside = older.rename(older.parents[2] / "late.csv")
    installation.drop("lines/lines_newer.csv", SECOND)
    installation.ingest()
    aside.rename(older)
    installation.ingest()
    assert price(installation) == 10


def test_the_same_bytes_again_do_not_bring_an_older_state_back(installation: Installation) -> None:
    for number, content in enumerate((FIRST, SECOND, FIRST)):
        installation.drop(f"lines/lines_{number}.csv", content)
    assert [load.verdict for load in installation.ingest().loads] == ["loaded", "loaded", "duplicate"]
    assert price(installation) == 20
