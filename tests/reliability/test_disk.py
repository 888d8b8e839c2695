"""A disk that is full or fails, or too little memory: the run exits 74, nothing is corrupted, the last good build stays up."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.conftest import Lab, build_of, state

LEAST = 100
KINDS = {"r": "reads", "w": "writes"}


def fail_and_resume(lab: Lab, origin: Path, work: str, expected: dict, **accident: Any) -> bool:
    """Works while an accident happens; whether that failed. Afterwards it must work as ever."""
    ((name, how),) = accident.items()
    data = lab.copy(origin, f"{work} {name} {how}")
    deliver(lab, data, work, str(how))
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


def deliver(lab: Lab, data: Path, work: str, accident: str) -> None:
    """What is to be loaded; where reads fail, in every format."""
    if work != "publish":
        lab.deliver(data, 3)
        if accident.startswith("r"):
            lab.deliver_formats(data)


@pytest.fixture(scope="session")
def expected(lab: Lab, published: Path) -> dict[str, dict]:
    """What is there where nothing happens while reads (`r`) or writes (`w`) might fail."""
    found = {}
    for kind in KINDS:
        data = lab.copy(published, f"undisturbed disk {kind}")
        deliver(lab, data, "ingest", kind)
        assert lab.one(data, "ingest").code == 0
        found[kind] = state(data)
    return found


@pytest.fixture(scope="session")
def undisturbed(expected: dict[str, dict]) -> dict:
    return expected["w"]


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
def calls(lab: Lab, published: Path, rebuilt: Path) -> dict[tuple[str, str], int]:
    """How often each work reads from the disk (`r`) and writes to it (`w`)."""
    counted = {}
    for work, origin in (("ingest", published), ("publish", rebuilt)):
        for kind in KINDS:
            data = lab.copy(origin, f"counted {work} {kind}")
            deliver(lab, data, work, f"{kind}0")
            counted[kind, work] = lab.one(data, work, eio=f"{kind}0").calls
    return counted


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler to make the failing device with")
@pytest.mark.parametrize("work", ["ingest", "publish"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_read_or_write_that_fails_is_reported_and_corrupts_nothing(
    lab: Lab, published: Path, rebuilt: Path, expected: dict[str, dict], calls: dict[tuple[str, str], int], kind: str, work: str
) -> None:
    """The first, the last and those between: once alone, once with all that follow."""
    last = calls[kind, work]
    assert fails_at(lab, published, rebuilt, expected, kind, work, [1, last // 3, last - 1])


@pytest.mark.proof
@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler to make the failing device with")
@pytest.mark.parametrize("work", ["ingest", "publish"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_read_or_write_that_fails_corrupts_anything(
    lab: Lab, published: Path, rebuilt: Path, expected: dict[str, dict], calls: dict[tuple[str, str], int], kind: str, work: str
) -> None:
    last = calls[kind, work]
    failed = fails_at(lab, published, rebuilt, expected, kind, work, range(1, last + 1))
    print(f"{work}: {last} {KINDS[kind]}, {failed} of {2 * last} failed")  # noqa: T201
    assert failed


def fails_at(
    lab: Lab, published: Path, rebuilt: Path, expected: dict[str, dict], kind: str, work: str, numbers: Iterable[int]
) -> int:
    """How many runs failed of those in which one of these reads or writes failed, or that one and all later ones."""
    origin = rebuilt if work == "publish" else published
    accidents = [f"{kind}{number}{later}" for number in numbers for later in ("", "+")]
    return sum(fail_and_resume(lab, origin, work, expected[kind], eio=accident) for accident in accidents)


@pytest.mark.proof
@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler to make the failing device with")
@pytest.mark.parametrize("first", [1, 2, 4, 8, 16, 32])
def test_a_device_that_cannot_be_read_any_more_fails_a_build_and_corrupts_nothing(lab: Lab, rebuilt: Path, first: int) -> None:
    """In the run and in the dbt that it starts, each from its own reading of that number on."""
    data = lab.copy(rebuilt, f"build r{first}")
    before = build_of(data)
    failed = lab.one(data, "build", eio=f"r{first}+")
    assert failed.code == 74, failed
    # The last of them are read when the new build, whole as ever, is current already.
    assert build_of(data) == before or first == 32
    assert lab.one(data, "build").code == 0
    assert len(build_of(data)["order_lines"]) > len(before["order_lines"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_reported(lab: Lab, published: Path) -> None:
    data = lab.copy(published, "closed")
    lab.deliver(data, 3)
    data.chmod(0o500)
    try:
        assert lab.one(data, "ingest").code == 74
    finally:
        data.chmod(0o700)
