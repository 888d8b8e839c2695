"""A disk that is full or refuses: the run says so and exits 74, nothing is corrupted, the last good build stays up."""

import os
from pathlib import Path

import pytest

from tests.reliability.conftest import Lab, build_of, state

LEAST = 100


def fail_and_resume(lab: Lab, origin: Path, work: str, limit: int, expected: dict) -> bool:
    """Works where no file may grow beyond `limit` bytes; whether that failed. Afterwards it must work as ever."""
    data = lab.copy(origin, f"{work} limited to {limit}")
    if work != "publish":
        lab.deliver(data, 3)
    before = build_of(data)
    answer = lab.one(data, work, file_size_limit=limit)
    assert answer.code in (0, 74), answer
    if answer.code:
        assert build_of(data) == before
    if work == "publish":
        assert lab.one(data, "publish").code == 0
        assert build_of(data) != before
    else:
        resumed = lab.one(data, "ingest")
        assert resumed.code == 0, resumed
        assert state(data) == expected
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
    failed = [fail_and_resume(lab, published, "ingest", limit, undisturbed) for limit in limits(published / "vault.duckdb", 3)]
    assert any(failed)
    failed = [fail_and_resume(lab, rebuilt, "publish", limit, undisturbed) for limit in limits(mart(published), 3)]
    assert any(failed)


@pytest.mark.proof
@pytest.mark.parametrize(("work", "count"), [("publish", 35), ("ingest", 60), ("run", 5)])
def test_files_that_cannot_grow_beyond_any_of_a_hundred_sizes_corrupt_nothing(
    lab: Lab, published: Path, rebuilt: Path, undisturbed: dict, work: str, count: int
) -> None:
    """While publishing, while loading, and in a whole run with dbt."""
    origin, file = (rebuilt, mart(published)) if work == "publish" else (published, published / "warehouse.duckdb")
    failed = [fail_and_resume(lab, origin, work, limit, undisturbed) for limit in limits(file, count)]
    print(f"{work}: {sum(failed)} of {len(failed)} failed")  # noqa: T201
    assert any(failed)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_reported(lab: Lab, published: Path) -> None:
    data = lab.copy(published, "closed")
    lab.deliver(data, 3)
    data.chmod(0o500)
    try:
        assert lab.one(data, "ingest").code == 74
    finally:
        data.chmod(0o700)
