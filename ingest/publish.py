"""Copy the marts of a finished dbt build into a new, versioned, read-only build and make it the current one."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ingest import failpoints
from ingest.build import PROJECT, BuildResult, project_checksum
from ingest.condense import condense
from ingest.mappings import load_mappings
from settings import Settings

# What readers see of the ledger, beside the marts; rejects are already masked.
LEDGER_TABLES = ("files", "file_entities", "rejects")
# A day's delivery is missing once this many of a feed's usual intervals have passed without one.
LATE_AFTER_INTERVALS = 2


class PublishFailed(Exception):
    """The copy did not equal the warehouse; nothing was published."""

    exit_code = 74


def publish(settings: Settings, result: BuildResult) -> str:
    """Publish the warehouse's marts; returns the new build's id, which is `CURRENT` from then on.

    Readers see the old build until the last step and the whole new one after it. Raises `PublishFailed` when a copied
    table differs from its original in rows or checksum; the last good build then stays.
    """
    clear(settings)
    created_at = datetime.now(UTC)
    build_id = _new_id(created_at)
    unfinished = settings.builds / f".unfinished-{build_id}"
    unfinished.mkdir(parents=True)
    try:
        _write(settings, result, unfinished, build_id, created_at)
    except Exception:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    failpoints.reach("build copied")
    unfinished.rename(settings.builds / build_id)
    _sync(settings.builds)
    failpoints.reach("build named")
    write_atomically(settings.current, build_id + "\n")
    failpoints.reach("build current")
    _prune(settings)
    return build_id


def clear(settings: Settings) -> None:
    """Removes what a run that was killed left unfinished: on a full disk nothing else could be written."""
    for leftover in settings.builds.glob(".unfinished-*"):
        shutil.rmtree(leftover)


def _write(settings: Settings, result: BuildResult, unfinished: Path, build_id: str, created_at: datetime) -> None:
    """Write every file of a build, and force it to the disk."""
    manifest = json.loads((result.target / "manifest.json").read_text())
    semantic_manifest = json.loads((result.target / "semantic_manifest.json").read_text())
    marts, facts, condensed = _copy_marts(settings, unfinished / "marts.duckdb", semantic_manifest, manifest)
    shutil.copyfile(result.target / "semantic_manifest.json", unfinished / "semantic_manifest.json")
    (unfinished / "condensed_manifest.json").write_text(json.dumps(condensed))
    info = {
        "build_id": build_id,
        "created_at": created_at.isoformat(timespec="seconds"),
        "version": version("omnikpi"),
        "currency": settings.currency,
        "timezone": settings.timezone,
        "project": project_checksum(),
        "vars": _project_vars(manifest),
        "marts": marts,
        "tests": [asdict(node) for node in result.tests],
        "seconds": round(sum(node.seconds for node in result.nodes), 3),
        "lineage": _lineage(manifest),
        **facts,
    }
    (unfinished / "build.json").write_text(json.dumps(info, indent=1, default=str))
    for path in unfinished.iterdir():
        _sync(path)
    _sync(unfinished)


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file so that a reader, or a crash, sees the old text or the new one and nothing between."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def _new_id(created_at: datetime) -> str:
    """A name that sorts by time and was never used, to the microsecond: DuckDB caches open databases by path."""
    return created_at.strftime("%Y%m%dT%H%M%S-%f")


def _copy_marts(
    settings: Settings, copy: Path, semantic_manifest: dict[str, Any], manifest: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Copy every mart, sorted by the day it is counted on if there is one, and the ledger; condense those that ask for it.

    Returns each mart's rows and checksum, the facts of the build's inputs, and the manifest over the condensed marts.
    """
    days = _days_of_marts(semantic_manifest)
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{settings.memory}'")
        connection.execute(f"set temp_directory = {_literal(settings.data_dir / '.spilled')}")
        connection.execute(f"attach {_literal(settings.warehouse)} as source (read_only)")
        # The older storage version lets an analyst's 1.5 client open the build.
        connection.execute(f"attach {_literal(copy)} as build (storage_version 'v1.5.0')")
        connection.execute("create schema build.marts; create schema build.ledger")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'source' and schema_name = 'marts' order by 1"
        ).fetchall()
        originals = {}
        for (name,) in names:
            # In the order of its days, so that a question about a month reads a month.
            order = f'order by "{days[name]}"' if name in days else ""
            connection.execute(f'create table build.marts."{name}" as from source.marts."{name}" {order}')
            originals[name] = _fingerprint(connection, f'source.marts."{name}"')
        for name in LEDGER_TABLES:
            connection.execute(f'create table build.ledger."{name}" as from source.ledger."{name}"')
        declared = {mapping.name: mapping.every for mapping in load_mappings(settings).values()}
        rhythms = {name: every / timedelta(hours=1) for name, every in declared.items() if every}
        facts = _facts(connection, rhythms)
        condensed_by = {mart: tuple(columns) for mart, columns in _told(manifest, "condensed_by").items()}
        condensed = condense(connection, "build", semantic_manifest, condensed_by, _told(manifest, "numbered"))
        connection.execute("checkpoint build; detach build")
    if copy.with_name(copy.name + ".wal").exists():
        raise PublishFailed(f"{copy} was left with a write-ahead log: the disk may be full; free space and run again")
    with duckdb.connect() as connection:
        connection.execute(f"attach {_literal(copy)} as build (read_only)")
        copies = {name: _fingerprint(connection, f'build.marts."{name}"') for name in originals}
    wrong = sorted(name for name in originals if originals[name] != copies[name])
    if wrong:
        raise PublishFailed(f"the copy differs from the warehouse in {', '.join(wrong)}: check the disk and run again")
    return originals, facts, condensed


