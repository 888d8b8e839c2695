"""What would load and what would not: a file loaded into a warehouse that is thrown away."""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ingest import DataRefused, exports, inbox, loading, proposing, reading
from ingest.ledger import Load, readable
from ingest.mappings import Mapping, load_mappings
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
        lines = [f"{readable(self.path.name)}: {f'mapping {self.mapping.path.name}' if self.mapping else 'no mapping'}"]
        for header, columns in (self.feeds or {}).items():
            ignored = self.mapping and self.mapping.ignores(header)
            is_read = self.mapping and self.mapping.aliases.get(header, header) in self.mapping.read
            unread = "ignored" if ignored else "new, left out: map it, or list it under `ignore`"
            lines.append(f"  {header!r} → {', '.join(columns) or ('tells rows apart' if is_read else unread)}")
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
            delivery = loading.Delivery(path, name, source or "unknown", reading.sha256(path), path.lstat())
            try:
                inbox.proven_name(path)
                mapping = inbox.find_mapping(mappings, name, source)
            except DataRefused as refusal:
                advice = _closest(mappings, path, name) if readable(path.name) == path.name else None
                return Check(path, replace(delivery, reason=str(refusal)).load(), advice=advice)
            header: tuple[str, ...] = ()
            with suppress(DataRefused):  # loading says why
                header = exports.read_header(path, mapping.dialect)
            delivery = replace(delivery, source=mapping.source, mapping=mapping)
            (load,) = loading.load_files(warehouse, None, [delivery], folder)
            rows = warehouse.execute(
                "select entity, column_name, reason, count(*), min(line), arg_min(value, line) from ledger.rejects "
                "group by entity, column_name, reason order by count(*) desc, min(line)"
            ).fetchall()
        finally:
            warehouse.close()
    return Check(path, load, mapping, header, _feeds(mapping, header), tuple(Rejected(*row) for row in rows))


def _feeds(mapping: Mapping, header: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Header → the columns it feeds, as `entity.column`, none for an ignored or unmapped one; empty where it is no header."""
    names = dict(zip(mapping.canonical(header), header, strict=True))
    feeds: dict[str, list[str]] = {name: [] for name in header}
    for entity, feed in mapping.feeds.items():
        for column, cell in feed.cells.items():
            read = [name for name in cell.headers if name in names][:1] if cell.from_ else list(cell.headers)
            if mapping.unpack and set(cell.headers) & set(mapping.unpacked):
                read = [mapping.unpack.column]
            for name in read:
                feeds.setdefault(names.get(name, name), []).append(f"{entity}.{column}")
    is_header = any(feeds.values())
    return {name: tuple(columns) for name, columns in feeds.items()} if is_header else {}


def _closest(mappings: dict[str, Mapping], path: Path, name: str) -> str:
    """Which mapping's columns the file has, or else the beginning of a mapping for it."""
    shares = {}
    for mapping in mappings.values():
        try:
            header = set(mapping.canonical(exports.read_header(path, mapping.dialect)))
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
    try:
        return f"write a mapping for it, for instance\n\n{proposing.propose(path, name, mappings.values())}"
    except DataRefused as refusal:
        return f"no mapping can be proposed: {refusal}"
