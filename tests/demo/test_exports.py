"""The demonstration's exports: reproducible, mapped, and with the faults of real life where the truth says they are."""

import csv
import gzip
import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

import demo
from ingest.mappings import Csv, Mapping, load_mappings
from settings import Settings


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping]:
    known = load_mappings(Settings(data_dir=tmp_path_factory.mktemp("data")))
    return [mapping for mapping in known.values() if mapping.name.startswith("demo_")]


def files(inbox: Path) -> list[Path]:
    return sorted(path for path in inbox.rglob("*") if path.is_file())


def fingerprint(inbox: Path) -> dict[str, tuple[str, float]]:
    return {
        str(path.relative_to(inbox)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime)
        for path in files(inbox)
    }


def kpis(folder: Path) -> list[str]:
    """The lines of the truth about KPIs."""
    return (folder / "truth" / "kpis.csv").read_text().splitlines()


def rows(path: Path, mapping: Mapping) -> list[dict[str, str]]:
    """The records of an export by Python's own CSV reader."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    dialect = mapping.dialect
    assert isinstance(dialect, Csv)
    text = data.decode("utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding)
    return list(csv.DictReader(text.splitlines(), delimiter=dialect.delimiter))


def mapping_of(path: Path, mappings: list[Mapping]) -> list[Mapping]:
    return [mapping for mapping in mappings if mapping.source == path.parent.name and mapping.takes(path.name)]


def faults(tiny: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((tiny / "truth" / "faults.csv").open(encoding="utf-8")))


def test_the_same_seed_writes_the_same_bytes_with_the_same_delivery_times(tiny: Path, size: demo.Size, tmp_path: Path) -> None:
    demo.write(tmp_path / "inbox", tmp_path / "truth", size, seed=7)
    written, before = fingerprint(tmp_path / "inbox"), fingerprint(tiny / "inbox")
    assert [name for name in written.keys() | before.keys() if written.get(name) != before.get(name)] == []
    assert [row for row in zip(*(kpis(folder) for folder in (tmp_path, tiny)), strict=True) if row[0] != row[1]] == []


def test_another_seed_writes_another_history(tiny: Path, size: demo.Size, tmp_path: Path) -> None:
    demo.write(tmp_path / "inbox", tmp_path / "truth", size, seed=8)
    assert kpis(tmp_path) != kpis(tiny)


def test_every_export_has_exactly_one_mapping_except_the_stray_file(tiny: Path, mappings: list[Mapping]) -> None:
    unmatched = [row["file"] for row in faults(tiny) if row["fault"] == "unmatched"]
    for path in files(tiny / "inbox"):
        expected = 0 if str(path.relative_to(tiny / "inbox")) in unmatched else 1
        assert len(mapping_of(path, mappings)) == expected, path
    assert len(unmatched) == 1


def test_every_mapping_takes_an_export_and_names_all_its_headers(tiny: Path, mappings: list[Mapping]) -> None:
    taken = Counter()
    for path in files(tiny / "inbox"):
        for mapping in mapping_of(path, mappings):
            taken[mapping.name] += 1
            header = set(rows(path, mapping)[0])
            named = {name for names, _ in mapping.headers() for name in names}
            assert named <= header, path
            assert {name for name in header - named if not mapping.ignores(name)} == set(), path
    assert set(taken) == {mapping.name for mapping in mappings}


def test_planted_rejects_stand_on_the_line_and_column_the_truth_names(tiny: Path, mappings: list[Mapping]) -> None:
    planted = [row for row in faults(tiny) if row["fault"] == "reject"]
    assert len(planted) >= 5
    for fault in planted:
        path = tiny / "inbox" / fault["file"]
        (mapping,) = mapping_of(path, mappings)
        assert rows(path, mapping)[int(fault["line"]) - 2][fault["column"]] == fault["value"]


def test_duplicates_are_byte_for_byte_and_corrections_come_later(tiny: Path) -> None:
    by_content = Counter(content for content, _ in fingerprint(tiny / "inbox").values())
    duplicates = [row["file"] for row in faults(tiny) if row["fault"] == "duplicate"]
    assert sum(count - 1 for count in by_content.values()) == len(duplicates) > 0
    corrected = [row["file"] for row in faults(tiny) if row["fault"] == "correction" and "_v2" in row["file"]]
    assert corrected
    for name in corrected:
        again, first = tiny / "inbox" / name, tiny / "inbox" / name.replace("_v2", "")
        assert again.stat().st_mtime > first.stat().st_mtime
        assert again.read_bytes() != first.read_bytes()


def test_a_store_that_was_offline_sends_its_tickets_days_later(tiny: Path, mappings: list[Mapping]) -> None:
    (late,) = [row for row in faults(tiny) if row["fault"] == "late rows"]
    path = tiny / "inbox" / late["file"]
    dates = [row["Date"][:10] for row in rows(path, mapping_of(path, mappings)[0])]
    assert late["value"] in dates
    assert late["value"] < max(dates)


def test_what_is_exchanged_at_a_pick_up_is_a_return_of_the_order_and_a_ticket_for_the_same_price(
    tiny: Path, mappings: list[Mapping]
) -> None:
    told = {
        (row["Type"], row["N° ticket"]): row
        for path in (tiny / "inbox" / "pos").iterdir()
        for row in rows(path, mapping_of(path, mappings)[0])
    }
    exchanges = [row for row in told.values() if row["Ticket d'échange"]]
    assert exchanges
    for row in exchanges:
        taken = told["VENTE", row["Ticket d'échange"]]
        assert (taken["Magasin"], taken["Date"], taken["PU TTC"]) == (row["Magasin"], row["Date"], row["PU TTC"])
        assert taken["Règlement"] == "AVOIR"
        assert (row["Type"], row["Suite"], taken["Code article"][:7]) == ("RETOUR", "ECHANGE", row["Code article"][:7])
        assert row["Ticket d'origine"]
        assert not row["Ticket d'origine"].startswith(row["Magasin"])


def test_no_export_is_delivered_before_what_it_tells(tiny: Path, mappings: list[Mapping]) -> None:
    (mapping,) = [mapping for mapping in mappings if mapping.name == "demo_tms_shipments"]
    for path in (tiny / "inbox" / "tms").iterdir():
        delivered = datetime.fromtimestamp(path.stat().st_mtime)
        for row in rows(path, mapping):
            if row["Delivery Date"]:
                assert datetime.strptime(row["Delivery Date"], "%m/%d/%Y %I:%M:%S %p") <= delivered, path


def test_identifiers_keep_their_leading_zeros(tiny: Path, mappings: list[Mapping]) -> None:
    path = tiny / "inbox" / "store_master" / "locations.csv"
    (mapping,) = mapping_of(path, mappings)
    assert {"0001", "0010"} <= {row["location_id"] for row in rows(path, mapping)}


def test_the_stock_book_closes_to_the_unit(tiny: Path, mappings: list[Mapping]) -> None:
    book: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], int] = {}
    opening = set()
    for path in sorted((tiny / "inbox" / "wms").glob("stock_*.csv")):
        for row in rows(path, mapping_of(path, mappings)[0]):
            key = (row["site"], row["sku"])
            if row["date"] == "20240930":
                book[key] += int(row["on_hand"])
                opening.add(key)
            last[key] = int(row["on_hand"]) if row["date"] == "20261121" else last.get(key, 0)
    for path in (tiny / "inbox" / "wms").glob("mouvements_*.csv"):
        for row in rows(path, mapping_of(path, mappings)[0]):
            book[(row["site"], row["sku"])] += int(row["qty"])
    assert opening
    current = {key: units for key, units in last.items() if key in opening and key[0] not in ("0018", "0029")}
    assert current == {key: book[key] for key in current}
