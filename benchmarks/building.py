"""`dbt build` of the demonstration retailer: in full, after one new day, and the same SQL run without dbt."""

import json
import shutil
import statistics
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.measure import OMNIKPI, process, python

PROJECT = Path(__file__).parents[1]
WRITE = "import sys; from pathlib import Path; import demo; demo.write(Path(sys.argv[1]), Path(sys.argv[2]), size=sys.argv[3])"
SETTINGS = {"timezone": "UTC", "preserve_insertion_order": "false", "memory_limit": "4GB"}
RAW = "import sys; from pathlib import Path; from benchmarks.building import raw_seconds; print(raw_seconds(Path(sys.argv[1])))"


def prepare(folder: Path, size: str) -> tuple[Path, Path]:
    """Write the retailer's exports and hold back the last day's; returns the data folder and the held-back one.

    In a process of its own, as all that is heavy here: a child's peak memory begins at its parent's.
    """
    data, held = folder / "data", folder / "held"
    python(WRITE, data / "inbox", folder / "truth", size, environment={"PYTHONPATH": str(PROJECT)})
    files = sorted((path for path in (data / "inbox").rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime)
    last_day = files[-1].stat().st_mtime // 86400
    for path in files:
        if path.stat().st_mtime // 86400 == last_day:
            place = held / path.relative_to(data / "inbox")
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
    return data, held


def release(data: Path, held: Path) -> None:
    """Deliver the last day's files."""
    for path in sorted(held.rglob("*")):
        if path.is_file():
            place = data / "inbox" / path.relative_to(held)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def model_seconds(data: Path) -> dict[str, float]:
    """Seconds dbt spent in each model of its last build."""
    results = json.loads((data / "target" / "run_results.json").read_text())["results"]
    return {
        result["unique_id"].split(".")[2]: result["execution_time"]
        for result in results
        if result["unique_id"].startswith("model.")
    }


def raw_seconds(data: Path) -> float:
    """Seconds the same SELECTs take in DuckDB alone, each into a table of its own, in dbt's order and with its settings."""
    manifest = json.loads((data / "target" / "manifest.json").read_text())["nodes"]
    order = json.loads((data / "target" / "run_results.json").read_text())["results"]
    total = 0.0
    with duckdb.connect(str(data / "warehouse.duckdb")) as connection:
        for setting, value in SETTINGS.items():
            connection.execute(f"set {setting} = '{value}'")
        connection.execute("set enable_progress_bar = false; create schema bench")
        for result in order:
            node = manifest.get(result["unique_id"], {})
            if node.get("resource_type") != "model" or node["config"]["materialized"] in ("ephemeral", "view"):
                continue
            if node.get("language") != "sql":
                continue
            begun = time.perf_counter()
            connection.execute(f'create table bench."{node["name"]}" as {node["compiled_code"]}')
            total += time.perf_counter() - begun
        connection.execute("drop schema bench cascade")
    return total


def main(folder: Path, size: str, rounds: int) -> Path:
    """Measure and print; returns the data folder with its published build."""
    data, held = prepare(folder, size)
    environment = {"OMNIKPI_DATA_DIR": str(data)}
    # The planted faults of the demonstration refuse a file, which is exit code 65; loading is measured elsewhere.
    ingest = ["sh", "-c", f"{OMNIKPI} ingest || test $? -eq 65"]
    loading = process(ingest, environment)
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        lines, files = connection.execute(
            "select (select count(*) from raw.order_lines), (select count(*) from ledger.files)"
        ).fetchall()[0]

    full, raw, peaks = [], [], []
    for _ in range(rounds):
        peaks.append(process([OMNIKPI, "build", "--full-refresh"], environment).peak_mib)
        full.append(sum(model_seconds(data).values()))
        raw.append(float(python(RAW, data, environment={"PYTHONPATH": str(PROJECT)}).output))
    release(data, held)
    process(ingest, environment)
    daily = process([OMNIKPI, "build"], environment)
    by_model = model_seconds(data)
    one_day = sum(by_model.values())

    whole, alone = statistics.median(full), statistics.median(raw)
    print(f"\nBuilding the {size} retailer: {lines:,} order lines\n" + "-" * 46)
    print(f"{'loading its exports':44}{loading.seconds:8.1f} s   {files} files; peak {loading.peak_mib:.0f} MiB")
    print(f"{'the same SQL run raw':44}{alone:8.1f} s   1.00")
    print(f"{'dbt full refresh, model time':44}{whole:8.1f} s   {whole / alone:.2f} x the raw SQL; peak {max(peaks):.0f} MiB")
    print(f"{'dbt after one new day, model time':44}{one_day:8.1f} s   {one_day / whole:.1%} of the full build; "
          f"peak {daily.peak_mib:.0f} MiB")  # fmt: skip
    for name, seconds in sorted(by_model.items(), key=lambda item: -item[1])[:8]:
        print(f"    {name:40}{seconds:8.2f} s of the new day")
    sys.stdout.flush()
    return data
