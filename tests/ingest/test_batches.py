"""Files loaded together come out as if each had been loaded alone."""

import os
import random
from pathlib import Path

import duckdb
import pytest

from ingest import inbox, loading
from ingest.joining import Joined
from ingest.mappings import Csv
from tests.ingest.test_shipped_mappings import EXPECTED, MAPPINGS, SAMPLES, SETTINGS
from tests.reliability.conftest import state

HEADER = "Ticket;Ligne;Type;Date;Magasin;Article;Libellé;Qté;Prix\n"
SALE = "T{0};1;VENTE;24/12/2025 18:05;S01;A-1;Écharpe;2;{1}\n"


def pieces(path: Path, dialect: object) -> list[bytes]:
    """A sample, and its first and its last rows as files of their own, cut wherever a line ends, even within a record."""
    content = path.read_bytes()
    if not isinstance(dialect, Csv) or dialect.encoding == "utf-16" or path.suffix not in (".csv", ".txt", ".tsv"):
        return [content]
    lines = content.splitlines(keepends=True)
    header, rows = b"".join(lines[: dialect.skip_rows + 1]), lines[dialect.skip_rows + 1 :]
    middle = len(rows) // 2
    return [content, header + b"".join(rows[:middle]), header + b"".join(rows[middle:])]


def load_samples(folder: Path, most_files: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Everything there is after the samples and their pieces arrived in an order that mixes all sources."""
    monkeypatch.setattr(inbox, "MOST_FILES", most_files)
    settings = SETTINGS.model_copy(update={"data_dir": folder})
    arrived = []
    for name, file in EXPECTED:
        for number, content in enumerate(pieces(SAMPLES / name / file, MAPPINGS[name].dialect)):
            path = (
                settings.inbox
                / MAPPINGS[name].source
                / (file if not number else f"{Path(file).stem}_{number}{Path(file).suffix}")
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            arrived.append(path)
    random.Random(4).shuffle(arrived)
    for moment, path in enumerate(arrived):
        os.utime(path, (1_750_000_000 + moment, 1_750_000_000 + moment))
    (folder / ".hash_key").write_text("a key for tests")
    inbox.ingest(settings)
    return state(folder)


def test_every_sample_loads_the_same_alone_and_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = load_samples(tmp_path / "alone", 1, monkeypatch)
    verdicts = {row[10] for row in alone["warehouse.ledger.files"]}  # pyright: ignore
    assert verdicts == {"loaded", "loaded_with_rejects", "refused", "duplicate"}
    together = load_samples(tmp_path / "together", 40, monkeypatch)
    assert together.keys() == alone.keys()
    for place, found in together.items():
        assert found == alone[place], place


def test_a_refused_file_takes_no_other_with_it(installation) -> None:
    for number in range(9):
        installation.drop(f"till/till_{number}.csv", HEADER + SALE.format(number, "19,90" if number != 5 else "19.90"))
    loads = installation.ingest().loads
    assert [load.verdict for load in loads] == ["loaded"] * 5 + ["refused"] + ["loaded"] * 3
    assert [load.file_id for load in loads] == list(range(1, 10))
    assert "line 2, column unit_price" in (loads[5].reason or "")
    assert installation.ask("select _file_id, order_id, _line from raw.orders order by 1") == [
        (number + 1, f"T{number}", 2) for number in range(9) if number != 5
    ]


def test_the_same_content_twice_among_many_loads_once(installation) -> None:
    for number, order in enumerate((1, 2, 1, 3)):
        installation.drop(f"till/till_{number}.csv", HEADER + SALE.format(order, "19,90"))
    loads = installation.ingest().loads
    assert [load.verdict for load in loads] == ["loaded", "loaded", "duplicate", "loaded"]
    assert loads[2].reason == "the same content was loaded before, as file 1"
    assert installation.ask("select count(*), count(distinct order_id) from raw.orders") == [(3, 3)]


def test_a_file_that_changes_while_others_are_read_is_refused_alone(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [installation.drop(f"till/till_{number}.csv", HEADER + SALE.format(number, "19,90")) for number in range(3)]
    join = loading.join

    def written_to(*texts: object) -> object:
        with paths[1].open("a") as file:
            file.write(SALE.format(9, "19,90"))
        monkeypatch.setattr(loading, "join", join)
        return join(*texts)  # pyright: ignore

    monkeypatch.setattr(loading, "join", written_to)
    loads = installation.ingest().loads
    assert [load.verdict for load in loads] == ["loaded", "refused", "loaded"]
    assert "it changed while it was read" in (loads[1].reason or "")


def test_files_that_do_not_fit_into_memory_together_are_loaded_apart(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    write = loading._write

    def fails_for_many(warehouse: object, safe: object, plan: loading.Plan) -> object:
        if isinstance(plan.text, Joined):
            raise duckdb.OutOfMemoryException("could not allocate")
        return write(warehouse, safe, plan)  # pyright: ignore

    monkeypatch.setattr(loading, "_write", fails_for_many)
    for number in range(3):
        installation.drop(f"till/till_{number}.csv", HEADER + SALE.format(number, "19,90"))
    assert [(load.verdict, load.file_id) for load in installation.ingest().loads] == [("loaded", number) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("memory", "loading_memory"), [("4GB", "1GB"), ("512MB", "512MB"), ("900 MiB", "900 MiB"), ("1GiB", "1GB")]
)
def test_loading_takes_no_more_memory_than_it_may_and_has_use_for(memory: str, loading_memory: str) -> None:
    assert SETTINGS.model_copy(update={"memory": memory}).loading_memory == loading_memory
