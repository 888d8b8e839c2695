"""Formats: the same rows load the same from every kind of file, and what is no such file is refused saying why."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter

from ingest import unpacking

COLUMNS = """
entities:
  orders:
    order_id: number
    ordered_at: {from: at, format: [iso, "%Y-%m-%d"]}
    channel: {value: web}
    status: {value: paid}
    currency: {value: EUR}
    shipping_amount: shipping
    is_test: {from: test, optional: true}
"""
CSV = "number,at,shipping,test\n17850,2026-01-02 10:00:00,4.9,false\n007,2026-01-03,,\n"
LOADED = [
    ("007", "2026-01-03 00:00:00", None, None),
    ("17850", "2026-01-02 10:00:00", Decimal("4.9000"), False),
]


def mapping(form: str) -> str:
    return f'source: shop\nfiles: "export*"\ntimezone: UTC\n{form}\n{COLUMNS}'


def workbook(*sheets: str, start: int = 0) -> bytes:
    """A workbook of the rows in `CSV`, with a formula, dates and numbers as a spreadsheet holds them."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        day, moment = book.add_format({"num_format": "dd/mm/yyyy"}), book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for name in sheets or ("Orders",):
            sheet = book.add_worksheet(name)
            sheet.write_row(start, 0, ["number", "at", "shipping", "test"])
            sheet.write_number(start + 1, 0, 17850)
            sheet.write_datetime(start + 1, 1, datetime(2026, 1, 2, 10), moment)
            sheet.write_formula(start + 1, 2, "=49/10", None, 4.9)  # pyright: ignore[reportArgumentType]
            sheet.write_boolean(start + 1, 3, False)
            sheet.write_string(start + 2, 0, "007")
            sheet.write_datetime(start + 2, 1, datetime(2026, 1, 3), day)
            sheet.write_blank(start + 6, 8, None, day)
    return content.getvalue()


def zipped(**members: str | bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def zstd(data: bytes) -> bytes:
    output = pa.BufferOutputStream()
    with pa.CompressedOutputStream(output, "zstd") as packed:
        packed.write(data)
    return output.getvalue().to_pybytes()


def parquet() -> bytes:
    content = io.BytesIO()
    moments = [datetime(2026, 1, 2, 10, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)]
    rows = {"number": ["17850", "007"], "at": moments, "shipping": [4.9, float("nan")], "test": [False, None]}
    pl.DataFrame(rows).write_parquet(content)
    return content.getvalue()


NDJSON = (
    '{"number": "17850", "at": "2026-01-02 10:00:00", "shipping": 4.90, "test": false}\n\n{"number": "007", "at": "2026-01-03"}'
)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("export.csv", CSV.encode("utf-8-sig"), ""),
        ("export.tsv", CSV.replace(",", "\t").encode("utf-16"), 'csv: {delimiter: "\\t", encoding: utf-16}'),
        ("export.csv.gz", gzip.compress(CSV.encode()), ""),
        ("export.csv.zst", zstd(CSV.encode()), ""),
        ("export.zip", zipped(**{"day 1.csv": CSV}), ""),
        ("export.xlsx", workbook(), "workbook: {}"),
        ("export.xlsx", workbook("Notes", "Orders", start=3), "workbook: {sheet: Orders, skip_rows: 3}"),
        ("export.xlsx.zip", zipped(**{"book.xlsx": workbook()}), "workbook: {}"),
        ("export.ndjson", NDJSON.encode("utf-8-sig"), "ndjson: {}"),
        ("export.ndjson.gz", gzip.compress(NDJSON.encode()), "ndjson: {}"),
        ("export.parquet", parquet(), "parquet: {}"),
    ],
)
def test_the_same_rows_load_the_same_from_every_format(installation, name: str, content: bytes, form: str) -> None:
    installation.map("export", mapping(form))
    installation.drop(f"shop/{name}", content)
    load = installation.ingest().loads[0]
    assert (load.verdict, load.reason, load.rows_in) == ("loaded", None, 2)
    assert installation.ask("select order_id, ordered_at::varchar, shipping_amount, is_test from raw.orders order by 1") == LOADED


def test_lines_run_on_through_the_members_of_an_archive(installation) -> None:
    installation.map("export", mapping(""))
    second = CSV.replace("17850", "2").replace("007", '"3\n"')
    installation.drop("shop/export.zip", zipped(**{"b.csv": second, "a.csv": CSV, "__MACOSX/._a.csv": b"\0"}))
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded) == (4, 4)
    assert installation.ask("select order_id, _line from raw.orders order by 2") == [("17850", 2), ("007", 3), ("2", 4), ("3", 5)]


