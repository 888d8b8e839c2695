"""The inbox: which files have arrived, which mapping takes each, and where each goes once its fate is known."""

import errno
import os
import re
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from ingest import ConfigurationError, DataRefused, checking, failpoints, ledger, loading, naming, progress, reading, vault
from ingest.ledger import REASON_SUFFIX, REJECTS, Load
from ingest.loading import Delivery
from ingest.mappings import Mapping, load_mappings, nearest
from settings import Settings

# A file written to within these seconds may still be growing.
FRESH_SECONDS = 3.0
# So much is loaded at most in one transaction, unless a file is larger by itself.
MOST_FILES = 200
MOST_BYTES = 32 << 20
# Larger files are followed while they load.
FOLLOWED_BYTES = 4 << 20
UNFINISHED = (".part", ".tmp", ".filepart")
# What programs keep beside files: hidden ones, and the locks of an office suite.
IGNORED = (".", "~$")
_CORRECTED = re.compile(rf"{REJECTS}(\d{{6,}})")


@dataclass(frozen=True)
class IngestSummary:
    """What an ingestion did: each file's load, files still being written, who is who afterwards, and what it may not read."""

    loads: tuple[Load, ...]
    unfinished: tuple[str, ...] = ()
    resolution: vault.Resolution | None = None
    locked: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return 74 if self.locked else DataRefused.exit_code if self.refused else 0

    @property
    def refused(self) -> tuple[Load, ...]:
        return tuple(load for load in self.loads if load.verdict == "refused")

    def text(self) -> str:
        """The ingestion in a few lines: a total, what needs somebody's eyes, and who was recognised."""
        loaded = [load for load in self.loads if load.is_loaded]
        rows, rejected = sum(load.rows_loaded for load in loaded), sum(load.rows_rejected for load in loaded)
        known = sum(load.verdict == "duplicate" for load in self.loads)
        before = f"; {known:,} had been loaded before" if known else ""
        lines = [f"{len(loaded)} of {len(self.loads)} files loaded: {rows:,} rows, {rejected:,} rejected{before}"]
        if not self.loads:
            lines = ["Nothing to load"]
        lines += [f"refused: {load.source}/{load.file_name}: {load.reason}" for load in self.refused]
        lines += [
            f"new column, not loaded: {load.source}/{load.file_name}: {', '.join(load.new_columns)}"
            for load in loaded
            if load.new_columns
        ]
        lines += [
            f"rows to correct: omnikpi rejects {shlex.quote(f'{load.source}/{load.file_name}')}"
            for load in loaded
            if load.rows_rejected
        ]
        lines += [f"cannot be read, give this user the right: {path}" for path in self.locked]
        lines += [f"still being written, left for the next run: {name}" for name in self.unfinished]
        if self.resolution:
            lines.append(f"{self.resolution.identity_keys:,} customer records are {self.resolution.persons:,} persons")
            if self.resolution.too_common:
                lines.append(
                    f"{self.resolution.too_common} e-mail addresses or phone numbers stand under too many records to join any"
                )
        return "\n".join(lines)


def ingest(
    settings: Settings,
    source: str | None = None,
    dry_run: bool = False,
    replay: Sequence[Path] = (),
    report: Callable[[Load], None] | None = None,
    expect: Callable[[int, int], None] | None = None,
    reach: Callable[[Load, float], None] | None = None,
) -> IngestSummary:
    """Loads what waits in the inbox, oldest first, or the files of `replay` again, of a folder those not loaded yet.

    `expect` is told once how many files and bytes there are, `report` is called after each file, `reach` now and then while a
    large one loads, with the share of the work that is done. Loaded files move to the archive, refused ones to the quarantine
    with their reason beside them. A dry run changes nothing.
    """
    mappings = load_mappings(settings)
    tell = report or (lambda _: None)
    for folder in (settings.inbox, settings.archive, settings.quarantine):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    loads: list[Load] = []
    if source and source not in {mapping.source for mapping in mappings.values()}:
        known = {mapping.source for mapping in mappings.values()}
        raise ConfigurationError(f"no mapping has `source: {source}`{nearest(source, known)}; see `omnikpi sources`")
    locked: list[str] = []
    files, unfinished = (_named(settings, replay), []) if replay else _arrived(settings.inbox, source, locked)
    failpoints.reach("inbox listed")
    if expect:
        expect(len(files), sum(path.lstat().st_size for path in files if path.exists()))
    for path in unfinished:
        tell(_waiting(settings, path))
    if dry_run:
        for path in files:
            loads.append(checking.check_file(settings, path).load)
            tell(loads[-1])
        return IngestSummary(tuple(loads), tuple(ledger.readable(path.name) for path in unfinished), locked=tuple(locked))

    key = vault.hash_key(settings)
    with (
        loading.scratch(settings) as folder,
        loading.connect(settings.warehouse, folder, key, settings.loading_memory) as warehouse,
        vault.connect(settings.vault, folder, key) as safe,
    ):
        vault.forget_unrecorded(safe, ledger.next_file_id(warehouse) - 1)
        for batch in _batches(_present(settings, mappings, files, locked)):
            for load in _take(settings, warehouse, safe, batch, folder, reach):
                loads.append(load)
                tell(load)
        resolution = None if vault.is_resolved(warehouse) else vault.resolve(warehouse)
    return IngestSummary(tuple(loads), tuple(ledger.readable(path.name) for path in unfinished), resolution, tuple(locked))


