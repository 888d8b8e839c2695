"""One run at a time, and a failed one is written down."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import ingest.run
from ingest.build import BuildFailed
from ingest.entities import entities
from ingest.run import LockHeld, build, lock
from settings import Settings

HOLD = """
import sys, time
from ingest.run import lock
from settings import Settings
with lock(Settings(data_dir=sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def test_a_second_run_is_turned_away_at_once_with_exit_code_75(settings: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=str(holder.pid)) as raised, lock(settings):
            pass
        assert raised.value.exit_code == 75
        holder.stdin.close()
        holder.wait()
    with lock(settings):
        pass


def test_the_lock_of_a_killed_run_is_free(settings: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
        holder.wait()
    with lock(settings):
        pass


def test_a_build_has_a_table_of_every_entity_even_where_nothing_of_it_was_loaded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.run.dbt, "build", lambda *_, **__: None)
    monkeypatch.setattr(ingest.run, "publish", lambda *_: "published")
    assert build(settings) == "published"
    with duckdb.connect(str(settings.warehouse)) as connection:
        tables = connection.sql("select table_name from information_schema.tables where table_schema = 'raw'").fetchall()
    assert {name for (name,) in tables} == set(entities())


def test_a_failed_build_is_written_down_and_nothing_is_published(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BuildFailed("test orders_are_unique: got 2 results", exit_code=65)

    monkeypatch.setattr(ingest.run.dbt, "build", fail)
    with pytest.raises(BuildFailed):
        build(settings)
    told = json.loads((settings.data_dir / "last_run.json").read_text())
    assert (told["status"], told["step"]) == ("failed", "build")
    assert "orders_are_unique" in told["message"]
    assert not settings.current.exists()
    assert not ingest.run.current_info(settings)