def encrypted() -> bytes:
    data = bytearray(zipped(**{"a.csv": CSV}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def link() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        member = zipfile.ZipInfo("a.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    return content.getvalue()


BROKEN = gzip.compress(CSV.encode() * 500)[:-20]


@pytest.mark.parametrize(
    ("name", "content", "form", "told"),
    [
        ("export.zip", zipped(**{"../a.csv": CSV}), "", "a path that leads out of it"),
        ("export.zip", zipped(**{"/etc/a.csv": CSV}), "", "a path that leads out of it"),
        ("export.zip", zipped(**{"C:\\a.csv": CSV}), "", "a path that leads out of it"),
        ("export.zip", link(), "", "is a link"),
        ("export.zip", encrypted(), "", "the archive is encrypted"),
        ("export.zip", zipped(**{"a.zip": zipped(**{"b.csv": CSV})}), "", "is an archive"),
        ("export.zip", zipped(), "", "the archive is empty"),
        ("export.zip", CSV.encode(), "", "no zip archive"),
        ("export.zip", zipped(**{"a.csv": CSV})[:-30], "", "no zip archive"),
        ("export.zip", zipped(**{"a.csv": CSV, "b.csv": CSV.replace("shipping", "postage")}), "", "other columns than the first"),
        ("export.zip", zipped(**{"a.csv": CSV, "b.csv": CSV.rstrip("\n") + "7"}), "", "the last line does not end"),
        ("export.zip", zipped(**{"a.csv": "a,b\n" + "1,2\n" * 200_000}), "", "unpacks to more than 200 times its size"),
        ("export.csv.zst", zstd(b"a,b\n" + b"1,2\n" * 200_000), "", "unpacks to more than 200 times its size"),
        ("export.csv.gz", BROKEN, "", "damaged or cut"),
        ("export.csv.gz", CSV.encode(), "", "damaged or cut"),
        ("export.csv.zst", zstd(CSV.encode())[:-9], "", "damaged or cut"),
        ("export.csv.zst", CSV.encode(), "", "damaged or cut"),
        (
            "export.xlsx",
            workbook("One", "Two"),
            "workbook: {}",
            "it has 2 sheets; say which one in `workbook: {sheet: …}`: One, Two",
        ),
        ("export.xlsx", workbook(), "workbook: {sheet: Order}", "no sheet 'Order' (did you mean `Orders`?)"),
        ("export.xlsx", workbook(start=2), "workbook: {}", "row 1 of the sheet is no header"),
        ("export.xls", CSV.encode(), "workbook: {}", "describe it with `csv`"),
        ("export.xlsx", workbook()[:-200], "workbook: {}", "it is no workbook, or is damaged"),
        ("export.xlsx.zip", zipped(**{"a.xlsx": workbook(), "b.xlsx": workbook()}), "workbook: {}", "send them one by one"),
        ("export.ndjson", NDJSON[:-5].encode(), "ndjson: {}", "line 3: the last line is cut"),
        ("export.ndjson", b"", "ndjson: {}", "no JSON object"),
        ("export.ndjson", b'{"number": "caf\xe9"}\n', "ndjson: {}", "line 1: not utf-8 text"),
        ("export.ndjson", b'{"nummer": 1}\n', "ndjson: {}", "none of the columns of export.yml"),
        ("export.parquet", parquet()[:-8], "parquet: {}", "no Parquet file"),
    ],
)
def test_what_is_no_such_file_is_refused(installation, refused, monkeypatch, name: str, content, form: str, told: str) -> None:
    monkeypatch.setattr(unpacking, "LEAST_LIMIT", 200_000)
    installation.map("export", mapping(form))
    assert told in refused(f"shop/{name}", content)


GA4 = """
source: analytics
files: "events*"
timezone: UTC
{form}
entities:
  sessions:
    when: {{event_params.ga_session_id: {{present: true}}}}
    per: [user_pseudo_id, event_params.ga_session_id]
    session_id: {{join: {{with: ".", columns: [user_pseudo_id, event_params.ga_session_id]}}}}
    visitor_id: user_pseudo_id
    started_at: {{from: event_timestamp, format: unix_us, take: min}}
    channel: {{value: web}}
    part: event_date
    device: device.category
    source: {{from: event_params.source, optional: true}}
    order_id: {{from: ecommerce.transaction_id, optional: true}}
ignore: ["*"]
"""


def event(user: str, session: int | None, moment: int, **fields: object) -> dict:
    params = [] if session is None else [{"key": "ga_session_id", "value": {"string_value": None, "int_value": session}}]
    source = fields.pop("source", None)
    params += [{"key": "source", "value": {"string_value": source, "int_value": None}}] if source else []
    record = {"user_pseudo_id": user, "event_date": "20260102", "event_timestamp": moment, "event_params": params}
    return record | {"device": {"category": "mobile"}, "items": [{"item_id": "A"}]} | fields


EVENTS = [
    event("1.7", 9, 1767348060000000, source="google"),
    event("1.7", 9, 1767348000000000, ecommerce={"transaction_id": "W1"}),
    event("1.7", None, 1767348000000000),
    event("2.0", 9, 1767434400000000),
]


def ndjson_events() -> bytes:
    return "".join(json.dumps(one) + "\n" for one in EVENTS).encode()


def parquet_events() -> bytes:
    content = io.BytesIO()
    pl.DataFrame(EVENTS).write_parquet(content)
    return content.getvalue()


@pytest.mark.parametrize(("form", "content"), [("ndjson: {}", ndjson_events), ("parquet: {}", parquet_events)])
def test_nested_events_become_sessions(installation, form: str, content: Callable[[], bytes]) -> None:
    installation.map("events", GA4.format(form=form))
    installation.drop("analytics/events_20260102", content())
    load = installation.ingest().loads[0]
    assert (load.verdict, load.rows_in, load.rows_skipped, load.entities) == ("loaded", 3, 1, {"sessions": 2})
    columns = "session_id, started_at::varchar, device, source, order_id"
    assert installation.ask(f"select {columns} from raw.sessions order by 1") == [
        ("1.7.9", "2026-01-02 10:00:00", "mobile", "google", "W1"),
        ("2.0.9", "2026-01-03 10:00:00", "mobile", None, None),
    ]


def test_lines_that_are_no_records_are_rejected_with_their_number(installation) -> None:
    installation.map("export", mapping("ndjson: {}") + "max_rejects: 60%\n")
    twice = '{"number": "8", "number": "9", "at": "2026-01-03"}\n'
    installation.drop("shop/export.ndjson", twice + "nonsense\n[1]\n" + NDJSON + "\n")
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected) == (5, 2, 3)
    assert installation.ask("select line, reason from ledger.rejects order by 1") == [
        (1, "field 'number' is there twice"),
        (2, "not a JSON object"),
        (3, "not a JSON object"),
    ]
    assert installation.ask("select _line from raw.orders order by 1") == [(4,), (6,)]


def test_numbers_of_json_stay_as_they_are_written(installation) -> None:
    installation.map("export", mapping("ndjson: {}"))
    installation.drop(
        "shop/export.ndjson",
        '{"number": 17850.0, "at": "2026-01-03", "shipping": 1e2}\n{"number": 7, "at": "2026-01-03", "shipping": 0.1}\n',
    )
    installation.ingest()
    assert installation.ask("select order_id, shipping_amount::double from raw.orders") == [("7", 0.1)]
    assert installation.ask("select column_name, value from ledger.rejects") == [("shipping_amount", "1e2")]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (17850.0, "17850"),
        (0.1 + 0.2, "0.3"),
        (19.99, "19.99"),
        (-1e-7, "-0.0000001"),
        (9007199254740991.0, "9007199254740991"),
        (" 007 ", "007"),
        ("", None),
        (True, "true"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 13, 45), "2026-01-31 13:45:00"),
    ],
)
def test_a_cell_is_read_as_it_is_shown(cell: object, text: str | None) -> None:
    from ingest.workbooks import cell_text

    assert cell_text(cell) == text


def test_a_legacy_workbook_is_read(shared_data: Path, tmp_path: Path) -> None:
    from ingest import workbooks
    from ingest.mappings import Workbook

    book = shared_data / "superstore" / "Sample - Superstore.xls"
    assert "Orders" in workbooks.sheets(book)
    text = workbooks.read(book, Workbook(sheet="Orders"), tmp_path)
    assert text.records == 9_994
    rows = pl.read_parquet(text.path / "*.parquet")
    index = text.header.index
    assert rows["line"][0] == "2"
    assert rows[f"c{index('Row ID')}"][0] == "1"
    assert round(rows[f"c{index('Sales')}"].cast(pl.Float64).sum(), 2) == 2297200.86
    assert rows[f"c{index('Order Date')}"].str.contains(r"^\d{4}-\d\d-\d\d$").all()