def _arrived(inbox: Path, source: str | None, locked: list[str]) -> tuple[list[Path], list[Path]]:
    """Complete files, oldest first, and those still being written; `locked` gets the folders that cannot be read."""
    folders = [inbox / source] if source else [path for path in inbox.iterdir() if path.is_dir()]
    found = [] if source else [path for path in inbox.iterdir() if path.is_file() or path.is_symlink()]
    found += [path for folder in folders for path in _below(folder, locked)]
    found = [path for path in found if not path.name.startswith(IGNORED) and path.suffix not in UNFINISHED]
    stats = {}
    for path in found:
        with suppress(FileNotFoundError):  # its sender took it away, or renamed it
            stats[path] = path.lstat()
    found = list(stats)
    now = time.time()
    fresh = [path for path in found if now - stats[path].st_mtime < FRESH_SECONDS]
    if fresh:
        time.sleep(0.2)
        found = [path for path in found if os.path.lexists(path)]
    growing = {path for path in set(fresh) & set(found) if not reading.is_still(path, stats[path])}
    unfinished = [path for path in found if path in growing or (path.is_file() and reading.is_being_written(path))]
    complete = [path for path in found if path not in set(unfinished)]
    return sorted(complete, key=lambda path: (stats[path].st_mtime_ns, path.name)), unfinished


def _below(folder: Path, locked: list[str]) -> Iterator[Path]:
    """The files of a folder and of those within it, and links to folders, which are not followed."""

    def told(error: OSError) -> None:
        if isinstance(error, PermissionError):
            locked.append(error.filename)

    for here, folders, files in os.walk(folder, onerror=told):
        folders[:] = [name for name in folders if not name.startswith(IGNORED)]
        for path in (Path(here) / name for name in (*folders, *files)):
            try:
                if path.is_file() or path.is_symlink():
                    yield path
            except PermissionError:
                told(PermissionError(0, "", here))
                break


def _named(settings: Settings, paths: Iterable[Path]) -> list[Path]:
    """The files named, and of folders those below that are not loaded, in the order they came in at first."""
    given = [path.absolute() for path in paths if not ledger.is_reason(path)]
    found = {path: None for path in given if not path.is_dir()}
    if len(found) < len(given):
        known = {_place(settings, load) for load in ledger.archived(settings)}
        below = (path for folder in given if folder.is_dir() for path in folder.rglob("*") if path.is_file())
        ours = [path for path in below if path not in known and path.suffix not in UNFINISHED and not ledger.is_reason(path)]
        found |= dict.fromkeys(
            sorted(ours, key=lambda path: (naming.number(settings, path), path.lstat().st_mtime_ns, path.name))
        )
    return list(found)


def _waiting(settings: Settings, path: Path) -> Load:
    """What can be said of a file that is still being written; it is entered nowhere."""
    stat, now = path.lstat(), datetime.now(UTC).replace(tzinfo=None)
    delivered = datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None)
    name = ledger.readable(path.name)
    return Load(0, naming.source_of(settings, path) or "inbox", None, name, "", stat.st_size, "waiting", delivered, now)


def _present(settings: Settings, mappings: dict[str, Mapping], files: Iterable[Path], locked: list[str]) -> Iterator[Delivery]:
    """The files that are still there and may be read; `locked` gets those that may not."""
    for path in files:
        try:
            delivery = _recognised(settings, mappings, path)
        except FileNotFoundError:  # its sender took it away, or renamed it
            continue
        except PermissionError:
            locked.append(str(path))
            continue
        yield delivery


def _recognised(settings: Settings, mappings: dict[str, Mapping], path: Path) -> Delivery:
    """A file with its mapping, or with why it is refused."""
    name, source, stat = naming.original_name(settings, path), naming.source_of(settings, path), path.lstat()
    if path.is_symlink() or ".." in name:
        reason = "links, and names with `..`, are not taken; put the file itself in the inbox"
        return Delivery(path, name, source or "inbox", "", stat, verdict="refused", reason=reason)
    sha256 = reading.sha256(path)
    corrects = _CORRECTED.fullmatch(path.parent.name) if path.is_relative_to(settings.quarantine) else None
    try:
        naming.proven_name(path)
        mapping = naming.find_mapping(mappings, name, source)
    except DataRefused as refusal:
        return Delivery(path, name, source or "inbox", sha256, stat, verdict="refused", reason=str(refusal))
    reason = f"corrects file {int(corrects[1])}" if corrects else None
    return Delivery(path, name, mapping.source, sha256, stat, mapping, reason=reason)


