"""A corpus of malformed exports: each kind has its verdict, and no value changes on its way."""

from decimal import Decimal

import pytest

MAPPING = """
source: till
files: "sales*"
timezone: Europe/Paris
csv: {delimiter: ";", decimal: ",", thousands: " ", symbols: ["€"]}
skip: {when: {Ticket: {matches: "(?i)^(grand )?total"}}}
entities:
  orders:
    per: Ticket
    order_id: Ticket
    ordered_at: {from: Date, format: "%d/%m/%Y %H:%M"}
    channel: {value: store}
    status: {value: completed}
    currency: {value: EUR}
  order_lines:
    order_id: Ticket
    line_number: {sequence: Ticket}
    sku: Article
    quantity: Qté
    unit_price: Prix
    includes_vat: {value: true}
ignore: [Libellé]
"""
HEADER = "Ticket;Date;Article;Libellé;Qté;Prix\n"
FIRST = "T1;24/12/2025 18:05;007;Écharpe;2;1 019,90 €\n"
SECOND = "T2;24/12/2025 18:30;1e5;Gants;1;25,00\n"
GOOD = HEADER + FIRST + SECOND


@pytest.fixture
def till(installation):
    installation.map("sales", MAPPING)
    return installation


@pytest.mark.parametrize(
    ("content", "loaded", "rejected", "reason"),
    [
        pytest.param(GOOD, 2, 0, None, id="as it should be"),
        pytest.param("\ufeff" + GOOD, 2, 0, None, id="byte-order mark"),
        pytest.param(GOOD.replace("\n", "\r\n"), 2, 0, None, id="Windows line ends"),
        pytest.param(GOOD + "\n\n;;;;;\n", 2, 0, None, id="empty last rows"),
        pytest.param(GOOD + "Grand total;;;;3;1 044,90\n", 2, 0, None, id="a total row"),
        pytest.param(GOOD.replace("Gants", '"Gants\nde laine"'), 2, 0, None, id="a quoted line break"),
        pytest.param(GOOD.replace("Gants", '"Gants ""laine""; gris"'), 2, 0, None, id="quotes and delimiters in quotes"),
        pytest.param(GOOD.replace("1 019,90 €", "1\u202f019,90\u00a0€"), 2, 0, None, id="narrow no-break spaces"),
        pytest.param(HEADER + SECOND + FIRST, 2, 0, None, id="rows in another order"),
        pytest.param(GOOD + "T3;24/12/2025\n", 2, 1, "2 fields where the header has 6", id="a short row"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;A;;1;2,00;x\n", 2, 1, "7 fields where the header has 6", id="a long row"),
        pytest.param(GOOD + "T3;12/24/2025 10:00;A;;1;2,00\n", 2, 1, "not a timestamp", id="month first"),
        pytest.param(GOOD + "T3;2025-12-24 10:00;A;;1;2,00\n", 2, 1, "not a timestamp", id="mixed dates"),
        pytest.param(GOOD + "T3;24/12/3025 10:00;A;;1;2,00\n", 2, 1, "of a year from 1900 to 2199", id="a date far ahead"),
        pytest.param(GOOD + "T3;26/10/2025 02:30;A;;1;2,00\n", 2, 1, "was twice", id="a time that was twice"),
        pytest.param(GOOD + "T3;30/03/2025 02:30;A;;1;2,00\n", 2, 1, "does not exist", id="a time that never was"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;A;;1;2.00\n", 2, 1, "decimal mark ','", id="a decimal point"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;A;;1;1e5\n", 2, 1, "not a number", id="scientific notation"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;A;;007;2,00\n", 2, 1, "not a number", id="leading zeros in a number"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;A;;=1+1;2,00\n", 2, 1, "not a number", id="a formula for a number"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;;;1;2,00\n", 2, 1, "empty, but required", id="a required cell empty"),
        pytest.param(GOOD + ";24/12/2025 10:00;A;;1;2,00\n", 2, 1, "empty, but", id="a key empty"),
        pytest.param(GOOD + "T3;24/12/2025 10:00;A;;1;2,00 $\n", 2, 1, "not a number", id="another currency"),
    ],
)
def test_rows_are_loaded_as_they_are_or_rejected_with_a_reason(till, content: str, loaded: int, rejected: int, reason) -> None:
    till.drop("till/sales.csv", content)
    load = till.ingest().loads[0]
    assert (load.rows_loaded, load.rows_rejected, load.rows_in) == (loaded, rejected, loaded + rejected)
    lines = "select order_id, sku, quantity, unit_price from raw.order_lines order by 1"
    assert till.ask(lines) == [("T1", "007", Decimal(2), Decimal("1019.9")), ("T2", "1e5", Decimal(1), Decimal(25))]
    told = [text for (text,) in till.ask("select reason from ledger.rejects")]
    assert any(reason in text for text in told) if reason else not told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("", "the file is empty", id="empty"),
        pytest.param("\n\n", "the file is empty", id="blank"),
        pytest.param(GOOD.replace(";", ","), "none of the columns", id="another delimiter"),
        pytest.param(FIRST + SECOND, "none of the columns", id="no header"),
        pytest.param("Ventes du jour\n" + GOOD, "none of the columns", id="a title above the header"),
        pytest.param(GOOD.replace("Prix", "Prix TTC"), "'Prix' is missing (did you mean `Prix TTC`?)", id="renamed"),
        pytest.param(GOOD.replace("Article;", "", 1), "'Article' is missing", id="missing"),
        pytest.param(GOOD.replace("Libellé", "Qté"), "'Qté' is there 2 times", id="a column twice"),
        pytest.param(GOOD.rstrip("\n"), "the last line does not end", id="cut"),
        pytest.param(GOOD + 'T3;"24/12', "line 4", id="a quote that never closes"),
        pytest.param(GOOD.encode("cp1252"), "not utf-8 text", id="another encoding"),
        pytest.param(GOOD.encode("utf-16"), "not utf-8 text", id="UTF-16"),
        pytest.param(GOOD.encode("utf-8") + b"T3;\x80\xff;;;;\n", "line 4: not utf-8 text", id="broken bytes"),
        pytest.param(GOOD + "T3;" + "x" * 2_000_000 + '";"\n', "longer than 1 MB", id="an endless line"),
        pytest.param(b"PK\x03\x04" + bytes(200), "none of the columns", id="a workbook named csv"),
        pytest.param(b"<html><table><tr><td>Ticket</td></tr></table></html>\n", "none of the columns", id="a web page"),
        pytest.param(HEADER + "T3;31/02/2025 10:00;A;;1;2,00\n", "1 of its 1 rows do not fit", id="no row fits"),
    ],
)
def test_what_is_no_such_export_is_refused_whole(till, refused, content: str | bytes, told: str) -> None:
    assert told in refused("till/sales.csv", content)
    assert till.ask("select count(*) from raw.order_lines") == [(0,)]


