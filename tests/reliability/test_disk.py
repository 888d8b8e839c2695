"""A disk that is full or fails, or too little memory: the run exits 74, nothing is corrupted, the last good build stays up."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.conftest import Lab, build_of, state

LEAST = 100


def fail_and_resume(lab: Lab, origin: Path, work: str, expected: dict, **accident: Any) -> bool:
    """Works while an accident happens; whether that failed. Afterwards it must work as ever."""
    ((name, how),) = accident.items()
    data = lab.copy(origin, f"{work} {name} {how}")
    if work != "publish":
        lab.deliver(data, 3)
    before = build_of(data)
    answer = lab.one(data, work, **accident)
    assert answer.code in (0, 74), answer
    if answer.code:
        # A build is whole in any case; flushing the last of it may fail when it is current already.
        assert build_of(data) == before or (work, name) == ("publish", "eio")
    if work == "publish":
        assert lab.one(data, "publish").code == 0
        assert build_of(data) != before
    else:
        resumed = lab.one(data, "ingest")
        assert resumed.code == 0, resumed
        assert state(data) == expected
    shutil.rmtree(data)
    return bool(answer.code)


@pytest.fixture(scope="session")
def undisturbed(lab: Lab, published: Path) -> dict:
    data = lab.copy(published, "undisturbed disk")
    lab.deliver(data, 3)
    assert lab.one(data, "ingest").code == 0
    return state(data)


def limits(file: Path, count: int) -> list[int]:
    """Sizes at which one write after another fails: from little to what the file needs, the small ones closer together."""
    return [round(LEAST * (file.stat().st_size / LEAST) ** (number / count)) for number in range(count)]


def mart(data: Path) -> Path:
    return data / "builds" / (data / "CURRENT").read_text().strip() / "marts.duckdb"


def test_a_file_that_cannot_grow_is_reported_and_corrupts_nothing(
    lab: Lab, published: Path, rebuilt: Path, undisturbed: dict
) -> None:
    for origin, work, file in ((published, "ingest", published / "vault.duckdb"), (rebuilt, "publish", mart(published))):
        assert any(fail_and_resume(lab, origin, work, undisturbed, file_size_limit=limit) for limit in limits(file, 3))


@pytest.mark.proof
@pytest.mark.parametrize(("work", "count"), [("publish", 35), ("ingest", 60), ("run", 5)])
def test_files_that_cannot_grow_beyond_any_of_a_hundred_sizes_corrupt_nothing(
    lab: Lab, published: Path, rebuilt: Path, undisturbed: dict, work: str, count: int
) -> None:
    """While publishing, while loading, and in a whole run with dbt."""
    origin, file = (rebuilt, mart(published)) if work == "publish" else (published, published / "warehouse.duckdb")
    failed = [fail_and_resume(lab, origin, work, undisturbed, file_size_limit=limit) for limit in limits(file, count)]
    print(f"{work}: {sum(failed)} of {len(failed)} failed")  # noqa: T201
    assert any(failed)


def test_too_little_memory_is_reported_and_corrupts_nothing(lab: Lab, published: Path, undisturbed: dict) -> None:
    assert fail_and_resume(lab, published, "run", undisturbed, settings={"memory": "1MB"})


@pytest.fixture(scope="session")
def writes(lab: Lab, published: Path, rebuilt: Path) -> dict[str, int]:
    """How often each work writes to the disk."""
    counted = {}
    for work, origin in (("ingest", published), ("publish", rebuilt)):
        data = lab.copy(origin, f"counted {work}")
        if work == "ingest":
            lab.deliver(data, 3)
        counted[work] = lab.one(data, work, eio="0").writes
    return counted


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler to make the failing device with")
@pytest.mark.parametrize("work", ["ingest", "publish"])
def test_a_write_that_fails_is_reported_and_corrupts_nothing(
    lab: Lab, published: Path, rebuilt: Path, undisturbed: dict, writes: dict[str, int], work: str
) -> None:
    """The first, the last and those between: once alone, once with all that follow."""
    assert fails_at(lab, published, rebuilt, undisturbed, work, [1, writes[work] // 3, writes[work] - 1])


@pytest.mark.proof
@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler to make the failing device with")
@pytest.mark.parametrize("work", ["ingest", "publish"])
def test_no_write_that_fails_corrupts_anything(
    lab: Lab, published: Path, rebuilt: Path, undisturbed: dict, writes: dict[str, int], work: str
) -> None:
    failed = fails_at(lab, published, rebuilt, undisturbed, work, range(1, writes[work] + 1))
    print(f"{work}: {writes[work]} writes, {failed} of {2 * writes[work]} failed")  # noqa: T201
    assert failed


def fails_at(lab: Lab, published: Path, rebuilt: Path, undisturbed: dict, work: str, numbers: Iterable[int]) -> int:
    """How many runs failed of those in which one of these writes failed, or that one and all later ones."""
    origin = rebuilt if work == "publish" else published
    accidents = [f"{number}{later}" for number in numbers for later in ("", "+")]
    return sum(fail_and_resume(lab, origin, work, undisturbed, eio=accident) for accident in accidents)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_reported(lab: Lab, published: Path) -> None:
    data = lab.copy(published, "closed")
    lab.deliver(data, 3)
    data.chmod(0o500)
    try:
        assert lab.one(data, "ingest").code == 74
    finally:
        data.chmod(0o700)
