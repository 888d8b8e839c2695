"""A disk that is full or refuses: the run says so and exits 74, nothing is corrupted, the last good build stays up."""

import os
from pathlib import Path

import pytest

from tests.reliability.conftest import Lab, build_of, state


def fail_and_resume(lab: Lab, published: Path, limit: int, expected: dict | None = None) -> bool:
    """Runs a day where no file may grow beyond `limit` bytes; whether that failed. Afterwards it must work as ever."""
    data = lab.copy(published, f"limited to {limit}")
    lab.deliver(data, 3)
    before = build_of(data)
    answer = lab.one(data, "run", file_size_limit=limit)
    assert answer.code in (0, 74), answer
    if answer.code:
        assert build_of(data) == before
    resumed = lab.one(data, "ingest")
    assert resumed.code == 0, resumed
    assert expected is None or state(data) == expected
    return bool(answer.code)


@pytest.fixture(scope="session")
def undisturbed(lab: Lab, published: Path) -> dict:
    data = lab.copy(published, "undisturbed disk")
    lab.deliver(data, 3)
    assert lab.one(data, "ingest").code == 0
    return state(data)


def limits(published: Path, count: int) -> list[int]:
    """Sizes at which one write after another fails: from nothing to what the warehouse needs."""
    largest = (published / "warehouse.duckdb").stat().st_size
    return [largest * number // count for number in range(count)]


def test_a_file_that_cannot_grow_is_reported_and_corrupts_nothing(lab: Lab, published: Path, undisturbed: dict) -> None:
    failed = [fail_and_resume(lab, published, limit, undisturbed) for limit in limits(published, 4)]
    assert any(failed)


@pytest.mark.proof
def test_files_that_cannot_grow_beyond_any_of_a_hundred_sizes_corrupt_nothing(
    lab: Lab, published: Path, undisturbed: dict
) -> None:
    failed = [fail_and_resume(lab, published, limit + 1, undisturbed) for limit in limits(published, 100)]
    assert sum(failed) > 50


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_reported(lab: Lab, published: Path) -> None:
    data = lab.copy(published, "closed")
    lab.deliver(data, 3)
    data.chmod(0o500)
    try:
        assert lab.one(data, "ingest").code == 74
    finally:
        data.chmod(0o700)