def _told(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """What the marts' own `config.meta` says under a name, by mart."""
    nodes = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return {node["alias"]: told for node in nodes if (told := node["config"]["meta"].get(name))}


def _days_of_marts(semantic_manifest: dict) -> dict[str, str]:
    """For every mart with metrics over time, the column of the day they are counted on."""
    found = {}
    for model in semantic_manifest["semantic_models"]:
        day = (model.get("defaults") or {}).get("agg_time_dimension")
        column = next((one.get("expr") or one["name"] for one in model["dimensions"] if one["name"] == day), None)
        if column:
            found[model["node_relation"]["alias"]] = column
    return found


def _fingerprint(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Row count and a checksum that does not depend on the order of rows."""
    rows, checksum = connection.execute(f"select count(*), coalesce(sum(hash(t)), 0)::varchar from {table} as t").fetchall()[0]
    return {"rows": rows, "checksum": checksum}


def _facts(connection: duckdb.DuckDBPyConnection, rhythms: Mapping[str, float]) -> dict[str, Any]:
    """What went into the build: the data's span, rows by entity, the load high-water mark; writes `ledger.feeds`."""
    names = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'source' and schema_name = 'raw' order by 1"
    ).fetchall()
    entities = {name: connection.execute(f'select count(*) from source.raw."{name}"').fetchall()[0][0] for (name,) in names}
    first_day, last_day = connection.execute("select first_day, last_day from source.intermediate.int_data_span").fetchall()[0]
    high_water = connection.execute("select coalesce(max(file_id), 0) from source.ledger.files").fetchall()[0][0]
    connection.execute(
        """
        create table build.ledger.feeds as
        with loads as (
            select source, mapping, file_name, delivered_at, loaded_at, rows_loaded, rows_rejected,
                delivered_at - lag(delivered_at) over (partition by source, mapping order by delivered_at) as gap
            from source.ledger.files where verdict in ('loaded', 'loaded_with_rejects')
        ), feeds as (
            select source, mapping, count(*) as file_count, sum(rows_loaded) as rows_loaded, sum(rows_rejected) as rows_rejected,
                max(delivered_at) as last_delivered_at, max(loaded_at) as last_loaded_at,
                arg_max(file_name, delivered_at) as last_file_name,
                median(epoch(gap)) filter (where gap > interval 1 hour) / 3600 as usual_interval_hours
            from loads group by source, mapping
        )
        select feeds.*,
            epoch(max(last_delivered_at) over () - last_delivered_at) / 3600 as behind_hours,
            case
                when declared.hours is not null then behind_hours <= $late * declared.hours
                -- One delivery has no rhythm to be late against.
                else usual_interval_hours is null or behind_hours <= greatest($late * usual_interval_hours, 24)
            end as is_fresh
        from feeds left join (select unnest($mappings) as mapping, unnest($hours) as hours) as declared using (mapping)
        order by source, mapping
        """,
        {"late": LATE_AFTER_INTERVALS, "mappings": list(rhythms), "hours": list(rhythms.values())},
    )
    return {"data_from": first_day, "data_to": last_day, "high_water_mark": high_water, "entities": entities}


def _project_vars(manifest: dict) -> dict[str, Any]:
    """The parameters of `dbt_project.yml`, which the pages show beside the KPIs they shape."""
    declared = yaml.safe_load((PROJECT / "dbt_project.yml").read_text()).get("vars", {})
    return declared.get(manifest["metadata"]["project_name"], declared)


def _lineage(manifest: dict) -> dict[str, list[str]]:
    """For every model, the models, seeds and raw entities it reads directly; raw entities are written `raw.<entity>`."""

    def short(unique_id: str) -> str:
        parts = unique_id.split(".")
        return f"{parts[2]}.{parts[3]}" if parts[0] == "source" else parts[2]

    return {
        node["name"]: sorted(short(parent) for parent in node["depends_on"]["nodes"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


def _prune(settings: Settings) -> None:
    """Keep the newest builds; a reader that still holds an older file open keeps its data until it lets go."""
    builds = sorted(path for path in settings.builds.iterdir() if not path.name.startswith("."))
    for path in builds[: -settings.keep_builds]:
        shutil.rmtree(path)


def _sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _literal(path: Path) -> str:
    """A path as an SQL string: `attach` takes no parameters."""
    return "'" + str(path).replace("'", "''") + "'"
