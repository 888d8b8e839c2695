"""The inbox: complete files are taken in the order they were delivered, loaded through the one mapping they fit, and put away."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest import DataRefused, ledger, loading, reading, vault
from ingest.ledger import REASON_SUFFIX, Load
from ingest.mappings import Mapping, load_mappings
from settings import Settings

# A file written to within these seconds may still be growing.
STILL_SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """What became of one file; `verdict` is loaded, loaded_with_rejects, refused, duplicate or waiting."""

    source: str
    file_name: str
    verdict: str
    rows_in: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    reason: str | None = None
    seconds: float = 0.0

    def facts(self) -> dict[str, object]:
        """The outcome as plain values, for a log line."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class IngestSummary:
    """Every file's outcome, in order."""

    outcomes: tuple[Outcome, ...]

    @property
    def refused(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.verdict == "refused"]

    def text(self) -> str:
        """One line of totals, then one for each file that needs somebody's attention."""
        if not self.outcomes:
            return "The inbox is empty"
        counts: dict[str, int] = {}
        for outcome in self.outcomes:
            counts[outcome.verdict] = counts.get(outcome.verdict, 0) + 1
        files = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.items())
        loaded, rejected = (sum(getattr(o, name) for o in self.outcomes) for name in ("rows_loaded", "rows_rejected"))
        lines = [f"Files: {files}; rows: {loaded:,} loaded, {rejected:,} rejected"]
        lines += [
            f"{outcome.verdict} {outcome.source}/{outcome.file_name}: {outcome.reason}"
            for outcome in self.outcomes
            if outcome.verdict in ("refused", "waiting")
        ]
        return "\n".join(lines)


Report = Callable[[Outcome], None]


def ingest(
    settings: Settings,
    source: str | None = None,
    dry_run: bool = False,
    replay: Path | None = None,
    report: Report | None = None,
) -> IngestSummary:
    """Load every complete file of the inbox, or of one source, or one repaired file; each in a transaction of its own.

    Refused files go to the quarantine with a written reason, loaded and duplicate ones to the archive. A dry run says what
    would happen and changes nothing. The caller holds the lock. Raises `ConfigurationError` for a faulty mapping before
    anything is touched.
    """
    mappings = load_mappings(settings)
    for folder in (settings.inbox, settings.archive, settings.quarantine):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = [replay.resolve()] if replay else list(_arrivals(settings.inbox, source))
    outcomes = []
    with loading.scratch(settings) as folder:
        key = vault.hash_key(settings)
        with (
            loading.connect(Path(":memory:") if dry_run else settings.warehouse, folder, key) as warehouse,
            _vault(settings, key, dry_run) as safe,
        ):
            for path, is_complete in _complete(files):
                if is_complete:
                    outcome = _take(settings, mappings, warehouse, safe, path, folder, dry_run)
                else:
                    outcome = Outcome(path.parent.name, path.name, "waiting", reason="it is still being written")
                outcomes.append(outcome)
                if report:
                    report(outcome)
            if not dry_run and not vault.is_resolved(warehouse):
                vault.resolve(warehouse)
    return IngestSummary(tuple(outcomes))


