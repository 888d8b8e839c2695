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


KEYED = """
source: shop
files: "orders*.csv"
timezone: UTC
fill: {by: order, columns: [at]}
unpack: {column: skus, on: "+", item: "(.+)", into: [sku]}
entities:
  orders:
    per: order
    order_id: order
    ordered_at: {from: at, format: "%Y-%m-%d"}
    channel: {value: web}
    status: {value: paid}
    currency: {value: EUR}
    shipping_amount: {from: shipping, take: sum}
  order_lines:
    order_id: order
    line_number: {sequence: order}
    sku: sku
    quantity: {value: "1"}
    unit_price: price
    discount_amount: {from: discount, optional: true, share: {per: order, by: price}}
    includes_vat: {value: true}
"""


def test_what_rows_of_a_key_have_together_stays_within_their_file(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same order in several files: filled, numbered, taken once, shared out and rejected whole in each by itself."""
    installation.map("orders", KEYED)
    header = "order,at,skus,price,shipping,discount\n"
    for number, (at, discount) in enumerate([("2026-01-01", "3"), ("2026-01-02", "1"), ("soon", ""), ("2026-01-04", "")]):
        rows = [f"1,{at},A+B,10.00,{number},{discount}\n", "1,,C,5.00,2,\n", f"2,2026-02-0{number + 1},D,1.00,,\n"]
        installation.drop(f"shop/orders_{number}.csv", header + "".join(rows))
    monkeypatch.setattr(inbox, "MOST_FILES", 4)
    verdicts = [load.verdict for load in installation.ingest().loads]
    assert verdicts == ["loaded", "loaded", "refused", "loaded"]
    assert installation.ask(
        "select _file_id, order_id, ordered_at::date::varchar, shipping_amount::int from raw.orders order by all"
    ) == [
        (1, "1", "2026-01-01", 2), (1, "2", "2026-02-01", None),
        (2, "1", "2026-01-02", 3), (2, "2", "2026-02-02", None),
        (4, "1", "2026-01-04", 5), (4, "2", "2026-02-04", None),
    ]  # fmt: skip
    # 3 and 1 of discount are shared over 10, 10 and 5.
    lines = "select _file_id, sku, line_number, discount_amount::double from raw.order_lines where order_id = '1' order by all"
    assert installation.ask(lines) == [
        (1, "A", 1, 1.2), (1, "B", 2, 1.2), (1, "C", 3, 0.6),
        (2, "A", 1, 0.4), (2, "B", 2, 0.4), (2, "C", 3, 0.2),
        (4, "A", 1, None), (4, "B", 2, None), (4, "C", 3, None),
    ]  # fmt: skip


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
