"""How far a large file has come: told while it loads, only ever more, and of no influence on what is loaded."""

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from rich.progress import Progress

import cli
from ingest import progress
from ingest.ledger import Load
from tests.ingest.conftest import Installation

ROWS = 3_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of order lines that takes some seconds to load."""
    number = pl.int_range(ROWS, eager=True)
    lines = {"order": number // 3, "sku": "SKU" + (number % 997).cast(pl.String), "quantity": number % 3 + 1, "price": 9.5}
    path = tmp_path_factory.mktemp("large") / "lines.csv"
    pl.DataFrame(lines).write_csv(path)
    return path


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast machine has little time to say anything."""
    monkeypatch.setattr(progress, "EVERY", 0.05)


@pytest.mark.usefixtures("often")
def test_a_large_file_says_several_times_how_far_it_has_come(installation: Installation, large: Path) -> None:
    installation.drop("lines/lines_1.csv", large.read_bytes())
    found: list[tuple[Load, float]] = []
    (load,) = installation.ingest(reach=lambda load, share: found.append((load, share))).loads
    shares, rows = [share for _, share in found], [at.rows_in for at, _ in found]
    assert load.rows_loaded == ROWS
    assert installation.ask("select count(*), sum(quantity) from raw.order_lines")[0] == (
        ROWS,
        sum(i % 3 + 1 for i in range(ROWS)),
    )
    assert all(before <= after for before, after in pairwise(shares))
    assert all(before <= after for before, after in pairwise(rows))
    assert {at.verdict for at, _ in found} == {"loading"}
    assert 0 <= shares[0] < 0.2
    assert shares[-1] < 1
    assert len({round(share, 2) for share in shares if 0.1 < share < 0.9}) >= 4


@pytest.mark.usefixtures("often")
def test_the_bar_only_moves_on_and_ends_at_the_whole(
    installation: Installation, large: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(cli, "SECONDS_BETWEEN_LINES", 0)
    installation.drop("lines/lines_0.csv", "order,sku,quantity,price\n1,A,1,2\n")
    installation.drop("lines/lines_1.csv", large.read_bytes())
    places: list[float] = []
    with Progress(disable=True) as bar:
        files = cli.Files(bar)

        def seen(then: Callable[..., None]) -> Callable[..., None]:
            def call(*arguments: object) -> None:
                then(*arguments)
                places.append(bar.tasks[0].completed)

            return call

        installation.ingest(expect=files.expect, report=seen(files.report), reach=seen(files.reach))
        assert places[-1] == bar.tasks[0].total
    assert places == sorted(places)
    assert len(set(places)) > 4
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["verdict"] for line in lines if "share" not in line] == ["loaded", "loaded"]
    told = [line["share"] for line in lines if line["verdict"] == "loading"]
    assert told == sorted(told)
    assert len(set(told)) > 4


def test_small_files_are_not_followed(installation: Installation) -> None:
    installation.drop("lines/lines_1.csv", "order,sku,quantity,price\n1,A,1,2\n")
    found: list[float] = []
    installation.ingest(reach=lambda _, share: found.append(share))
    assert not found


def test_a_step_takes_its_share_of_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.001)
    found: list[tuple[float, int]] = []
    heard = threading.Event()

    def tell(share: float, records: int) -> None:
        found.append((share, records))
        heard.set()

    def next_told() -> tuple[float, int]:
        for _ in range(2):  # the first may be of a moment ago
            heard.clear()
            assert heard.wait(5)
        return found[-1]

    def closed() -> float:
        raise ValueError("I/O operation on closed file")

    with progress.told(tell):
        progress.step(1 / 2, lambda: 0.5)
        assert next_told() == (0.25, 0)
        progress.counted(100)
        progress.step(1 / 2, lambda: 7)
        assert next_told() == (0.75, 75)
        progress.step(1 / 2)
        progress.follow(lambda: 0.8)
        assert next_told() == (0.85, 85)
        progress.follow(lambda: 0.1)
        assert next_told() == (0.85, 85)
        progress.follow(closed)
        assert next_told() == (0.85, 85)
    assert [share for share, _ in found] == sorted(share for share, _ in found)
    progress.step(1, lambda: 1)  # nobody is told any more


def test_even_steps_take_as_much_each_and_leave_a_tenth() -> None:
    left, taken = 1.0, []
    for share, _ in zip(progress.even(3), range(4), strict=False):
        taken.append(share * left)
        left -= share * left
    assert taken == pytest.approx([0.3, 0.3, 0.3, 0.05])
