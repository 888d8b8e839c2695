"""What a monitoring system asks of an installation, in the text format of Prometheus (node_exporter's textfile collector)."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import duckdb

from ingest.ledger import status
from ingest.lock import LockHeld
from ingest.publish import write_atomically
from settings import Settings

FEEDS = """
select source, mapping, epoch(max(delivered_at)) from ledger.files where verdict like 'loaded%' group by all order by all
"""
FILES = "select source, verdict, count(*) from ledger.files group by all order by all"
ROWS = """
select source, outcome, rows from (
    unpivot (
        select source, sum(rows_loaded) as loaded, sum(rows_rejected) as rejected, sum(rows_skipped) as skipped
        from ledger.files group by source
    ) on loaded, rejected, skipped into name outcome value rows
) order by all
"""
Sample = tuple[dict[str, str], float]
# What a metric is, and its samples as (labels, value).
Family = tuple[str, list[Sample]]


def write(settings: Settings, last_run: dict[str, Any]) -> None:
    """Replaces the file atomically: a collector sees the run before or this one, whole.

    Where the ledger cannot be read, which may be what the run failed of, its families are left out.
    """
    families = _of_the_run(settings, last_run)
    with suppress(LockHeld, duckdb.Error):
        families |= _of_the_ledger(settings)
    lines = [line for name, (text, samples) in families.items() for line in _lines(name, text, samples)]
    path = settings.prometheus_file or settings.data_dir / "omnikpi.prom"
    write_atomically(path, "\n".join(lines) + "\n")


def _of_the_run(settings: Settings, last_run: dict[str, Any]) -> dict[str, Family]:
    ended = datetime.fromisoformat(last_run["at"]).timestamp()
    families: dict[str, Family] = {
        "last_run_timestamp_seconds": ("When the last run ended.", [({}, ended)]),
        "last_run_exit_code": ("Exit code of the last run; 0 is good.", [({}, last_run["exit_code"])]),
        "last_run_duration_seconds": ("How long the last run took.", [({}, last_run["seconds"])]),
        "disk_free_bytes": ("Free space where the data is.", [({}, shutil.disk_usage(settings.data_dir).free)]),
    }
    if settings.current.exists():
        built = json.loads((settings.builds / settings.current.read_text().strip() / "build.json").read_text())["created_at"]
        families["build_timestamp_seconds"] = (
            "When the current build was published.",
            [({}, datetime.fromisoformat(built).astimezone(UTC).timestamp())],
        )
    return families


def _of_the_ledger(settings: Settings) -> dict[str, Family]:
    sources = status(settings).sources
    families: dict[str, Family] = {
        "waiting_files": ("Files in the inbox.", [({"source": one.source}, len(one.waiting)) for one in sources]),
        "quarantined_files": ("Files set aside.", [({"source": one.source}, len(one.quarantined)) for one in sources]),
    }
    if settings.warehouse.exists():
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            files, rows, feeds = (connection.execute(sql).fetchall() for sql in (FILES, ROWS, FEEDS))
        families |= {
            "files": ("Files by verdict.", [({"source": source, "verdict": name}, count) for source, name, count in files]),
            "rows": ("Rows by outcome.", [({"source": source, "outcome": name}, count) for source, name, count in rows]),
            "feed_last_delivery_timestamp_seconds": (
                "When a feed's newest loaded file was written.",
                [({"source": source, "mapping": mapping}, at) for source, mapping, at in feeds],
            ),
        }
    return families


def _lines(name: str, text: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP omnikpi_{name} {text}"
    yield f"# TYPE omnikpi_{name} gauge"
    for labels, value in samples:
        written = ",".join(f'{label}="{_escaped(content)}"' for label, content in labels.items())
        yield f"omnikpi_{name}{{{written}}} {float(value)!r}" if written else f"omnikpi_{name} {float(value)!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
