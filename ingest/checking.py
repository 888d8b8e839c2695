"""`omnikpi check FILE`: what of a file would load and what would not, without writing anything."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ingest import DataRefused, loading, reading
from ingest.inbox import fitting
from ingest.mappings import Mapping, load_mappings
from settings import Settings

SHOWN_REJECTS = 10
SHOWN_MAPPINGS = 3


@dataclass(frozen=True)
class CheckReport:
    """The findings on one file, in words; `would_load` is whether `omnikpi run` would take it."""

    would_load: bool
    lines: tuple[str, ...]

    def text(self) -> str:
        return "\n".join(self.lines)


def check_file(settings: Settings, path: Path) -> CheckReport:
    """Load the file into memory alone and say what happened, row by row where something is wrong.

    A file in `inbox/<source>/` is held against that source's mappings, any other file against all. Personal values are masked.
    """
    mappings = load_mappings(settings)
    path = path.resolve()
    try:
        return _would_load(settings, _mapping_of(settings, mappings, path), path)
    except DataRefused as refusal:
        closest = _closest(mappings, path)
        return CheckReport(False, (f"{path.name} would be refused: {refusal}", *closest))


def _mapping_of(settings: Settings, mappings: dict[str, Mapping], path: Path) -> Mapping:
    sources = {mapping.source for mapping in mappings.values()}
    if path.parent.parent in (settings.inbox, settings.quarantine):
        return fitting(mappings, path.parent.name, path.name)
    candidates = sorted(source for source in sources if any(m.source == source and m.takes(path.name) for m in mappings.values()))
    if len(candidates) > 1:
        raise DataRefused(f"fits mappings of several sources ({', '.join(candidates)}); put it in inbox/<source>/ and check it there")
    return fitting(mappings, candidates[0] if candidates else path.parent.name, path.name)


def _would_load(settings: Settings, mapping: Mapping, path: Path) -> CheckReport:
    with (
        tempfile.TemporaryDirectory(prefix="omnikpi-check-") as folder,
        # A key of its own: a check must not make the installation's key, and its hashes go nowhere.
        loading.connect(Path(":memory:"), Path(folder), b"check") as warehouse,
    ):
        load = loading.load_file(warehouse, None, mapping, path, Path(folder))
        rejects = warehouse.execute(
            """
            select reason, count(*) as rows, min_by({'line': line, 'entity': entity, 'column': column_name, 'value': value}, line)
            from ledger.rejects group by reason order by rows desc, reason
            """
        ).fetchall()
    lines = [
        f"{path.name} fits the mapping {mapping.name} of source {mapping.source}",
        f"{load.rows_in:,} rows: {load.rows_loaded:,} would load, {load.rows_rejected:,} would be rejected"
        + (f", {load.rows_skipped:,} left out as the mapping says" if load.rows_skipped else ""),
        *(f"  {entity}: {rows:,} rows" for entity, rows in load.entities.items()),
    ]
    for reason, rows, first in rejects[:SHOWN_REJECTS]:
        place = f"line {first['line']}" + (f", {first['entity']}.{first['column']}" if first["column"] else "")
        value = f": {first['value']!r}" if first["value"] is not None else ""
        lines.append(f"  rejected {rows:,} ×: {reason}; first at {place}{value}")
    if len(rejects) > SHOWN_REJECTS:
        lines.append(f"  and {len(rejects) - SHOWN_REJECTS} other reasons")
    lines.append(f"Put it in {settings.inbox / mapping.source}/ and call `omnikpi run`")
    return CheckReport(True, tuple(lines))


def _closest(mappings: dict[str, Mapping], path: Path) -> list[str]:
    """The mappings whose columns are most like the file's, with what differs."""
    found = []
    for mapping in mappings.values():
        try:
            header = set(reading.read_header(path, mapping.csv))
        except (DataRefused, UnicodeError, OSError):
            continue
        wanted = {names[0] for names, optional in mapping.headers() if not optional}
        shared = len(wanted & header)
        if shared >= 2:
            found.append((shared / len(wanted | header), mapping, sorted(wanted - header), len(header)))
    lines = [
        f"  closest: {mapping.name} (source {mapping.source}, files {' '.join(mapping.files)})"
        + (f"; the file lacks {', '.join(map(repr, missing))}" if missing else "; every column it needs is there")
        for _, mapping, missing, _ in sorted(found, key=lambda item: -item[0])[:SHOWN_MAPPINGS]
    ]
    return lines or ["  no mapping knows these columns: write one, as docs/operator.md shows"]
