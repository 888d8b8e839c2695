"""The inbox: which files are taken, which are set aside, and what is written beside them."""

import os
import shlex
import time
from pathlib import Path

import pytest

from ingest import ConfigurationError, reading
from ingest.checking import check_file

HEADER = "Ticket;Ligne;Type;Date;Magasin;Article;Libellé;Qté;Prix\n"
SALE = "T1;1;VENTE;24/12/2025 18:05;S01;A-1;Écharpe;2;19,90\n"


@pytest.mark.parametrize(
    ("place", "content", "told"),
    [
        ("till/sales.csv", HEADER + SALE, ["no mapping takes a file named 'sales.csv'", "omnikpi check"]),
        ("tilt/till_1.csv", HEADER + SALE, ["no mapping has `source: tilt`", "did you mean `till`?"]),
        ("shop/till_1.csv", HEADER + SALE, ["put it in inbox/till/ (till.yml)"]),
        ("till/till_1.csv", HEADER.replace("Prix", "Prx") + SALE, ["column 'Prix' is missing (did you mean `Prx`?)", "till.yml"]),
        ("till/till_1.csv", HEADER.replace("Libellé", "Prix") + SALE, ["column 'Prix' is there 2 times"]),
        ("till/till_1.csv", (HEADER + SALE).encode("cp1252"), ["line 1: not utf-8 text", "cp1252"]),
        ("till/till_1.csv", HEADER + SALE.rstrip("\n"), ["line 2: the last line does not end"]),
        ("till/till_1.csv", "", ["the file is empty"]),
        ("till/till_1.csv", HEADER + SALE + 'T2;"open\n', ["line 3"]),
    ],
)
def test_a_refused_file_lies_in_quarantine_with_what_to_do(installation, refused, place: str, content, told: list[str]) -> None:
    reason = refused(place, content)
    for text in told:
        assert text in reason
    assert f"omnikpi replay {installation.settings.quarantine / place}" in reason
    quarantined = (installation.settings.quarantine / place).read_bytes()
    assert quarantined == (content.encode() if isinstance(content, str) else content)
    assert installation.ask("select verdict, rows_in from ledger.files") == [("refused", 0)]


def test_two_mappings_for_one_file_are_both_named(installation, refused) -> None:
    installation.map("till_too", (installation.settings.sources / "till.yml").read_text())
    assert "several mappings take 'till_1.csv': till.yml, till_too.yml" in refused("till/till_1.csv", HEADER + SALE)


def test_a_file_that_two_systems_would_take_needs_its_folder(installation) -> None:
    text = (installation.settings.sources / "till.yml").read_text().replace("source: till", "source: market")
    installation.map("market", text)
    installation.drop("till_1.csv", HEADER + SALE)
    assert "market.yml, till.yml; put it in inbox/market/ or inbox/till/" in (installation.ingest().refused[0].reason or "")


