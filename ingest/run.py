"""One whole run, inbox to published build: what a scheduler calls, safe to start at any time and to stop at any moment."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

import ingest.build as dbt
from ingest.inbox import IngestSummary, ingest
from ingest.ledger import Load
from ingest.publish import publish, write_atomically
from settings import Settings

Progress = Callable[[str], None]


class LockHeld(Exception):
    """Another run is at work on the same data folder."""

    exit_code = 75


@dataclass(frozen=True)
class RunSummary:
    """What one run did; `build_id` is None when nothing had changed since the current build."""

    ingested: IngestSummary
    build_id: str | None


@contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Hold the data folder for one writer; raises `LockHeld` at once when another has it. The system frees it on a crash."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise LockHeld(f"another run (process {holder}) holds {settings.data_dir}; wait for it to end") from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def run(settings: Settings, progress: Progress | None = None, on_file: Callable[[Load], None] = lambda load: None) -> RunSummary:
    """Load the inbox, build when anything changed, publish. A failed build leaves the last good one up and is written down.

    Raises `LockHeld`, `BuildFailed`, `PublishFailed` or what loading raises; call it again once the cause is mended.
    """
    with lock(settings):
        summary = ingest(settings, report=on_file)
        if not _stale(settings):
            _record(settings, status="ok", step="ingest")
            return RunSummary(summary, None)
        return RunSummary(summary, _build_and_publish(settings, full_refresh=False, progress=progress))


def build(settings: Settings, full_refresh: bool = False, progress: Progress | None = None) -> str:
    """Build and publish whatever is loaded; returns the new build's id."""
    with lock(settings):
        return _build_and_publish(settings, full_refresh, progress)


def current_info(settings: Settings) -> dict | None:
    """The `build.json` of the current build, or None before the first one."""
    if not settings.current.exists():
        return None
    return json.loads((settings.builds / settings.current.read_text().strip() / "build.json").read_text())


def _build_and_publish(settings: Settings, full_refresh: bool, progress: Progress | None) -> str:
    try:
        result = dbt.build(settings, full_refresh, progress, is_proven=_made_by(settings, current_info(settings)))
    except dbt.BuildFailed as error:
        _record(settings, status="failed", step="build", message=str(error))
        raise
    try:
        build_id = publish(settings, result)
    except Exception as error:
        _record(settings, status="failed", step="publish", message=str(error))
        raise
    _record(settings, status="ok", step="publish", build_id=build_id)
    return build_id


def _stale(settings: Settings) -> bool:
    """Whether the current build lacks loaded rows, or was made by other models or settings."""
    info = current_info(settings)
    if info is None or not _made_by(settings, info):
        return True
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        loaded = connection.execute("select coalesce(max(file_id), 0) from ledger.files").fetchall()[0][0]
    return info["high_water_mark"] != loaded


def _made_by(settings: Settings, info: dict | None) -> bool:
    """Whether a build was made by the models and settings in force."""
    asked = (dbt.project_checksum(), settings.currency, settings.timezone)
    return info is not None and (info["project"], info["currency"], info["timezone"]) == asked


def _record(settings: Settings, status: str, step: str, message: str = "", build_id: str | None = None) -> None:
    """Write `last_run.json`, which the pages read to say when a run failed."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"status": status, "at": at, "step": step, "message": message, "build_id": build_id}
    write_atomically(settings.data_dir / "last_run.json", json.dumps(facts, indent=1) + "\n")
