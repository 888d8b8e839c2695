"""`omnikpi doctor`: whether this installation can do its work, and what to mend where it cannot."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import duckdb

from ingest import ConfigurationError, DataRefused, exit_code
from ingest.build import PROJECT
from ingest.ledger import opened
from ingest.lock import LockHeld
from ingest.mappings import load_mappings
from ingest.publish import LATE_AFTER_INTERVALS
from settings import Settings

LEAST_FREE_BYTES = 2 * 1024**3
CLOCK_TOLERANCE = timedelta(minutes=5)
SHOWN_VERSIONS = ("omnikpi", "duckdb", "polars", "dbt-core", "dbt-duckdb", "metricflow", "streamlit")


@dataclass(frozen=True)
class Finding:
    """One check's outcome; `message` says what is there, or what is wrong and what to do. `exit_code` is that of the fault."""

    subject: str
    ok: bool
    message: str
    exit_code: int = 0


def diagnose(settings: Settings) -> list[Finding]:
    """Every check, in the order a person would mend them; a check that itself fails is a fault with its error."""
    return [_try(subject, check, settings) for subject, check in _CHECKS.items()]


def _try(subject: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(subject, True, check(settings))
    except LockHeld:
        return Finding(subject, True, "not looked at: a run is at work; ask again once it has ended")
    except Exception as error:
        return Finding(subject, False, str(error), exit_code(error) or ConfigurationError.exit_code)


def _versions(_: Settings) -> str:
    return f"Python {sys.version.split()[0]}, " + ", ".join(f"{name} {version(name)}" for name in SHOWN_VERSIONS)


def _folder(settings: Settings) -> str:
    existing = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"{existing} cannot be written; give this user the right, or set OMNIKPI_DATA_DIR")
    return f"{settings.data_dir} can be written"


def _disk(settings: Settings) -> str:
    existing = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_FREE_BYTES:
        raise OSError(f"only {free / 1024**3:.1f} GiB free on the disk of {existing}; free some, or remove old builds")
    return f"{free / 1024**3:.0f} GiB free"


def _rights(settings: Settings) -> str:
    closed = (settings.vault, settings.data_dir / ".hash_key", settings.archive, settings.quarantine)
    there = [path for path in closed if path.exists()]
    if open_ := [str(path) for path in there if path.stat().st_mode & 0o077]:
        raise PermissionError(f"others may read personal data: chmod go-rwx {' '.join(open_)}")
    if not settings.inbox.exists():
        return "no inbox yet; `omnikpi run` makes it"
    locked = [path for path in (settings.inbox, *settings.inbox.iterdir()) if path.is_dir() and not os.access(path, os.W_OK)]
    if locked:
        raise PermissionError(
            f"files cannot be moved out of {', '.join(map(str, locked))}; give this user the right to write there"
        )
    if closed_to_us := [str(path) for path in settings.inbox.glob("*/*") if path.is_file() and not os.access(path, os.R_OK)]:
        raise PermissionError(f"{', '.join(closed_to_us)} cannot be read; give this user the right")
    return "personal data is closed to others; the inbox can be read and emptied"


def _clock(settings: Settings) -> str:
    now = datetime.now(UTC)
    record = settings.data_dir / "last_run.json"
    if record.exists():
        last = datetime.fromisoformat(json.loads(record.read_text())["at"])
        if last > now + CLOCK_TOLERANCE:
            raise ConfigurationError(
                f"the clock says {now:%Y-%m-%d %H:%M} UTC, before the last run ({last:%Y-%m-%d %H:%M}); set it"
            )
    early = [path for path in settings.inbox.rglob("*") if path.stat().st_mtime > (now + CLOCK_TOLERANCE).timestamp()]
    if early:
        raise ConfigurationError(f"{early[0]} is dated in the future; set the clock of this machine or of the one that sends it")
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _ledger(settings: Settings) -> str:
    if not settings.warehouse.exists():
        return "nothing loaded yet"
    with opened(settings) as connection:
        unbalanced = connection.execute(
            "select file_id from ledger.files where rows_in <> rows_loaded + rows_rejected order by file_id"
        ).fetchall()
        told = dict(connection.execute("select entity, sum(rows_loaded) from ledger.file_entities group by entity").fetchall())
        held = {name: connection.execute(f'select count(*) from raw."{name}"').fetchall()[0][0] for name in told}
        rows = connection.execute("select sum(rows_in)::bigint from ledger.files").fetchall()[0][0]
    wrong = [f"file {file_id}" for (file_id,) in unbalanced] + [name for name in told if told[name] != held[name]]
    if wrong:
        raise DataRefused(
            f"it does not balance for {', '.join(wrong)}: restore the warehouse, or load the archive into a new one"
        )
    return f"{rows or 0:,} rows received, each loaded or rejected; every loaded row is there"


