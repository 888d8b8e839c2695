"""What a file may lack and still load, and the way back of what was rejected."""

import gzip
import io
import os
import stat
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingest import DataRefused, vault
from ingest.inbox import prune_archive
from ingest.ledger import status
from ingest.rejects import export

HEADER = "Ticket;Ligne;Type;Date;Magasin;Article;Libellé;Qté;Prix\n"
SALE = "T{0};1;VENTE;24/12/2025 18:05;S01;A-1;Écharpe;2;19,90\n"


def sales(sound: int, faulty: int) -> str:
    rows = [SALE.format(number) for number in range(sound)]
    return HEADER + "".join(rows + [SALE.format(f"F{number}").replace("19,90", "19.90") for number in range(faulty)])


@pytest.mark.parametrize(
    ("sound", "faulty", "written", "verdict"),
    [
        (1, 1, "", "loaded_with_rejects"),
        (1, 2, "", "refused"),
        (20, 10, "", "loaded_with_rejects"),
        (30, 11, "", "refused"),
        (1200, 12, "", "loaded_with_rejects"),
        (1200, 13, "", "refused"),
        (30, 11, "max_rejects: 50%\n", "loaded_with_rejects"),
        (1200, 1, "max_rejects: 0%\n", "refused"),
        (0, 1, "max_rejects: 100%\n", "refused"),
    ],
)
def test_a_file_may_lack_one_percent_of_its_rows_or_ten_but_never_most(
    installation, sound: int, faulty: int, written: str, verdict: str
) -> None:
    installation.map("till", written + (installation.settings.sources / "till.yml").read_text())
    installation.drop("till/till_1.csv", sales(sound, faulty))
    load = installation.ingest().loads[0]
    assert load.verdict == verdict
    loaded = sound if verdict != "refused" else 0
    assert installation.ask("select count(*) from raw.orders") == [(loaded,)]
    if verdict == "refused":
        assert f"{faulty:,} of its {sound + faulty:,} rows do not fit" in (load.reason or "")
        assert f"line {sound + 2}, column unit_price: not a number" in (load.reason or "")


def test_a_new_column_loads_and_is_told(installation) -> None:
    installation.drop("till/till_1.csv", "Vendeur;" + HEADER + "Zoé;" + SALE.format(1))
    summary = installation.ingest()
    assert (summary.loads[0].verdict, summary.loads[0].new_columns) == ("loaded", ("Vendeur",))
    assert "new column, not loaded: till/till_1.csv: Vendeur" in summary.text()
    assert installation.ask("select new_columns from ledger.files") == [(["Vendeur"],)]
    till = next(source for source in status(installation.settings).sources if source.source == "till")
    assert till.new_columns == ["till: Vendeur"]
    assert installation.ask("select unit_price::double from raw.order_lines") == [(19.9,)]


def test_rejected_rows_are_written_out_corrected_and_loaded_alone(installation) -> None:
    text = sales(2, 0) + SALE.format(9).replace("T9", '"T; 9"').replace("19,90", "19.90").replace(
        "Écharpe", '"Écharpe ""laine"""'
    )
    installation.drop("till/till_1.csv", text)
    installation.ingest()
    till = next(source for source in status(installation.settings).sources if source.source == "till")
    assert till.to_correct == ["till_1.csv"]
    written = export(installation.settings, "till/till_1.csv")
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700
    assert written.read_text(encoding="utf-8") == HEADER + text.splitlines(keepends=True)[-1]

    written.write_text(written.read_text(encoding="utf-8").replace("19.90", "19,90"), encoding="utf-8")
    load = installation.ingest(replay=[written]).loads[0]
    assert (load.verdict, load.rows_in, load.file_name, load.reason) == ("loaded", 1, "till_1.csv", "corrects file 1")
    till = next(source for source in status(installation.settings).sources if source.source == "till")
    assert (till.files, till.with_rejects, till.to_correct) == (2, 1, [])
    assert installation.ask("select count(*), count(distinct order_id) from raw.orders") == [(3, 3)]
    assert not written.parent.exists()


