"""`omnikpi doctor`: whether this installation can do its work, and what to mend where it cannot."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from zoneinfo import ZoneInfo

import duckdb

from ingest.build import PROJECT
from ingest.mappings import load_mappings
from settings import Settings

LEAST_FREE_BYTES = 2 * 1024**3
SHOWN_VERSIONS = ("omnikpi", "duckdb", "polars", "dbt-core", "dbt-duckdb", "metricflow", "streamlit")


@dataclass(frozen=True)
class Finding:
    """One check's outcome; `message` says what is there, or what is wrong and what to do."""

    subject: str
    ok: bool
    message: str


def diagnose(settings: Settings) -> list[Finding]:
    """Every check, in the order a person would mend them; a check that itself fails is a fault with its error."""
    return [_try(subject, check, settings) for subject, check in _CHECKS.items()]


def _try(subject: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(subject, True, check(settings))
    except Exception as error:
        return Finding(subject, False, str(error))


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
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        files = connection.execute("select count(*) from ledger.files").fetchall()[0][0]
    return f"opens; {files} loads on record"


def _current(settings: Settings) -> str:
    if not settings.current.exists():
        return "none yet; `omnikpi run` publishes the first"
    folder = settings.builds / settings.current.read_text().strip()
    info = json.loads((folder / "build.json").read_text())
    duckdb.connect(str(folder / "marts.duckdb"), read_only=True).close()
    return f"{info['build_id']}, data to {info['data_to']}"


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "versions": _versions,
    "data folder": _folder,
    "disk": _disk,
    "settings": _timezone,
    "models": _models,
    "mappings": _mappings,
    "warehouse": _warehouse,
    "current build": _current,
}
