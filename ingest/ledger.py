"""The account of every file that arrived: what it held, what was loaded, what was not and why."""

import os
import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from operator import attrgetter
from pathlib import Path

import duckdb
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ingest.lock import is_ours, lock
from settings import Settings

REASON_SUFFIX = ".reason.txt"
# Folders of the quarantine that hold a file's rejected rows begin so, its number following.
REJECTS = "rejects_"
LOADS = """
select
    source,
    coalesce(sum(rows_in), 0)::bigint,
    count(*) filter (verdict like 'loaded%'),
    coalesce(sum(rows_loaded), 0)::bigint,
    coalesce(sum(rows_rejected), 0)::bigint,
    max_by(file_name, file_id) filter (verdict like 'loaded%'),
    max(loaded_at) filter (verdict like 'loaded%'),
    coalesce(list(distinct file_name order by file_name) filter (verdict = 'loaded_with_rejects' and not is_corrected), []),
    count(*) filter (verdict = 'loaded_with_rejects'),
    count(*) filter (verdict = 'refused'),
    count(*) filter (verdict = 'duplicate'),
    coalesce(list(distinct mapping || ': ' || array_to_string(new_columns, ', ')) filter (len(new_columns) > 0), [])
from (
    select *, 'corrects file ' || file_id in (select reason from ledger.files where reason is not null) as is_corrected
    from ledger.files
)
group by source
"""


@dataclass(frozen=True)
class Load:
    """One attempt to load a file: a row of `ledger.files` and its rows of `ledger.file_entities`."""

    file_id: int
    source: str
    mapping: str | None
    file_name: str
    sha256: str
    bytes: int
    verdict: str
    delivered_at: datetime
    loaded_at: datetime
    rows_in: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_skipped: int = 0
    reason: str | None = None
    seconds: float = 0.0
    new_columns: tuple[str, ...] = ()
    entities: dict[str, int] = field(default_factory=dict)

    @property
    def is_loaded(self) -> bool:
        return self.verdict.startswith("loaded")

    def facts(self) -> dict:
        """The load as plain values, for one line of a log."""
        return asdict(self)


@dataclass(frozen=True)
class SourceStatus:
    """Where a source stands; `quarantined` pairs each file set aside with the reason written beside it."""

    source: str
    files: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    last_file: str | None = None
    last_loaded_at: datetime | None = None
    to_correct: Sequence[str] = ()
    with_rejects: int = 0
    refused: int = 0
    duplicates: int = 0
    new_columns: Sequence[str] = ()
    waiting: tuple[str, ...] = ()
    quarantined: tuple[tuple[str, str], ...] = ()


def next_file_id(warehouse: duckdb.DuckDBPyConnection) -> int:
    """The number of the next load, above all before it."""
    return (warehouse.execute("select coalesce(max(file_id), 0) + 1 from ledger.files").fetchone() or (1,))[0]


def archived(settings: Settings) -> list[Load]:
    """The entries of every file that went to the archive, without what was counted in them."""
    if not settings.warehouse.exists():
        return []
    with opened(settings) as connection:
        return _entries(connection, "verdict not in ('refused', 'waiting')")


def entries(warehouse: duckdb.DuckDBPyConnection, hashes: Collection[str]) -> dict[str, list[Load]]:
    """Hash → the entries of files with that content, oldest first, without what was counted in them."""
    found: dict[str, list[Load]] = {}
    for load in _entries(warehouse, "sha256 in (select unnest(?))", list(hashes)):
        found.setdefault(load.sha256, []).append(load)
    return found


def _entries(warehouse: duckdb.DuckDBPyConnection, condition: str, *values: object) -> list[Load]:
    names = ("file_id", "source", "mapping", "file_name", "sha256", "bytes", "verdict", "delivered_at", "loaded_at")
    query = f"select {', '.join(names)}, reason from ledger.files where {condition} order by file_id"
    return [Load(*known, reason=reason) for *known, reason in warehouse.execute(query, list(values)).fetchall()]


def entered_before(known: Sequence[Load], load: Load) -> Load | None:
    """The entry of this very delivery with this verdict, if a run entered it and ended before it moved the file."""
    facts = attrgetter("source", "file_name", "sha256", "delivered_at", "verdict", "reason")
    return next((before for before in reversed(known) if facts(before) == facts(load)), None)


