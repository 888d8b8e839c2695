"""Loading: every row of every file is accounted for, in one transaction, and nothing is loaded twice."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingest import inbox, ledger, loading

HEADER = "Ticket;Ligne;Type;Date;Magasin;Article;Libellé;Qté;Prix\n"
SALE = "T1;1;VENTE;24/12/2025 18:05;S01;A-1;Écharpe;2;1 019,90 €\n"


def test_one_export_feeds_several_entities(installation) -> None:
    installation.drop(
        "till/till_1.csv",
        HEADER + SALE + "T1;2;VENTE;24/12/2025 18:05;S01;B-2;Gants;1;25,00\n"
        "T2;1;RETOUR;24/12/2025 18:30;S01;B-2;Gants;-1;-25,00\nTOTAL;;;;;;;2;1 044,90\n",
    )
    load = installation.ingest().loads[0]
    assert load.entities == {"orders": 1, "order_lines": 2, "returns": 1}
    assert (load.rows_in, load.rows_loaded, load.rows_rejected, load.rows_skipped, load.verdict) == (3, 3, 0, 1, "loaded")
    assert installation.ask("select order_id, ordered_at::varchar, channel, _line from raw.orders") == [
        ("T1", "2025-12-24 17:05:00", "store", 2)
    ]
    lines = "select line_number, quantity::varchar, unit_price::varchar, _source, _line from raw.order_lines order by _line"
    assert installation.ask(lines) == [(1, "2.0000", "1019.9000", "till", 2), (2, "1.0000", "25.0000", "till", 3)]
    assert installation.ask("select refund_amount::double, quantity::double, _line from raw.returns") == [(25.0, 1.0, 4)]


def test_a_faulty_row_is_rejected_whole_with_line_column_value_and_reason(installation) -> None:
    installation.drop("till/till_1.csv", HEADER + SALE + "T2;1;VENTE;24/12/2025 18:05;S01;A-1;Écharpe;deux;19.90\n")
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected, load.verdict) == (2, 1, 1, "loaded_with_rejects")
    assert installation.ask("select order_id from raw.orders") == [("T1",)], "its sound half must not load either"
    rejects = installation.ask("select line, entity, column_name, value, reason from ledger.rejects order by column_name")
    assert [reject[:4] for reject in rejects] == [
        (3, "order_lines", "quantity", "•••"),  # the export has a loyalty card, and this might be a name
        (3, "order_lines", "unit_price", "19.90"),
    ]
    assert "column 'Qté'" in rejects[0][4]
    assert "decimal mark ','" in rejects[1][4]


def test_the_ledger_balances_for_every_file(installation) -> None:
    faulty = "T9;x;VENTE;31/02/2025 18:05;S01;;;1;1\n;;;;;;;;\nT8;1;VENTE;01/01/2025 10:00;S01;A;;1\n"
    installation.drop("till/till_1.csv", HEADER + SALE + SALE.replace("T1", "T7") + faulty + "TOTAL;;;;;;;;\n")
    installation.drop("till/till_2.csv", HEADER)
    installation.drop("till/till_3.csv", "nonsense\n1\n")
    installation.drop("shop/customers.csv", "id,email,phone,name\n1,a@b.fr,,A\n,,,\n")
    installation.ingest()
    files = installation.ask(
        "select file_name, verdict, rows_in, rows_loaded, rows_rejected, rows_skipped from ledger.files order by file_id"
    )
    assert files == [
        ("till_1.csv", "loaded_with_rejects", 4, 2, 2, 2),
        ("till_2.csv", "loaded", 0, 0, 0, 0),
        ("till_3.csv", "refused", 0, 0, 0, 0),
        ("customers.csv", "loaded", 1, 1, 0, 1),
    ]
    assert installation.ask("select count(distinct line) from ledger.rejects where file_id = 1") == [(2,)]
    stored = "select count(*) from raw.order_lines where _file_id = 1"
    told = "select rows_loaded from ledger.file_entities where file_id = 1 and entity = 'order_lines'"
    assert installation.ask(stored) == installation.ask(told) == [(2,)]


def test_a_record_of_a_wrong_length_is_rejected_and_later_lines_keep_their_number(installation) -> None:
    installation.drop("lines/lines.csv", 'order,sku,quantity,price\n1,A,1,2\n1,B\n1,"C\nc",1,3\n')
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert installation.ask("select sku, _line from raw.order_lines order by _line") == [("A", 2), ("C\nc", 4)]
    assert installation.ask("select line, column_name, reason from ledger.rejects") == [
        (3, None, "2 fields where the header has 4")
    ]


def test_lines_are_numbered_within_their_order(installation) -> None:
    installation.drop("lines/lines.csv", "order,sku,quantity,price\n7,A,1,2\n8,B,1,2\n7,C,1,2\n7,D,one,2\n7,E,1,2\n")
    installation.ingest()
    assert installation.ask("select order_id, line_number, sku from raw.order_lines order by _line") == [
        ("7", 1, "A"),
        ("8", 1, "B"),
        ("7", 2, "C"),
        ("7", 4, "E"),  # D keeps its number, so that a repaired delivery can fill it in
    ]


@pytest.mark.parametrize("held_records", [-1, 1000])
def test_streamed_and_held_files_load_the_same(installation, monkeypatch: pytest.MonkeyPatch, held_records: int) -> None:
    monkeypatch.setattr(loading, "HELD_RECORDS", held_records)
    installation.drop(
        "shop/customers.csv", "id,email,phone,name,born\n1,A@b.fr,0612345678,Zoé,01/01/1990\n2,c@d.fr,,Bo,1990-01-01\n"
    )
    load = installation.ingest().loads[0]
    assert (load.rows_loaded, load.rows_rejected, load.entities) == (1, 1, {"customers": 1})
    assert installation.ask("select customer_ref, email, last_name from customers", "vault") == [("2", "c@d.fr", "Bo")]
    assert installation.ask("select count(*), count(email_hash), count(identity_key) from raw.customers") == [(1, 1, 1)]
    assert installation.ask("select line, column_name, value from ledger.rejects") == [(2, "birth_date", "•••")]


def test_the_same_content_loads_once(installation) -> None:
    installation.drop("till/till_1.csv", HEADER + SALE)
    installation.ingest()
    installation.drop("till/till_again.csv", HEADER + SALE)
    load = installation.ingest().loads[0]
    assert load.verdict == "duplicate"
    assert "file 1" in (load.reason or "")
    assert installation.ask("select count(*) from raw.orders") == [(1,)]


def test_the_same_content_from_another_source_is_another_file(installation) -> None:
    installation.map("other", (installation.settings.sources / "till.yml").read_text().replace("source: till", "source: other"))
    installation.drop("till/till_1.csv", HEADER + SALE)
    installation.drop("other/till_1.csv", HEADER + SALE)
    installation.ingest()
    assert installation.ask("select _source from raw.orders order by 1") == [("other",), ("till",)]


def test_a_corrected_delivery_has_a_higher_file_id(installation) -> None:
    installation.drop("till/till_1.csv", HEADER + SALE)
    installation.drop("till/till_1_corrected.csv", HEADER + SALE.replace("S01", "S02"))
    installation.ingest()
    assert installation.ask("select location_id, _file_id from raw.orders order by _file_id") == [("S01", 1), ("S02", 2)]


def test_a_failed_load_leaves_nothing_behind(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    installation.drop("shop/customers.csv", "id,email,phone,name\n1,a@b.fr,,A\n")

    def fail(*_: object) -> None:
        raise duckdb.IOException("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(ledger, "record", fail)
        with pytest.raises(duckdb.IOException):
            installation.ingest()
    assert installation.ask("select (select count(*) from raw.customers), (select count(*) from ledger.files)") == [(0, 0)]
    assert installation.ask("select count(*) from customers", "vault") == [(0,)]
    assert installation.ingest().loads[0].rows_loaded == 1, "the file stayed in the inbox"


def test_values_of_an_unrecorded_load_leave_the_vault(installation) -> None:
    installation.drop("shop/customers_1.csv", "id,email,phone,name\n1,a@b.fr,,A\n")
    installation.ingest()
    with duckdb.connect(str(installation.settings.vault)) as safe:  # as if the process had died between the two commits
        safe.execute("update customers set _file_id = 2")
    installation.drop("shop/customers_2.csv", "id,email,phone,name\n2,c@d.fr,,B\n")
    installation.ingest()
    assert installation.ask("select customer_ref, _file_id from customers", "vault") == [("2", 2)]


def test_a_process_that_died_before_the_move_only_moves(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    path = installation.drop("till/till_1.csv", HEADER + SALE)
    content = path.read_bytes()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(inbox, "_archive", die)
        with pytest.raises(KeyboardInterrupt):
            installation.ingest()
    assert path.exists()
    installation.ingest()
    archived = [file for file in installation.settings.archive.rglob("*") if file.is_file()]
    assert [file.name for file in archived] == ["000001_till_1.csv"]
    assert archived[0].read_bytes() == content
    assert installation.ask("select count(*) from ledger.files") == [(1,)]


def test_a_file_none_of_whose_rows_fits_is_refused(installation, refused) -> None:
    told = refused("till/till_1.csv", HEADER + SALE.replace("24/12/2025", "2025-12-24"))
    assert "1 of its 1 rows do not fit" in told
    assert "line 2, column ordered_at" in told
    assert installation.ask("select count(*) from ledger.rejects") == [(0,)]


def test_a_replayed_file_is_loaded_again_and_archived(installation, refused) -> None:
    refused("till/till_1.csv", HEADER.replace("Prix", "Montant") + SALE)
    installation.map("till", (installation.settings.sources / "till.yml").read_text().replace('"Prix"', '"Montant"'))
    quarantined = installation.settings.quarantine / "till" / "till_1.csv"
    load = installation.ingest(replay=[quarantined]).loads[0]
    assert (load.verdict, load.rows_loaded) == ("loaded", 1)
    assert not list(quarantined.parent.iterdir()), "the file and its reason have gone"
    archived = next(installation.settings.archive.rglob("*.csv"))
    again = installation.ingest(replay=[archived]).loads[0]
    assert (again.verdict, again.file_name, again.file_id) == ("loaded", "till_1.csv", 3)
    assert archived.exists()


def test_columns_declared_later_are_added_to_tables_that_exist(tmp_path: Path) -> None:
    from ingest.entities import create_tables

    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        create_tables(connection)
        connection.execute("alter table raw.orders drop column is_b2b")
        create_tables(connection)
        assert connection.execute("select is_b2b from raw.orders").fetchall() == []


def test_columns_declared_wider_later_are_widened_with_their_values(tmp_path: Path) -> None:
    from ingest.entities import create_tables

    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        create_tables(connection)
        connection.execute("alter table raw.fx_rates alter column rate set data type decimal(18, 6)")
        connection.execute("insert into raw.fx_rates (currency, rate) values ('CHF', 1.063825)")
        create_tables(connection)
        connection.execute("insert into raw.fx_rates (currency, rate) values ('HUF', 0.0024151688)")
        rates = connection.execute("select rate from raw.fx_rates order by rate").fetchall()
    assert rates == [(Decimal("0.0024151688"),), (Decimal("1.063825"),)]