def test_unfinished_files_are_left_alone(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    part = installation.drop("till/till_1.csv.part", HEADER)
    growing = installation.drop("till/till_2.csv", HEADER + SALE)
    os.utime(growing)

    def write_more(_: float) -> None:
        growing.write_text(HEADER + SALE + SALE)

    with monkeypatch.context() as writing:
        writing.setattr(time, "sleep", write_more)
        summary = installation.ingest()
    assert (summary.loads, summary.unfinished) == ((), ("till_2.csv",))
    assert part.exists()
    assert growing.exists()
    assert installation.ingest().loads[0].rows_in == 2


def test_files_are_taken_oldest_first_then_by_name(installation) -> None:
    second = installation.drop("till/till_a.csv", HEADER + SALE)
    first = installation.drop("till/till_z.csv", HEADER + SALE.replace("T1", "T0"))
    os.utime(first, (1_600_000_000, 1_600_000_000))
    assert [load.file_name for load in installation.ingest().loads] == [first.name, second.name]


def test_a_link_is_refused_and_what_it_points_to_stays(installation, tmp_path) -> None:
    secret = tmp_path / "elsewhere.csv"
    secret.write_text(HEADER + SALE)
    link = installation.settings.inbox / "till" / "till_1.csv"
    link.parent.mkdir(parents=True)
    link.symlink_to(secret)
    assert "links" in (installation.ingest().refused[0].reason or "")
    assert secret.read_text() == HEADER + SALE
    assert not link.is_symlink()
    assert installation.ingest().loads == ()


def test_a_file_in_the_inbox_itself_finds_its_mapping(installation) -> None:
    installation.drop("till_1.csv", HEADER + SALE)
    assert installation.ingest().loads[0].source == "till"


def test_one_source_can_be_asked_for(installation) -> None:
    installation.drop("till/till_1.csv", HEADER + SALE)
    other = installation.drop("shop/customers.csv", "id,email,phone,name\n1,a@b.fr,,A\n")
    assert [load.source for load in installation.ingest(source="till").loads] == ["till"]
    assert other.exists()


def test_header_names_are_matched_not_positions(installation) -> None:
    installation.drop("shop/customers.csv", "name,phone,email,id\nZoé,,a@b.fr,7\n")
    installation.ingest()
    assert installation.ask("select customer_ref, email, last_name from customers", "vault") == [("7", "a@b.fr", "Zoé")]


def test_a_dry_run_tells_and_changes_nothing(installation) -> None:
    path = installation.drop("till/till_1.csv", HEADER + SALE)
    seen = []
    summary = installation.ingest(dry_run=True, report=seen.append)
    assert [load.rows_loaded for load in summary.loads] == [1]
    assert seen == list(summary.loads)
    assert path.exists()
    assert not installation.settings.warehouse.exists()


def test_archive_and_quarantine_are_closed_to_others(installation, refused) -> None:
    installation.drop("till/till_1.csv", HEADER + SALE)
    refused("till/unknown.csv", HEADER)
    for folder in (installation.settings.archive, installation.settings.quarantine):
        assert folder.stat().st_mode & 0o077 == 0
        for path in folder.rglob("*.csv"):
            assert path.stat().st_mode & 0o077 == 0


def test_check_says_what_would_load_and_what_would_not(installation) -> None:
    path = installation.drop("till/till_1.csv", HEADER + SALE + SALE.replace("19,90", "19.90").replace("T1", "T2"))
    check = check_file(installation.settings, path)
    assert check.would_load
    told = check.text()
    assert "mapping till.yml" in told
    assert "'Prix' → order_lines.unit_price, returns.refund_amount" in told
    assert "'Libellé' → ignored" in told
    assert "2 rows: 1 would load, 1 would be rejected" in told
    assert "order_lines.unit_price: not a number" in told
    assert "'19.90', line 3" in told
    assert not installation.settings.data_dir.joinpath("warehouse.duckdb").exists()
    assert path.exists()


def test_check_names_the_closest_mapping_or_begins_one(installation) -> None:
    like = installation.drop("shop/clientes.csv", "id,email,phone,name\n1,a@b.fr,,A\n")
    told = check_file(installation.settings, like).text()
    assert "100% of the columns of shop_customers.yml" in told
    unlike = installation.drop("shop/stock_2026-01.csv", "Référence;Magasin;Stock\nA;S01;3\n".encode("cp1252"))
    told = check_file(installation.settings, unlike).text()
    assert 'csv: {delimiter: ";", encoding: cp1252}' in told
    assert '#  - "Référence"' in told


def test_status_knows_sources_loads_and_quarantine(installation, refused) -> None:
    from ingest.ledger import status

    installation.drop("till/till_1.csv", HEADER + SALE)
    refused("till/unknown.csv", HEADER)
    waiting = installation.drop("shop/customers.csv", "id\n")
    till = next(source for source in status(installation.settings).sources if source.source == "till")
    assert (till.files, till.rows_loaded, till.last_file) == (1, 1, "till_1.csv")
    assert [name for name, _ in till.quarantined] == ["unknown.csv"]
    shop = next(source for source in status(installation.settings).sources if source.source == "shop")
    assert shop.waiting == (waiting.name,)


@pytest.mark.parametrize(
    ("name", "kept_as"),
    [(b"till_\xe9t\xe9.csv", r"till_\xe9t\xe9.csv"), (b"till_" + b"x" * 235 + b".csv", f"till_{'x' * 25}…{'x' * 11}.csv")],
)
def test_a_name_that_cannot_be_kept_refuses_its_file_and_stops_no_other(installation, name: bytes, kept_as: str) -> None:
    installation.drop(f"till/{os.fsdecode(name)}", HEADER + SALE)
    installation.drop("till/till_1.csv", HEADER + SALE.replace("T1", "T2"))
    assert [load.verdict for load in installation.ingest().loads] == ["refused", "loaded"]
    kept = installation.settings.quarantine / "till" / kept_as
    assert "its name is not UTF-8 text, or too long" in kept.with_name(f"{kept.name}.reason.txt").read_text()
    assert installation.ingest(replay=[kept]).loads[0].verdict == "loaded"


def test_a_file_that_is_taken_away_stops_no_other(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = installation.drop("till/till_1.csv", HEADER + SALE)
    installation.drop("till/till_2.csv", HEADER + SALE.replace("T1", "T2"))
    monkeypatch.setattr("ingest.failpoints.reach", lambda step: gone.unlink() if step == "inbox listed" else None)
    assert [load.file_name for load in installation.ingest().loads] == ["till_2.csv"]


def test_what_lies_beside_a_repaired_file_may_be_named_with_it(installation, refused) -> None:
    refused("till/till_1's sale.csv", HEADER + SALE.rstrip("\n"))
    kept = installation.settings.quarantine / "till" / "till_1's sale.csv"
    reason = kept.with_name(f"{kept.name}.reason.txt")
    assert f"omnikpi replay {shlex.quote(str(kept))}" in reason.read_text()
    kept.write_text(HEADER + SALE)
    assert [load.verdict for load in installation.ingest(replay=[kept, reason]).loads] == ["loaded"]
    assert not reason.exists()


def test_a_source_that_no_mapping_has_is_no_empty_inbox(installation) -> None:
    with pytest.raises(ConfigurationError, match="did you mean `till`"):
        installation.ingest(source="tilt")


def test_a_file_that_may_not_be_read_stops_no_other_and_is_told_at_the_end(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = installation.drop("till/till_1.csv", HEADER + SALE)
    installation.drop("till/till_2.csv", HEADER + SALE.replace("T1", "T2"))
    sha256 = reading.sha256

    def forbid(path: Path) -> str:
        if path == locked:
            raise PermissionError(path)
        return sha256(path)

    monkeypatch.setattr(reading, "sha256", forbid)
    summary = installation.ingest()
    assert (summary.locked, summary.exit_code) == ((str(locked),), 74)
    assert f"cannot be read, give this user the right: {locked}" in summary.text()
    assert installation.ask("select file_name, verdict from ledger.files") == [("till_2.csv", "loaded")]
    assert locked.exists()


def test_folders_within_a_source_s_are_looked_into(installation) -> None:
    for place in ("till/2026-11-25/till_1.csv", "till/2026-11-26/till_1.csv", "till/2026-11-26/.sending/till_2.csv"):
        installation.drop(place, HEADER + SALE.replace("T1", place[-13:-4]))
    (installation.settings.inbox / "till" / "linked").symlink_to(installation.settings.data_dir)
    summary = installation.ingest()
    verdicts = sorted((load.source, load.file_name, load.verdict) for load in summary.loads)
    assert verdicts == [("till", "linked", "refused"), ("till", "till_1.csv", "loaded"), ("till", "till_1.csv", "loaded")]
    assert [path.name for path in installation.settings.inbox.rglob("*.csv")] == ["till_2.csv"]


def test_a_warehouse_that_is_lost_is_loaded_again_from_the_archive(installation) -> None:
    settings = installation.settings
    customers = "id,email,phone,name,born,created\n{},a@b.fr,,Anna,,2025-01-{}\n"
    for place, text in {
        "shop/customers.csv": customers.format(1, "01"),
        "till/till_1.csv": HEADER + SALE + SALE.replace("19,90", "19.90"),
        "unknown/what.csv": "a,b\n1,2\n",
        "lines/lines.csv": "order,sku,quantity,price\n7,A,1,2\n7,B,1,3\n",
    }.items():
        installation.drop(place, text)
    installation.ingest()
    # The next night's export bears the same name, and what came before comes again.
    installation.drop("shop/customers.csv", customers.format(1, "02"))
    installation.drop("shop/customers_again.csv", customers.format(1, "01"))
    installation.ingest()

    def everything() -> list[object]:
        tables = [name for (name,) in installation.ask("select table_name from duckdb_tables() where schema_name = 'raw'")]
        rows = [sorted(installation.ask(f"select * exclude (_loaded_at) from raw.{name}"), key=str) for name in tables]
        personal = sorted(installation.ask("from customers", "vault"), key=str)
        lines = installation.ask("select * from rejected_lines order by all", "vault")
        persons = installation.ask("select identity_key, person_id from ledger.identities order by all")
        return [rows, personal, lines, sorted(settings.archive.rglob("*")), persons]

    before = everything()
    assert [path.name[:6] for path in before[3] if path.is_file()] == ["000004", "000001", "000005", "000006", "000002"]  # pyright: ignore
    settings.warehouse.unlink()
    settings.vault.unlink()

    summary = installation.ingest(replay=[settings.archive])
    assert [(load.file_id, load.verdict) for load in summary.loads] == [
        (1, "loaded"), (2, "loaded_with_rejects"), (4, "loaded"), (5, "loaded"), (6, "duplicate")
    ]  # fmt: skip
    assert everything() == before
    assert installation.ingest(replay=[settings.archive]).text() == "Nothing to load"
    installation.drop("shop/customers.csv", customers.format(1, "02"))
    installation.drop("shop/customers_3.csv", customers.format(2, "03"))
    assert [(load.file_id, load.verdict) for load in installation.ingest().loads] == [(7, "duplicate"), (8, "loaded")]


def test_of_an_archive_loaded_in_parts_no_file_is_overwritten(installation) -> None:
    header = "order,sku,quantity,price\n"
    for number in range(3):
        installation.drop("till/till_1.csv", HEADER + SALE.replace("T1", f"T{number}"))
        installation.drop("lines/lines.csv", header + f"{number},A,1,2\n")
        installation.ingest()
    settings = installation.settings
    contents = sorted(path.read_text() for path in settings.archive.rglob("*.csv"))
    settings.warehouse.unlink()
    settings.vault.unlink()
    for source in ("till", "lines"):
        assert {load.verdict for load in installation.ingest(replay=[settings.archive / source]).loads} == {"loaded"}
    assert sorted(path.read_text() for path in settings.archive.rglob("*.csv")) == contents
    assert installation.ask("select count(*) from ledger.files") == [(6,)]