def _freshness(settings: Settings) -> str:
    rhythms = {mapping.name: mapping.every for mapping in load_mappings(settings).values() if mapping.every}
    if not rhythms:
        return "no mapping declares how often its file comes; `every: 1d` has it watched"
    last: dict[str, datetime] = {}
    if settings.warehouse.exists():
        with opened(settings) as connection:
            newest = "select mapping, max(delivered_at) from ledger.files where verdict like 'loaded%' group by mapping"
            last = dict(connection.execute(newest).fetchall())
    now = datetime.now(UTC).replace(tzinfo=None)
    late = [
        f"{name} (every {every / timedelta(days=1):g} days, last {f'{last[name]:%Y-%m-%d %H:%M}' if name in last else 'never'})"
        for name, every in rhythms.items()
        if name not in last or now - last[name] > LATE_AFTER_INTERVALS * every
    ]
    if late:
        raise DataRefused(f"overdue: {', '.join(late)}; look into the inbox and the quarantine, then ask who sends it")
    return f"{len(rhythms)} feeds come as often as declared"


def _last_run(settings: Settings) -> str:
    record = settings.data_dir / "last_run.json"
    if not record.exists():
        return "none yet; call `omnikpi run`"
    told = json.loads(record.read_text())
    if told["status"] != "ok":
        raise DataRefused(f"it failed at {told['at']} ({told['step']}): {told['message']}")
    return f"ended well at {told['at']}"


def _timezone(settings: Settings) -> str:
    ZoneInfo(settings.timezone)
    return f"{settings.timezone}, {settings.currency}, {settings.locale}"


def _models(_: Settings) -> str:
    if not (PROJECT / "dbt_project.yml").exists():
        raise FileNotFoundError(f"{PROJECT} holds no dbt project; install omnikpi from a checkout")
    return f"{PROJECT}"


def _mappings(settings: Settings) -> str:
    return f"{len(load_mappings(settings))} mappings are valid"


def _warehouse(settings: Settings) -> str:
    if not settings.warehouse.exists():
        return "not made yet; `omnikpi run` makes it"
    with opened(settings) as connection:
        files = connection.execute("select count(*) from ledger.files").fetchall()[0][0]
    return f"opens; {files} loads on record"


def _current(settings: Settings) -> str:
    if not settings.current.exists():
        return "none yet; `omnikpi run` publishes the first"
    folder = settings.builds / settings.current.read_text().strip()
    info = json.loads((folder / "build.json").read_text())
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as build:
        if not info["data_to"]:
            return f"{info['build_id']}, no data yet"
        data_to, newest = date.fromisoformat(info["data_to"]), _newest(settings)
        if newest and data_to > newest + timedelta(days=1):
            dated = f"from marts.marts.orders where order_date > date '{newest + timedelta(days=1)}'"
            found = build.execute(
                f"select source_system || ' ' || order_number {dated} order by order_date desc limit 3"
            ).fetchall()
            names = ", ".join(name for (name,) in found) or "see the visits"
            raise DataRefused(f"it reaches to {data_to}, after the last file came ({newest}): {names}; have the date corrected")
    return f"{info['build_id']}, data to {info['data_to']}"


def _newest(settings: Settings) -> date | None:
    """The day the last file came, or was loaded."""
    if not settings.warehouse.exists():
        return None
    with opened(settings) as connection:
        last = connection.execute("select max(greatest(delivered_at, loaded_at)) from ledger.files").fetchall()[0][0]
    return last.date() if last else None


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "versions": _versions,
    "data folder": _folder,
    "rights": _rights,
    "disk": _disk,
    "clock": _clock,
    "settings": _timezone,
    "models": _models,
    "mappings": _mappings,
    "warehouse": _warehouse,
    "ledger": _ledger,
    "freshness": _freshness,
    "last run": _last_run,
    "current build": _current,
}
