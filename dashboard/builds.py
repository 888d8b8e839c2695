"""Published builds: which there are, which is current, and read-only SQL on one of them.

A page or command takes one `Build` and keeps it: definitions and numbers then come from the same build, whatever is
published meanwhile.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock, local
from typing import Any

import duckdb
import polars as pl

# The name the SQL of a build calls its database by: dbt wrote it into the semantic manifest.
DATABASE = "warehouse"

_opening = Lock()
_mine = local()

# True of large results; these are small, and the other way plans every query twice, which takes longer than most run.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result makes an extra copy")


class BuildError(Exception):
    """There is no such build; the message says what to do."""

    exit_code = 78


@dataclass(frozen=True)
class Build:
    """One published build: its name, its folder, and what `build.json` says of it."""

    build_id: str
    path: Path
    info: dict[str, Any] = field(compare=False, repr=False)

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.info["created_at"])

    @property
    def span(self) -> tuple[date, date] | None:
        """First and last local day of the data; none when the build holds no sale and no visit."""
        first, last = self.info.get("data_from"), self.info.get("data_to")
        return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None

    @property
    def semantic_manifest(self) -> str:
        """The text of the semantic manifest: every definition the build's numbers follow."""
        return (self.path / "semantic_manifest.json").read_text(encoding="utf-8")

    @property
    def condensed_manifest(self) -> str | None:
        """The same over its condensed marts, for what can be asked of these; none in builds of older versions."""
        path = self.path / "condensed_manifest.json"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def sql(self, query: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Rows of a query with `$name` parameters bound; names tables `marts.<mart>` and `ledger.<table>`.

        Safe from any thread. Sums of whole numbers come back as 64-bit integers. Raises `duckdb.Error` for anything
        that would write, or read outside the build.
        """
        rows = _cursor(self.path).execute(query, dict(parameters or {})).to_arrow_table()
        frame = pl.DataFrame(rows)
        return frame.cast({column: pl.Int64 for column, kind in frame.schema.items() if kind == pl.Decimal(38, 0)})


def current(data_dir: Path) -> Build | None:
    """The build readers see now; none before the first is published. Raises `BuildError` when it is missing."""
    pointer = data_dir / "CURRENT"
    if not pointer.exists():
        return None
    build_id = pointer.read_text(encoding="utf-8").strip()
    path = data_dir / "builds" / build_id
    if not (path / "build.json").exists():
        raise BuildError(f"{pointer} names build {build_id!r}, which {path.parent} does not hold: call `omnikpi build`")
    return _read(path)


def builds(data_dir: Path) -> list[Build]:
    """Every published build that is kept, newest first."""
    found = [_read(path.parent) for path in (data_dir / "builds").glob("[!.]*/build.json")]
    return sorted(found, key=lambda build: (build.created_at, build.build_id), reverse=True)


def find(data_dir: Path, wanted: str) -> Build:
    """The build of that id, or the last one created on or before that ISO day (UTC); raises `BuildError` naming those kept."""
    kept = builds(data_dir)
    if not kept:
        raise BuildError(f"there is no build in {data_dir} yet: put exports in {data_dir / 'inbox'} and call `omnikpi run`")
    day = _day(wanted)
    for build in kept:
        if build.build_id == wanted or (day and build.created_at.date() <= day):
            return build
    names = ", ".join(build.build_id for build in kept)
    if day:
        raise BuildError(f"no build was published on or before {day}; the oldest kept is {kept[-1].build_id}")
    raise BuildError(f"there is no build {wanted!r}; give a day such as 2026-01-31, or one of: {names}")


def last_run(data_dir: Path) -> dict[str, Any] | None:
    """What the last `omnikpi run` wrote of itself (status, at, step, message, build_id); none before the first."""
    record = data_dir / "last_run.json"
    return json.loads(record.read_text(encoding="utf-8")) if record.exists() else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _read(path: Path) -> Build:
    """A build never changes once published, so it is read once."""
    info = json.loads((path / "build.json").read_text(encoding="utf-8"))
    return Build(info["build_id"], path, info)


def _cursor(path: Path) -> duckdb.DuckDBPyConnection:
    """This thread's cursor on the build last asked; a new one for every query would cost half a millisecond each time."""
    asked, cursor = getattr(_mine, "cursor", (None, None))
    if asked != path or cursor is None:
        with _opening:
            cursor = _open(path).cursor()
        cursor.execute(f"use {DATABASE}")
        _mine.cursor = (path, cursor)
    return cursor


@lru_cache(maxsize=8)
def _open(path: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory with the build attached read-only, then shut off from files and locked: queries share it."""
    connection = duckdb.connect()
    file = str(path / "marts.duckdb").replace("'", "''")
    connection.execute(f"attach '{file}' as {DATABASE} (read_only)")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection
