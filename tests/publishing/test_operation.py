"""What a run tells those who watch it: the pages, Prometheus, a hook, and `omnikpi doctor`."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import ingest.run
from ingest import diagnosis
from ingest.build import BuildFailed
from ingest.ledger import status
from ingest.lock import LockHeld
from ingest.run import run
from settings import Settings

ROOT = Path(__file__).parent.parent.parent
HEADER = "id,email,name\n"
AT_WORK = """
import sys, duckdb
from ingest.lock import lock
from settings import load_settings
with lock(load_settings()), duckdb.connect(str(load_settings().warehouse)):
    print("at work", flush=True)
    sys.stdin.read()
"""
MAPPING = (
    "source: shop\nfiles: customers*.csv\nevery: 1d\nentities:\n  customers: {customer_ref: id, email: email}\nignore: name\n"
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with one mapping, whose builds fail as soon as they begin."""
    monkeypatch.setattr("ingest.mappings.SHIPPED", tmp_path / "nothing shipped")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "shop.yml").write_text(MAPPING)

    def fail(*_: object, **__: object) -> None:
        raise BuildFailed('test "orders" failed', exit_code=65)

    monkeypatch.setattr(ingest.run.dbt, "build", fail)
    hook = f"cat > {tmp_path}/heard.json"
    return Settings(data_dir=tmp_path / "data", sources=tmp_path / "sources", on_failure=hook, _env_file=None)  # pyright: ignore


def deliver(settings: Settings, name: str, content: str, age: timedelta = timedelta(hours=1)) -> Path:
    path = settings.inbox / "shop" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    moment = (datetime.now(UTC) - age).timestamp()
    os.utime(path, (moment, moment))
    return path


def findings(settings: Settings) -> dict[str, diagnosis.Finding]:
    return {finding.subject: finding for finding in diagnosis.diagnose(settings)}


def test_a_failed_run_calls_the_hook_with_what_happened(settings: Settings, tmp_path: Path) -> None:
    deliver(settings, "customers.csv", HEADER + "1,a@b.fr,A\n")
    with pytest.raises(BuildFailed):
        run(settings)
    heard = json.loads((tmp_path / "heard.json").read_text())
    assert (heard["status"], heard["step"], heard["exit_code"]) == ("failed", "build", 65)
    assert 'test "orders" failed' in heard["message"]
    assert heard["data_dir"] == str(settings.data_dir)


def test_a_refused_file_calls_the_hook_though_the_run_ended_well(settings: Settings, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ingest.run, "_stale", lambda _: False)
    deliver(settings, "customers.csv", "nonsense\n")
    run(settings)
    heard = json.loads((tmp_path / "heard.json").read_text())
    assert (heard["status"], heard["exit_code"]) == ("ok", 65)
    assert "shop/customers.csv: line 1 has none of the columns" in heard["refused"][0]


def test_a_hook_that_fails_changes_nothing(settings: Settings) -> None:
    deliver(settings, "customers.csv", HEADER)
    with pytest.raises(BuildFailed):
        run(settings.model_copy(update={"on_failure": "exit 3"}))


def test_a_failure_of_loading_is_written_down(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(settings, "customers.csv", HEADER)

    def fail(*_: object) -> None:
        raise duckdb.IOException("no space left")

    monkeypatch.setattr("ingest.ledger.record", fail)
    with pytest.raises(duckdb.IOException):
        run(settings)
    told = json.loads((settings.data_dir / "last_run.json").read_text())
    assert (told["status"], told["step"], told["exit_code"]) == ("failed", "ingest", 74)


def test_a_damaged_warehouse_is_reported_as_such(settings: Settings) -> None:
    deliver(settings, "customers.csv", HEADER)
    with pytest.raises(BuildFailed):
        run(settings)
    settings.warehouse.write_bytes(settings.warehouse.read_bytes()[:10_000])
    with pytest.raises(duckdb.IOException):
        ingest.run.build(settings)
    told = json.loads((settings.data_dir / "last_run.json").read_text())
    assert (told["status"], told["step"], told["exit_code"]) == ("failed", "build", 74)
    assert "omnikpi_last_run_exit_code 74.0" in (settings.data_dir / "omnikpi.prom").read_text().splitlines()


def test_prometheus_reads_every_metric(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.run, "_stale", lambda _: False)
    deliver(settings, "customers.csv", HEADER + "1,a@b.fr,A\n2,b\n3,c@b.fr,C\n")
    deliver(settings, "unknown.csv", HEADER)
    run(settings.model_copy(update={"prometheus_file": tmp_path / "omnikpi.prom"}))
    text = (tmp_path / "omnikpi.prom").read_text()
    assert text.endswith("\n")
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) omnikpi_\w+ .+|omnikpi_\w+(\{(\w+=\"[^\"\n]*\",?)+\})? [0-9.e+]+", line), line
    assert 'omnikpi_files{source="shop",verdict="loaded_with_rejects"} 1.0' in text
    assert 'omnikpi_files{source="shop",verdict="refused"} 1.0' in text
    assert 'omnikpi_rows{source="shop",outcome="loaded"} 2.0' in text
    assert 'omnikpi_rows{source="shop",outcome="rejected"} 1.0' in text
    assert 'omnikpi_quarantined_files{source="shop"} 1.0' in text
    assert "omnikpi_last_run_exit_code 65.0" in text


def test_a_warehouse_that_another_program_holds_is_told_as_what_it_is(settings: Settings) -> None:
    deliver(settings, "customers.csv", HEADER)
    holder = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(settings.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(duckdb.IOException, match="Could not set lock"):
            run(settings)
        other.communicate()
    assert "omnikpi_last_run_exit_code 74.0" in (settings.data_dir / "omnikpi.prom").read_text()


def test_doctor_finds_nothing_wrong_where_nothing_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.run, "_stale", lambda _: False)
    deliver(settings, "customers.csv", HEADER + "1,a@b.fr,A\n")
    run(settings)
    assert [finding for finding in findings(settings).values() if not finding.ok] == []
    assert "1 rows received, each loaded or rejected" in findings(settings)["ledger"].message


def test_doctor_names_a_feed_that_is_overdue_by_its_declared_rhythm(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.run, "_stale", lambda _: False)
    assert "shop (every 1 days, last never)" in findings(settings)["freshness"].message
    deliver(settings, "customers.csv", HEADER + "1,a@b.fr,A\n", age=timedelta(days=3))
    run(settings)
    late = findings(settings)["freshness"]
    assert (late.ok, late.exit_code) == (False, 65)
    assert "ask who sends it" in late.message
    deliver(settings, "customers_2.csv", HEADER + "2,a@b.fr,A\n", age=timedelta(hours=30))
    run(settings)
    assert findings(settings)["freshness"].ok


def test_doctor_says_how_to_close_what_others_could_read(settings: Settings) -> None:
    settings.archive.mkdir(parents=True, mode=0o755)
    settings.archive.chmod(0o755)
    found = findings(settings)["rights"]
    assert (found.ok, found.exit_code) == (False, 74)
    assert f"chmod go-rwx {settings.archive}" in found.message


def test_doctor_sees_a_clock_that_went_back(settings: Settings) -> None:
    settings.data_dir.mkdir()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (settings.data_dir / "last_run.json").write_text(json.dumps({"status": "ok", "at": tomorrow, "step": "publish"}))
    found = findings(settings)["clock"]
    assert (found.ok, found.exit_code) == (False, 78)


def test_doctor_counts_every_row_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.run, "_stale", lambda _: False)
    deliver(settings, "customers.csv", HEADER + "1,a@b.fr,A\n")
    run(settings)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("delete from raw.customers")
    found = findings(settings)["ledger"]
    assert (found.ok, found.exit_code) == (False, 65)
    assert "customers" in found.message


def test_doctor_names_an_order_dated_after_the_last_file_came(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.run, "_stale", lambda _: False)
    deliver(settings, "customers.csv", HEADER + "1,a@b.fr,A\n")
    run(settings)
    folder = settings.builds / "b1"
    folder.mkdir(parents=True)
    settings.current.write_text("b1")
    with duckdb.connect(str(folder / "marts.duckdb")) as build:
        build.execute("create schema marts")
        order = "select 'pos' as source_system, 'T-7' as order_number, date '2162-01-05' as order_date"
        build.execute(f"create table marts.marts.orders as {order}")
    for day, is_fine in (("2026-01-05", True), ("2162-01-05", False)):
        (folder / "build.json").write_text(json.dumps({"build_id": "b1", "data_to": day}))
        assert findings(settings)["current build"].ok is is_fine
    assert "pos T-7; have the date corrected" in findings(settings)["current build"].message


def test_a_run_at_work_is_no_fault_to_doctor_and_a_reason_to_wait_for_status(settings: Settings) -> None:
    settings.data_dir.mkdir()
    environment = os.environ | {"OMNIKPI_DATA_DIR": str(settings.data_dir)}
    with subprocess.Popen(
        [sys.executable, "-c", AT_WORK], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"at work\n"
        found = findings(settings)
        assert {name for name, finding in found.items() if "a run is at work" in finding.message} >= {"warehouse", "ledger"}
        assert all(found[name].ok for name in ("warehouse", "ledger", "freshness"))
        with pytest.raises(LockHeld):
            status(settings)
        process.communicate()
