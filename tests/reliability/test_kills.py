"""A run may be killed at any moment: nothing acknowledged is lost or doubled, and the next run ends where it would have."""

import random
import signal
from pathlib import Path

import pytest

from ingest.failpoints import STEPS
from tests.reliability.conftest import Lab, build_of, state

# How often a run of a delivered day that loads its files one by one reaches each step at least.
TIMES = {"load begun": 3, "vault written": 3, "rows written": 3, "load recorded": 3, "vault committed": 3, "load committed": 3}
TIMES |= {"refusal recorded": 2, "models half built": 2}
AFTER_LOADING = ("models half built", "build copied", "build named", "build current")


@pytest.fixture(scope="session")
def expected(lab: Lab, published: Path) -> dict[int, dict]:
    """Seed → what an undisturbed day leaves, computed when first asked for."""

    class Days(dict):
        def __missing__(self, seed: int) -> dict:
            data = lab.copy(published, f"undisturbed {seed}")
            lab.deliver(data, seed)
            assert lab.one(data, "ingest").code == 0
            self[seed] = state(data)
            return self[seed]

    return Days()


def kill_and_resume(lab: Lab, published: Path, rebuilt: Path, expected: dict[int, dict], step: str, seed: int) -> None:
    draw = random.Random(f"{step} {seed}")
    kill = f"{step}:{draw.randint(1, TIMES.get(step, 1))}"
    # Every other seed loads the day's files together: each step is then reached once at least.
    together = {} if seed % 2 else {"most_files": 1}
    if seed % 2 and step != "refusal recorded" and step not in AFTER_LOADING:
        kill = step
    name = f"{step} {seed}"
    if step in AFTER_LOADING:
        data = lab.copy(rebuilt, name)
        work = "build" if step == "models half built" else "publish"
    else:
        data, work = lab.copy(published, name), "run"
        lab.deliver(data, seed)
    before = build_of(data)
    assert lab.one(data, work, kill=kill, **together).code == -signal.SIGKILL, f"{kill} was not reached"
    if step == "build current":
        assert build_of(data) != before
    else:
        assert build_of(data) == before, "the last good build stays"
    resumed = lab.one(data, "ingest" if work == "run" else work)
    assert resumed.code == 0, resumed
    assert state(data) == expected[0 if step in AFTER_LOADING else seed]
    if step in AFTER_LOADING:
        marts = build_of(data)
        assert len(marts["order_lines"]) == len({row[0] for row in marts["order_lines"]}) > len(before["order_lines"]) - 1
        assert not list((data / "builds").glob(".unfinished-*"))


@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_any_step_loses_and_doubles_nothing(
    lab: Lab, published: Path, rebuilt: Path, expected: dict[int, dict], step: str
) -> None:
    for seed in (0,) if step in AFTER_LOADING else (0, 1):
        kill_and_resume(lab, published, rebuilt, expected, step, seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("step", STEPS)
def test_210_kills_lose_and_double_nothing(
    lab: Lab, published: Path, rebuilt: Path, expected: dict[int, dict], step: str, seed: int
) -> None:
    kill_and_resume(lab, published, rebuilt, expected, step, seed)
