"""A run may be started at any time and as often as somebody likes: one works, the others leave at once."""

import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ingest.lock import LockHeld, inherited, lock
from settings import Settings
from tests.conftest import ROOT, omnikpi
from tests.reliability.conftest import Lab, state


def start_at_once(lab: Lab, published: Path, work: str, times: int) -> None:
    data = lab.copy(published, f"{times} starts")
    lab.deliver(data, 7)
    answers = lab.work(data, work, times=times, begin=str(lab.folder / f"begin {times}"))
    assert sorted(answer.code for answer in answers) == [0] + [75] * (times - 1)
    assert all("another run" in answer.message for answer in answers if answer.code == 75)
    assert max(answer.seconds for answer in answers if answer.code == 75) < 1
    alone = lab.copy(published, f"one start beside {times}")
    lab.deliver(alone, 7)
    assert lab.one(alone, "ingest").code == 0
    assert state(data) == state(alone)


def test_of_five_simultaneous_starts_exactly_one_runs(lab: Lab, published: Path) -> None:
    start_at_once(lab, published, "ingest", 5)


@pytest.mark.proof
def test_of_fifty_simultaneous_starts_exactly_one_runs(lab: Lab, published: Path) -> None:
    start_at_once(lab, published, "run", 50)


def test_a_second_start_is_turned_away_before_anything_slow_is_imported(tmp_path: Path) -> None:
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); input()"
    )
    (tmp_path / "data").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "data" / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdout.readline()
        turned_away = omnikpi("run", data=tmp_path / "data")
        holder.stdin.close()
    assert turned_away.returncode == 75, turned_away.stderr
    slow = "import sys, cli, ingest.lock; assert not {'duckdb', 'polars', 'dbt', 'scipy'} & set(sys.modules)"
    assert not subprocess.run([sys.executable, "-c", slow], cwd=ROOT, check=False).returncode


def test_a_run_begins_once_the_dbt_of_a_killed_one_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with lock(settings), inherited(settings) as descriptor:
        orphan = subprocess.Popen(["sleep", "60"], pass_fds=(descriptor,))
    with orphan:
        monkeypatch.setattr("ingest.lock.ORPHAN_SECONDS", 0.1)
        with pytest.raises(LockHeld, match="dbt of a run that was killed"), lock(settings):
            pass
        monkeypatch.setattr("ingest.lock.ORPHAN_SECONDS", 60)
        threading.Timer(0.3, orphan.kill).start()
        with lock(settings):
            assert orphan.wait() == -signal.SIGKILL


@pytest.mark.proof
def test_a_second_start_exits_75_within_a_second(tmp_path: Path) -> None:
    """By the processor's clock, which does not count what else the machine has to do."""
    with lock(Settings(data_dir=tmp_path / "data")):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        assert omnikpi("run", data=tmp_path / "data").returncode == 75
        after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    print(f"{seconds:.2f} s of processor time, {ended - begun:.2f} s on the wall")  # noqa: T201
    assert seconds < 1