def fitting(mappings: dict[str, Mapping], source: str, file_name: str) -> Mapping:
    """The one mapping a file of that source and name fits; raises `DataRefused` naming what to do when none or several do."""
    found = [mapping for mapping in mappings.values() if mapping.source == source and mapping.takes(file_name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(mapping.name for mapping in found)
        raise DataRefused(f"fits several mappings ({names}); narrow their `files` so that only one takes it")
    elsewhere = [mapping for mapping in mappings.values() if mapping.takes(file_name)]
    if elsewhere:
        places = ", ".join(f"inbox/{mapping.source}/ ({mapping.name})" for mapping in elsewhere)
        raise DataRefused(f"no mapping of source {source!r} takes this name; it would fit in {places}")
    patterns = [f"{' '.join(mapping.files)} ({mapping.name})" for mapping in mappings.values() if mapping.source == source]
    known = "; the source's patterns: " + ", ".join(patterns) if patterns else f"; there is no mapping with `source: {source}`"
    raise DataRefused(f"no mapping takes this name{known}; write one, or correct its `files`")


def _arrivals(inbox: Path, source: str | None) -> Iterator[Path]:
    """Files in the order they were delivered: by modification time, then name. Unfinished ones are left alone."""
    folders = [inbox / source] if source else [inbox, *(path for path in inbox.iterdir() if path.is_dir())]
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir() if not path.is_dir() or path.is_symlink()]
    taken = [path for path in found if not path.name.startswith(".") and path.suffix not in (".part", ".tmp", ".filepart")]
    yield from sorted(taken, key=lambda path: (path.lstat().st_mtime_ns, path.name))


def _complete(files: list[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file with whether its size and time stand still; waits once for those written to just now."""
    before = {path: path.lstat() for path in files}
    youngest = max((stat.st_mtime for stat in before.values()), default=0.0)
    if 0 <= time.time() - youngest < STILL_SECONDS:
        time.sleep(STILL_SECONDS)
    for path in files:
        yield path, path.is_symlink() or reading.is_still(path, before[path])


def _vault(settings: Settings, key: bytes, dry_run: bool) -> duckdb.DuckDBPyConnection:
    safe = vault.connect(Path(":memory:") if dry_run else settings.vault)
    vault.prepare_hashing(safe, key)
    return safe


def _take(
    settings: Settings,
    mappings: dict[str, Mapping],
    warehouse: duckdb.DuckDBPyConnection,
    safe: duckdb.DuckDBPyConnection,
    path: Path,
    folder: Path,
    dry_run: bool,
) -> Outcome:
    """One file, loaded or refused, and put where it belongs."""
    source = path.parent.name if path.parent != settings.inbox else "inbox"
    mapping = None
    try:
        if path.is_symlink():
            raise DataRefused("is a link; deliver the file itself")
        if path.parent == settings.inbox:
            raise DataRefused("lies in the inbox itself; put it in the folder of its source, inbox/<source>/")
        mapping = fitting(mappings, source, path.name)
        load = loading.load_file(warehouse, safe, mapping, path, folder)
    except DataRefused as refusal:
        load = _refusal(warehouse, source, mapping, path, str(refusal))
        if not dry_run:
            ledger.record(warehouse, load)
            _quarantine(settings, source, path, str(refusal))
    else:
        if not dry_run:
            _archive(settings, source, path, load)
    return Outcome(
        source, path.name, load.verdict, load.rows_in, load.rows_loaded, load.rows_rejected, load.reason, load.seconds
    )


def _refusal(warehouse: duckdb.DuckDBPyConnection, source: str, mapping: Mapping | None, path: Path, reason: str) -> Load:
    stat = path.lstat()
    return Load(
        file_id=ledger.next_file_id(warehouse),
        source=source,
        mapping=mapping.name if mapping else None,
        file_name=path.name,
        sha256="" if path.is_symlink() else reading.sha256(path),
        bytes=stat.st_size,
        verdict="refused",
        delivered_at=datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None),
        loaded_at=datetime.now(UTC).replace(tzinfo=None),
        reason=reason,
    )


def _archive(settings: Settings, source: str, path: Path, load: Load) -> None:
    """Move a file whose content is on record; a crash before this leaves it in the inbox, where it is then a duplicate."""
    place = _free(settings.archive / source / f"{load.delivered_at:%Y}" / path.name, load.file_id)
    path.replace(place)
    path.with_name(path.name + REASON_SUFFIX).unlink(missing_ok=True)


def _quarantine(settings: Settings, source: str, path: Path, reason: str) -> None:
    """Move a refused file aside with its reason; one refused again stays where it is."""
    place = settings.quarantine / source / path.name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path != place:
        os.replace(path, place)  # noqa: PTH105  a link is moved as a link
    place.with_name(place.name + REASON_SUFFIX).write_text(reason + "\n", encoding="utf-8")


def _free(place: Path, file_id: int) -> Path:
    """The place, or one beside it that carries the load's number when the name is taken."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place.with_name(f"{place.name}.{file_id}") if place.exists() else place
