"""What would load and what would not: a file loaded into a warehouse that is thrown away."""

import csv
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ingest import DataRefused, inbox, loading, reading
from ingest.entities import entities
from ingest.ledger import Load
from ingest.mappings import Csv, Mapping, load_mappings
from settings import Settings


@dataclass(frozen=True)
class Rejected:
    """Rows rejected for one reason, with the first of them; personal values are masked."""

    entity: str | None
    column: str | None
    reason: str
    rows: int
    line: int
    value: str | None


@dataclass(frozen=True)
class Check:
    """What would become of a file; `advice` says what to write where it would be refused."""

    path: Path
    load: Load
    mapping: Mapping | None = None
    header: tuple[str, ...] = ()
    feeds: dict[str, tuple[str, ...]] | None = None
    rejects: tuple[Rejected, ...] = ()
    advice: str | None = None

    @property
    def would_load(self) -> bool:
        """Whether the file would be taken; some of its rows may still be rejected."""
        return self.load.is_loaded

    def text(self) -> str:
        """The check for a person: what was matched, what each column feeds, what would load and what would not."""
        lines = [f"{self.path.name}: {f'mapping {self.mapping.path.name}' if self.mapping else 'no mapping'}"]
        for header, columns in (self.feeds or {}).items():
            ignored = self.mapping and self.mapping.ignores(header)
            unread = "ignored" if ignored else "new, left out: map it, or list it under `ignore`"
            lines.append(f"  {header!r} → {', '.join(columns) or unread}")
        if self.would_load:
            load = self.load
            lines.append(f"{load.rows_in:,} rows: {load.rows_loaded:,} would load, {load.rows_rejected:,} would be rejected")
            lines += [f"  {entity}: {rows:,} rows" for entity, rows in load.entities.items()]
            lines += [f"{load.rows_skipped:,} rows left out, as the mapping says"] if load.rows_skipped else []
            for reject in self.rejects:
                column = f"{reject.entity}.{reject.column}: " if reject.column else ""
                example = f"{reject.value!r}, " if reject.value is not None else ""
                lines.append(f"rejected, {reject.rows:,} times: {column}{reject.reason} ({example}line {reject.line})")
            lines.append(f"Put it in the inbox's folder {self.load.source}/ and call `omnikpi run`")
        else:
            lines.append(f"would be refused: {self.load.reason}")
        return "\n".join([*lines, self.advice] if self.advice else lines)


def check_file(settings: Settings, path: Path) -> Check:
    """Loads the file into a throw-away warehouse and says what came of it; writes nothing of the installation's."""
    path = path.absolute()
    mappings = load_mappings(settings)
    name, source = inbox.original_name(settings, path), inbox.source_of(settings, path)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        warehouse = loading.connect(folder / "check.duckdb", folder, b"check")
        try:
            sha256 = reading.sha256(path)
            load = loading.attempt(warehouse, path, sha256, source or "unknown", None)
            try:
                mapping = inbox.find_mapping(mappings, name, source)
            except DataRefused as refusal:
                return Check(path, replace(load, reason=str(refusal)), advice=_closest(mappings, path, name))
            load = replace(load, source=mapping.source, mapping=mapping.name)
            header: tuple[str, ...] = ()
            try:
                header = reading.read_header(path, mapping.csv)
                load = loading.load_file(warehouse, None, mapping, path, sha256, folder)
            except DataRefused as refusal:
                return Check(path, replace(load, reason=str(refusal)), mapping, header, _feeds(mapping, header))
            rows = warehouse.execute(
                "select entity, column_name, reason, count(*), min(line), arg_min(value, line) from ledger.rejects "
                "group by entity, column_name, reason order by count(*) desc, min(line)"
            ).fetchall()
        finally:
            warehouse.close()
    return Check(path, load, mapping, header, _feeds(mapping, header), tuple(Rejected(*row) for row in rows))


def _feeds(mapping: Mapping, header: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Header → the columns it feeds, as `entity.column`, none for an ignored or unmapped one; empty where it is no header."""
    feeds: dict[str, list[str]] = {name: [] for name in header}
    for entity, feed in mapping.feeds.items():
        for column, cell in feed.cells.items():
            read = cell.headers if cell.join else [name for name in cell.headers if name in feeds][:1]
            for name in read:
                feeds.setdefault(name, []).append(f"{entity}.{column}")
    is_header = any(feeds.values())
    return {name: tuple(columns) for name, columns in feeds.items()} if is_header else {}


def _closest(mappings: dict[str, Mapping], path: Path, name: str) -> str:
    """Which mapping's columns the file has, or else the beginning of a mapping for it."""
    shares = {}
    for mapping in mappings.values():
        try:
            header = set(reading.read_header(path, mapping.csv))
        except DataRefused:
            continue
        wanted = {names for names, may_be_absent in mapping.headers() if not may_be_absent}
        shares[mapping.name] = sum(any(one in header for one in names) for names in wanted) / len(wanted)
    best = max(shares, key=lambda mapping: shares[mapping], default=None)
    if best and shares[best] > 0.5:
        return (
            f"it has {shares[best]:.0%} of the columns of {mappings[best].path.name}: add {name!r} to that mapping's `files`, "
            "or rename the file to match"
        )
    return f"write a mapping for it, for instance\n\n{_skeleton(path, name)}"


def _skeleton(path: Path, name: str) -> str:
    """The beginning of a mapping: the dialect the first line suggests, and every column still to be placed."""
    encoding = next(known for known in _ENCODINGS if known == _ENCODINGS[-1] or _reads(path, known))
    with reading.opened(path) as content:
        line = content.readline(1 << 16).decode(encoding, "replace").strip("\ufeff\r\n")
    delimiter = Counter(character for character in line if character in ",;\t|").most_common(1)
    mark = delimiter[0][0] if delimiter else ","
    columns = next(csv.reader([line], delimiter=mark), [])
    shown = "\\t" if mark == "\t" else mark
    known = ", ".join(entities())
    return "\n".join(
        [
            "source: my_system",
            f'files: "{Path(name).stem.rstrip("0123456789-_")}*{Path(name).suffix}"',
            f'csv: {{delimiter: "{shown}", encoding: {encoding}}}',
            f"entities:  # one or more of {known}",
            "  orders:",
            *(f"    some_column: {column!r}" for column in columns),
            "ignore: []",
        ]
    )


_ENCODINGS: tuple[Literal["utf-8", "cp1252", "latin-1"], ...] = ("utf-8", "cp1252", "latin-1")


def _reads(path: Path, encoding: Literal["utf-8", "cp1252", "latin-1"]) -> bool:
    try:
        reading.read_header(path, Csv(encoding=encoding, quote=""))
    except DataRefused:
        return False
    return True