def record(warehouse: duckdb.DuckDBPyConnection, loads: Sequence[Load]) -> None:
    """Writes the loads' rows, in the caller's transaction if it has one."""
    rows = [
        {name: value for name, value in vars(load).items() if name != "entities"} | {"new_columns": list(load.new_columns)}
        for load in loads
    ]
    counts = [(load.file_id, entity, rows) for load in loads for entity, rows in load.entities.items()]
    if rows:
        _insert(warehouse, f"files ({', '.join(rows[0])})", [tuple(row.values()) for row in rows])
    if counts:
        _insert(warehouse, "file_entities", counts)


def _insert(warehouse: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple]) -> None:
    marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in rows)
    warehouse.execute(f"insert into ledger.{table} values {marks}", [value for row in rows for value in row])


@dataclass(frozen=True)
class Status:
    """Where every source stands, in order of name."""

    sources: tuple[SourceStatus, ...]
    rows_in: int = 0

    @property
    def is_balanced(self) -> bool:
        """Whether every row received is loaded or rejected."""
        return self.rows_in == sum(source.rows_loaded + source.rows_rejected for source in self.sources)

    def table(self) -> Group:
        """The sources as a table for a terminal, and below it what is quarantined and why."""
        table = Table("source", "files", "rows", "rejected", "last load", box=None)
        for source in self.sources:
            counts = {
                "loaded": source.files - source.with_rejects,
                "loaded with rejects": source.with_rejects,
                "refused": source.refused,
                "duplicate": source.duplicates,
                "waiting": len(source.waiting),
            }
            files = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items() if count)
            last = f"{source.last_loaded_at:%Y-%m-%d %H:%M}" if source.last_loaded_at else "never"
            table.add_row(source.source, files, f"{source.rows_loaded:,}", f"{source.rows_rejected:,}", last)
        balance = "each is loaded or rejected" if self.is_balanced else "THE LEDGER DOES NOT BALANCE: call omnikpi doctor"
        lines = [f"{self.rows_in:,} rows received: {balance}"]
        for source in self.sources:
            lines += [f"quarantined: {source.source}/{name}: {reason}" for name, reason in source.quarantined]
            places = [shlex.quote(f"{source.source}/{name}") for name in source.to_correct]
            lines += [f"rows to correct: omnikpi rejects {place}" for place in places]
            lines += [f"new columns, not loaded: {source.source}/{text}" for text in source.new_columns]
        return Group(table, *(Text(line) for line in lines))


def status(settings: Settings) -> Status:
    """Every source that has a folder or a load."""
    found = _loads(settings)
    loads = {row[0]: row[2:] for row in found}
    folders = {path.name for base in (settings.inbox, settings.quarantine) for path in base.glob("*") if path.is_dir()}
    sources = (
        SourceStatus(
            source,
            *loads.get(source, ()),
            waiting=tuple(readable(path.name) for path in _files(settings.inbox / source)),
            quarantined=tuple(
                (readable(str(path.relative_to(settings.quarantine / source))), _reason(path))
                for path in _files(settings.quarantine / source)
                if not is_reason(path)
            ),
        )
        for source in sorted(loads.keys() | folders)
    )
    return Status(tuple(sources), rows_in=sum(row[1] for row in found))


@contextmanager
def opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, to be read; raises `LockHeld` while another run is at work in it."""
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.IOException:
        with nullcontext() if is_ours(settings) else lock(settings):
            raise
    with connection:
        yield connection


def _loads(settings: Settings) -> list[tuple]:
    if not settings.warehouse.exists():
        return []
    with opened(settings) as connection:
        return connection.execute(LOADS).fetchall()


def readable(name: str) -> str:
    """A file's name with what is no UTF-8 in it written out, as `\\xe9`: nothing else could be kept or shown."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def is_reason(path: Path) -> bool:
    """Whether a file of the quarantine is not a delivery but says why the one beside it was set aside."""
    return path.name.endswith(REASON_SUFFIX)


def _reason(path: Path) -> str:
    reason = path.with_name(path.name + REASON_SUFFIX)
    if reason.exists():
        return reason.read_text(encoding="utf-8").partition("\n")[0]
    is_to_correct = path.parent.name.startswith(REJECTS)
    return "rejected rows, to be corrected and replayed" if is_to_correct else "no reason was written"
