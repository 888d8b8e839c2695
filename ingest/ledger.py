"""The account of every file that arrived: what it held, what was loaded, what was not and why."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
from rich.console import Group
from rich.table import Table
from rich.text import Text

from settings import Settings

REASON_SUFFIX = ".reason.txt"


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
    waiting: tuple[str, ...] = ()
    quarantined: tuple[tuple[str, str], ...] = ()


def next_file_id(warehouse: duckdb.DuckDBPyConnection) -> int:
    """The number of the next load, above all before it."""
    return (warehouse.execute("select coalesce(max(file_id), 0) + 1 from ledger.files").fetchone() or (1,))[0]


def loaded_before(warehouse: duckdb.DuckDBPyConnection, source: str, sha256: str) -> int | None:
    """The load that brought the same content from the same source, if there was one."""
    row = warehouse.execute(
        "select max(file_id) from ledger.files where source = ? and sha256 = ? and verdict like 'loaded%'", [source, sha256]
    ).fetchone()
    return row[0] if row else None


def record(warehouse: duckdb.DuckDBPyConnection, load: Load) -> None:
    """Writes the load's rows, in the caller's transaction if it has one."""
    values = {name: value for name, value in vars(load).items() if name != "entities"}
    names, marks = ", ".join(values), ", ".join("?" for _ in values)
    warehouse.execute(f"insert into ledger.files ({names}) values ({marks})", list(values.values()))
    for entity, rows in load.entities.items():
        warehouse.execute("insert into ledger.file_entities values (?, ?, ?)", [load.file_id, entity, rows])


@dataclass(frozen=True)
class Status:
    """Where every source stands, in order of name."""

    sources: tuple[SourceStatus, ...]

    def table(self) -> Group:
        """The sources as a table for a terminal, and below it what is quarantined and why."""
        table = Table("source", "files", "rows", "rejected", "last load", "last file", "waiting", "quarantined", box=None)
        for source in self.sources:
            last = f"{source.last_loaded_at:%Y-%m-%d %H:%M}" if source.last_loaded_at else "never"
            numbers = (f"{source.files:,}", f"{source.rows_loaded:,}", f"{source.rows_rejected:,}")
            counts = (str(len(source.waiting)), str(len(source.quarantined)))
            table.add_row(source.source, *numbers, last, source.last_file or "", *counts)
        faults = [f"{source.source}/{name}: {reason}" for source in self.sources for name, reason in source.quarantined]
        return Group(table, *(Text(fault) for fault in faults))


def status(settings: Settings) -> Status:
    """Every source that has a folder or a load."""
    loads = {row[0]: row[1:] for row in _loads(settings.warehouse)}
    folders = {path.name for base in (settings.inbox, settings.quarantine) for path in base.glob("*") if path.is_dir()}
    sources = (
        SourceStatus(
            source,
            *loads.get(source, (0, 0, 0, None, None)),
            waiting=tuple(path.name for path in _files(settings.inbox / source)),
            quarantined=tuple(
                (path.name, _reason(path)) for path in _files(settings.quarantine / source) if not _is_reason(path)
            ),
        )
        for source in sorted(loads.keys() | folders)
    )
    return Status(tuple(sources))


def _loads(warehouse: Path) -> list[tuple]:
    if not warehouse.exists():
        return []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(
            "select source, count(*) filter (verdict like 'loaded%'), coalesce(sum(rows_loaded), 0)::bigint, "
            "coalesce(sum(rows_rejected), 0)::bigint, max_by(file_name, file_id) filter (verdict like 'loaded%'), "
            "max(loaded_at) filter (verdict like 'loaded%') from ledger.files group by source"
        ).fetchall()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []


def _is_reason(path: Path) -> bool:
    return path.name.endswith(REASON_SUFFIX)


def _reason(path: Path) -> str:
    reason = path.with_name(path.name + REASON_SUFFIX)
    return reason.read_text(encoding="utf-8").partition("\n")[0] if reason.exists() else "no reason was written"