def test_rejects_that_were_not_corrected_stay_where_they_are(installation) -> None:
    installation.drop("till/till_1.csv", sales(2, 1))
    installation.ingest()
    written = export(installation.settings, "till/till_1.csv")
    assert installation.ingest(replay=[written]).loads[0].verdict == "refused"
    assert written.exists()
    quarantined = [name for source in status(installation.settings).sources for name, _ in source.quarantined]
    assert quarantined == ["rejects_000001/till_1.csv"]


def test_rows_numbered_within_an_order_come_out_with_their_order(installation) -> None:
    header = "order,sku,quantity,price\n"
    installation.drop("lines/lines.csv.gz", gzip.compress((header + "7,A,1,2\n8,B,1,2\n7,C,one,2\n7,D,1,2\n").encode()))
    installation.ingest()
    written = export(installation.settings, "lines/lines.csv.gz")
    assert written.read_text() == header + "7,A,1,2\n7,C,one,2\n7,D,1,2\n"
    written.write_text(written.read_text().replace("one", "1"))
    installation.ingest(replay=[written])
    newest = "select line_number, sku from raw.order_lines where order_id = '7' and _file_id = 2 order by 1"
    assert installation.ask(newest) == [(1, "A"), (2, "C"), (3, "D")]


@pytest.mark.parametrize("form", ["workbook", "ndjson", "parquet"])
def test_rejected_rows_of_other_formats_come_out_as_text_and_go_back_alone(installation, form: str) -> None:
    rows = pl.DataFrame({"order": ["7", "8", "9"], "sku": ["A", 'B "2"', "C"], "quantity": ["1", "two", "3"], "price": ["2"] * 3})
    name = {"workbook": "basket.xlsx", "ndjson": "basket.ndjson", "parquet": "basket.parquet"}[form]
    lines = (installation.settings.sources / "lines.yml").read_text()
    lines = lines.replace("source: lines", "source: baskets").replace("sequence: order", 'value: "1"')
    installation.map("basket", lines.replace("lines*.csv*", "basket.*") + f"{form}: {{}}\n")
    content = io.BytesIO()
    {"workbook": rows.write_excel, "ndjson": rows.write_ndjson, "parquet": rows.write_parquet}[form](content)
    installation.drop(f"baskets/{name}", content.getvalue())
    assert installation.ingest().loads[0].rows_rejected == 1
    corrected = export(installation.settings, f"baskets/{name}")
    assert corrected.name == f"{name}.rows.csv"
    assert corrected.read_text().splitlines() == ["order,sku,quantity,price", '8,"B ""2""",two,2']

    corrected.write_text(corrected.read_text().replace("two", "2"))
    load = installation.ingest(replay=[corrected]).loads[0]
    assert (load.verdict, load.rows_in, load.reason) == ("loaded", 1, "corrects file 1"), load
    assert installation.ask("select order_id, sku, quantity::int from raw.order_lines order by 1") == [
        ("7", "A", 1),
        ("8", 'B "2"', 2),
        ("9", "C", 3),
    ]
    archived = next(installation.settings.archive.rglob("*.rows.csv"))
    assert installation.ingest(replay=[archived]).loads[0].verdict == "loaded"


def test_lines_that_are_no_records_are_corrected_in_a_copy_of_the_file(installation) -> None:
    lines = (installation.settings.sources / "lines.yml").read_text()
    installation.map("events", lines.replace("lines*.csv*", "events*") + "ndjson: {}\n")
    installation.drop("lines/events.ndjson", '{"order": 7, "sku": "A", "quantity": 1, "price": 2}\nno record\n')
    installation.ingest()
    with pytest.raises(DataRefused, match="lines that are no records"):
        export(installation.settings, "lines/events.ndjson")


def test_records_of_a_wrong_length_in_a_numbered_export_are_corrected_as_a_whole(installation) -> None:
    installation.drop("lines/lines.csv", "order,sku,quantity,price\n7,A,1,2\n7,C,1\n")
    installation.ingest()
    with pytest.raises(DataRefused, match="correct a copy of the whole file"):
        export(installation.settings, "lines/lines.csv")