def _batches(deliveries: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    """Files to be loaded together, in their order: not too many or too large ones, none with the same content as another."""
    batch: list[Delivery] = []
    size, hashes = 0, set()
    for delivery in deliveries:
        size += delivery.stat.st_size
        if batch and (len(batch) == MOST_FILES or size > MOST_BYTES or delivery.sha256 in hashes):
            yield batch
            batch, size, hashes = [], delivery.stat.st_size, set()
        batch.append(delivery)
        hashes.add(delivery.sha256)
    if batch:
        yield batch


def _take(
    settings: Settings,
    warehouse: duckdb.DuckDBPyConnection,
    safe: duckdb.DuckDBPyConnection,
    batch: Sequence[Delivery],
    folder: Path,
    reach: Callable[[Load, float], None] | None,
) -> Iterator[Load]:
    """Loads files and moves each to where it belongs."""
    known = ledger.entries(warehouse, {delivery.sha256 for delivery in batch})
    batch = [_seen(settings, delivery, known.get(delivery.sha256, ())) for delivery in batch]
    with _followed(batch, reach):
        loads = loading.load_files(warehouse, safe, batch, folder)
    for delivery, load in zip(batch, loads, strict=True):
        if load.verdict == "refused":
            failpoints.reach("refusal recorded")
            _quarantine(settings, delivery.path, load)
        elif delivery.number or not delivery.path.is_relative_to(settings.archive):
            _archive(settings, delivery.path, delivery.entered or load)
        yield load


def _followed(batch: Sequence[Delivery], reach: Callable[[Load, float], None] | None) -> AbstractContextManager[None]:
    """Tells how far a large file has come while it is loaded alone."""
    if reach is None or len(batch) > 1 or batch[0].stat.st_size < FOLLOWED_BYTES:
        return nullcontext()
    load = replace(batch[0].load(), verdict="loading")
    return progress.told(lambda share, records: reach(replace(load, rows_in=records), share))


def _seen(settings: Settings, delivery: Delivery, known: Sequence[Load]) -> Delivery:
    """The delivery with what the ledger knows of its content: a duplicate where that was loaded from its source before."""
    loads = [load for load in known if delivery.mapping and load.source == delivery.source and load.is_loaded]
    if delivery.path in (_place(settings, load) for load in loads):
        # What the archive gives back is loaded again: its mapping has changed.
        return replace(delivery, entries=known)
    # From the archive of a ledger that is lost, a file takes its number along.
    delivery = replace(delivery, entries=known, number=naming.number(settings, delivery.path))
    if not loads:
        return delivery
    # Where it is not in the archive, the process ended between that load and its move: this is the very file.
    is_archived = any(_place(settings, load).exists() for load in loads)
    reason = f"the same content was loaded before, as file {loads[-1].file_id}"
    entered = None if is_archived else loads[-1]
    return replace(delivery, verdict="duplicate", reason=reason, entered=entered)


def _place(settings: Settings, load: Load) -> Path:
    """Where in the archive the file of a load is kept."""
    return settings.archive / load.source / str(load.delivered_at.year) / f"{load.file_id:06d}_{load.file_name}"


def _archive(settings: Settings, path: Path, load: Load) -> None:
    target = _place(settings, load)
    if path.is_relative_to(settings.archive) and target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _move(path, target)
    path.with_name(path.name + REASON_SUFFIX).unlink(missing_ok=True)
    if path.parent.parent.parent == settings.quarantine:  # a folder of corrected rejects
        with suppress(OSError):
            path.parent.rmdir()


def _quarantine(settings: Settings, path: Path, load: Load) -> None:
    if path.is_relative_to(settings.archive):
        return
    target = path if path.is_relative_to(settings.quarantine) else settings.quarantine / load.source / load.file_name
    if target != path and target.is_file() and reading.sha256(target) != load.sha256:
        target = target.parent / f"{load.file_id:06d}" / load.file_name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = shlex.quote(str(target))
    advice = f"What would load: omnikpi check {written}\nOnce the cause is mended: omnikpi replay {written}\n"
    # Before the file itself, which is what a next run would look for.
    target.with_name(target.name + REASON_SUFFIX).write_text(f"{load.reason}\n{advice}", encoding="utf-8")
    if target != path:
        _move(path, target)


def prune_archive(settings: Settings) -> None:
    """Removes archived files, and their rejected rows from the vault, `keep_archive_days` after they were loaded."""
    if settings.keep_archive_days is None or not settings.warehouse.exists():
        return
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=settings.keep_archive_days)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        loads = connection.execute("select file_id from ledger.files where loaded_at < ?", [before]).fetchall()
    expired = {file_id for (file_id,) in loads}
    for path in settings.archive.glob("*/*/*"):
        if naming.number(settings, path) in expired:
            path.unlink()
    vault.forget_lines(settings.vault, expired)


def _move(path: Path, target: Path) -> None:
    """Moves a file, closed to others; wherever the process ends, it is whole in one of the two places."""
    if not path.is_symlink():
        with suppress(PermissionError):  # it may belong to who delivered it; the folder is closed in any case
            path.chmod(0o600)
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(target.name + ".part")
        shutil.move(shutil.copy2(path, beside, follow_symlinks=False), target)
        path.unlink()
