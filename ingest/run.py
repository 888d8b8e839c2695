"""One whole run, inbox to published build: what a scheduler calls, safe to start at any time and to stop at any moment."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

import ingest.build as dbt
from ingest import exit_code, failpoints, textfile
from ingest.entities import create_tables
from ingest.inbox import IngestSummary, ingest, prune_archive
from ingest.ledger import Load
from ingest.lock import LockHeld, lock
from ingest.publish import clear, publish, write_atomically
from settings import Settings

__all__ = ["LockHeld", "RunSummary", "build", "current_info", "lock", "run"]
Progress = Callable[[str], None]
HOOK_SECONDS = 60


@dataclass(frozen=True)
class RunSummary:
    """What one run did; `build_id` is None when nothing had changed since the current build."""

    ingested: IngestSummary
    build_id: str | None


def run(
    settings: Settings,
    progress: Progress | None = None,
    on_file: Callable[[Load], None] | None = None,
    expect: Callable[[int, int], None] | None = None,
    reach: Callable[[Load, float], None] | None = None,
) -> RunSummary:
    """Load the inbox, build when anything changed, publish. A failed run leaves the last good build up and is written down.

    Raises `LockHeld`, `BuildFailed`, `PublishFailed` or what loading raises; call it again once the cause is mended.
    """
    with lock(settings):
        failpoints.reach("run begun")
        begun = datetime.now(UTC)
        clear(settings)
        with _told(settings, "ingest", begun):
            summary = ingest(settings, report=on_file, expect=expect, reach=reach)
            is_stale = _stale(settings)
        build_id = _build_and_publish(settings, False, progress, begun) if is_stale else None
        prune_archive(settings)
        told = {
            "refused": [f"{load.source}/{load.file_name}: {load.reason}" for load in summary.refused],
            "waiting": list(summary.unfinished),
            "locked": list(summary.locked),
        }
        _record(settings, begun, "ok", "publish" if build_id else "ingest", summary.exit_code, build_id, told=told)
        return RunSummary(summary, build_id)


def build(settings: Settings, full_refresh: bool = False, progress: Progress | None = None) -> str:
    """Build and publish whatever is loaded; returns the new build's id."""
    with lock(settings):
        begun = datetime.now(UTC)
        build_id = _build_and_publish(settings, full_refresh, progress, begun)
        _record(settings, begun, "ok", "publish", 0, build_id)
        return build_id


def current_info(settings: Settings) -> dict | None:
    """The `build.json` of the current build, or None before the first one."""
    if not settings.current.exists():
        return None
    return json.loads((settings.builds / settings.current.read_text().strip() / "build.json").read_text())


def _build_and_publish(settings: Settings, full_refresh: bool, progress: Progress | None, begun: datetime) -> str:
    with _told(settings, "build", begun):
        with duckdb.connect(str(settings.warehouse)) as connection:
            # Models read entities that nothing was loaded of since they were declared, or at all.
            create_tables(connection)
        result = dbt.build(settings, full_refresh, progress, is_proven=_made_by(settings, current_info(settings)))
    with _told(settings, "publish", begun):
        return publish(settings, result)


@contextmanager
def _told(settings: Settings, step: str, begun: datetime) -> Iterator[None]:
    """Writes a failure of the step down before it goes on."""
    try:
        yield
    except Exception as error:
        with suppress(OSError):  # the disk may be what failed
            _record(settings, begun, "failed", step, exit_code(error) or 1, message=str(error))
        raise


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


def _record(
    settings: Settings,
    begun: datetime,
    status: str,
    step: str,
    code: int,
    build_id: str | None = None,
    message: str = "",
    told: dict[str, list[str]] | None = None,
) -> None:
    """Write how a run ended for the pages (`last_run.json`), for Prometheus, and for the hook where it is no success."""
    ended = datetime.now(UTC)
    facts = {
        "status": status,
        "at": ended.isoformat(timespec="seconds"),
        "step": step,
        "message": message,
        "build_id": build_id,
        "exit_code": code,
        "seconds": round((ended - begun).total_seconds(), 3),
        **(told or {}),
    }
    if code and settings.on_failure:
        _call(settings.on_failure, facts | {"data_dir": str(settings.data_dir)})
    write_atomically(settings.data_dir / "last_run.json", json.dumps(facts, indent=1) + "\n")
    textfile.write(settings, facts)


def _call(hook: str, facts: dict[str, Any]) -> None:
    """Runs the operator's command; whatever becomes of it, the run ends as it would have."""
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(hook, shell=True, input=json.dumps(facts), text=True, timeout=HOOK_SECONDS, check=False)  # noqa: S602