def test_a_file_without_rejects_is_named(installation) -> None:
    with pytest.raises(DataRefused, match=r"no row of till/till_1\.csv was rejected"):
        export(installation.settings, "till/till_1.csv")


def test_personal_values_of_rejected_rows_come_back_whole(installation) -> None:
    rows = "id,email,phone,name,created\n1,a@b.fr,,A,2026-01-01\n2,zoe@x.fr,,Zoé,soon\n3,b@b.fr\n4,c@b.fr,,C,\n"
    installation.drop("shop/customers.csv", rows)
    installation.ingest()
    written = export(installation.settings, "shop/customers.csv")
    assert written.read_text(encoding="utf-8").splitlines()[1:] == ["2,zoe@x.fr,,Zoé,soon", "3,b@b.fr"]


def test_a_quarantined_file_keeps_its_name_beside_another_of_that_name(installation) -> None:
    for content in ("nonsense\n1\n", "nonsense\n2\n"):
        installation.drop("till/till_1.csv", content)
        installation.ingest()
    second = installation.settings.quarantine / "till" / "000002" / "till_1.csv"
    second.write_text(sales(1, 0), encoding="utf-8")
    assert installation.ingest(replay=[second]).loads[0].verdict == "loaded"


def test_archived_files_and_rejected_rows_stay_for_ever_unless_a_setting_says_how_long(installation) -> None:
    for number in (1, 2):
        installation.drop(f"till/till_{number}.csv", sales(2 + number, 1))
        installation.ingest()
    with duckdb.connect(str(installation.settings.warehouse)) as connection:
        connection.execute("update ledger.files set loaded_at = loaded_at - interval 31 day where file_id = 1")

    def archived() -> list[str]:
        return sorted(path.name for path in installation.settings.archive.rglob("*.csv"))

    prune_archive(installation.settings)
    assert archived() == ["000001_till_1.csv", "000002_till_2.csv"]
    prune_archive(installation.settings.model_copy(update={"keep_archive_days": 30}))
    assert archived() == ["000002_till_2.csv"]
    assert not vault.kept_lines(installation.settings.vault, 1)
    assert vault.kept_lines(installation.settings.vault, 2)


def test_a_growing_file_is_never_loaded_wherever_its_writer_stops(installation) -> None:
    """However long the writer pauses, and even where it has just ended a line."""
    content = sales(40, 0).encode()
    path = installation.drop("till/till_1.csv", b"")
    stops = sorted({len(content) * number // 100 for number in range(1, 100)} | {len(HEADER.encode())})
    assert len(stops) == 100
    with path.open("wb", buffering=0) as writer:
        for before, after in zip([0, *stops], stops, strict=False):
            writer.write(content[before:after])
            os.utime(path, (1_750_000_000, 1_750_000_000))
            summary = installation.ingest(dry_run=True)
            assert (summary.loads, summary.unfinished) == ((), ("till_1.csv",)), f"stopped at byte {after}"
        assert installation.ingest().unfinished == ("till_1.csv",)
        writer.write(content[stops[-1] :])
    os.utime(path, (1_750_000_000, 1_750_000_000))
    assert installation.ingest().loads[0].rows_loaded == 40


def test_a_file_whose_writer_died_is_not_loaded_unless_it_ends_with_a_line(installation) -> None:
    content = sales(3, 0).encode()
    ends = {index + 1 for index, byte in enumerate(content) if byte == ord("\n")}
    for stop in [stop for stop in range(1, len(content), 29) if stop not in ends]:
        installation.drop(f"till/till_{stop}.csv", content[:stop])
    loads = installation.ingest().loads
    assert len(loads) > 5
    assert {load.verdict for load in loads} == {"refused"}
    assert installation.ask("select count(*) from raw.orders") == [(0,)]


def test_waiting_files_are_told_as_such(installation) -> None:
    path: Path = installation.drop("till/till_1.csv", HEADER)
    told = []
    with path.open("a"):
        installation.ingest(report=told.append)
    assert [(load.verdict, load.source, load.file_name) for load in told] == [("waiting", "till", "till_1.csv")]
    assert installation.ask("select count(*) from ledger.files") == [(0,)]