def test_an_extra_column_is_left_out_and_told(till) -> None:
    till.drop("till/sales.csv", GOOD.replace("Libellé", "Vendeur"))
    (load,) = till.ingest().loads
    assert (load.verdict, load.new_columns) == ("loaded", ("Vendeur",))


def test_reordered_columns_keep_their_values(till) -> None:
    till.drop("till/sales.csv", "Prix;Qté;Libellé;Article;Date;Ticket\n25,00;1;Gants;007;24/12/2025 18:30;T2\n")
    till.ingest()
    assert till.ask("select order_id, sku, unit_price from raw.order_lines") == [("T2", "007", Decimal(25))]


def test_a_zero_byte_stays_in_its_cell(till) -> None:
    till.drop("till/sales.csv", GOOD.replace("Gants", "Ga\0nts").replace("1e5", "1\0e5"))
    till.ingest()
    assert till.ask("select sku from raw.order_lines order by 1") == [("007",), ("1\0e5",)]


REPORT = """\
# ----------------------------------------
# Traffic acquisition

Session source,Sessions,Total revenue
{rows}
"""


def test_a_report_with_a_preamble_comments_and_a_total_of_another_length(installation) -> None:
    mapping = MAPPING.split("entities:")[0].replace('delimiter: ";"', 'delimiter: ",", skip_lines: "^#|Grand total$"')
    installation.map(
        "sales",
        mapping.split("skip:")[0]
        + "entities: {sessions: {session_id: Session source, visitor_id: Session source, channel: {value: web}, "
        'started_at: {value: "2026-01-01 00:00"}, page_views: Sessions}}\nignore: [Total revenue]\n',
    )
    rows = 'google,"1\u202f234","12,50 €"\n# a note\n"x\n# no note",7,"0,00 €"\n,"1\u202f241","12,50 €",Grand total'
    installation.drop("till/sales.csv", REPORT.format(rows=rows))
    load = installation.ingest().loads[0]
    assert (load.verdict, load.rows_in) == ("loaded", 2)
    views = "select session_id, page_views, _line from raw.sessions order by _line"
    assert installation.ask(views) == [("google", 1234, 5), ("x\n# no note", 7, 7)]
