"""Sound exports of shipped mappings, and every kind of way to maim them, each with what must become of the file.

An export is its sample without the rows that the sample wants rejected. A kind is a function from an export to what arrives in
its place; what loads of it must be, value for value, what loads of one of three sound readings: the export as it is, without
the record that was maimed, or with a mark in that record's text, for which the maimed text itself must stand.
"""

import csv
import gzip
import io
import re
import stat
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import yaml

from ingest.mappings import Csv, Mapping

SAMPLES = Path(__file__).parent / "samples"
MARK = "MARK-7"
Cell = Literal["text", "number", "day"]
Reading = Literal["as it is", "without the record", "with a mark", "no row"]


@dataclass(frozen=True)
class System:
    """A sample, which of its sound records is maimed, and the headers of the cells that are: a text, a number, a day."""

    sample: str
    record: int
    text: str
    number: str | None
    day: str

    def file(self, number: int) -> str:
        """A name that the system might give a file."""
        return f"{self.sample[:-6]}{number:02}.csv"


# E-commerce, till, customer service and shipping; then French systems: till, CRM, ERP, WMS, TMS, OMS.
SYSTEMS = {
    "shopify_orders": System("orders_export_1.csv", 3, "Lineitem sku", "Lineitem price", "Created at"),
    "woocommerce_advanced_export": System("orders-2026-02-01-06-00-00.csv", -1, "SKU", "Item Cost", "Order Date"),
    "prestashop_orders": System("order_2026-02-01_060000.csv", 4, "Payment", "Total", "Date"),
    "prestashop_orders_fr": System("order_2026-02-01_061500.csv", 4, "Paiement", "Total", "Date"),
    "etsy_orders": System("EtsySoldOrderItems2026-1.csv", -1, "Listing ID", "Price", "Sale Date"),
    "square_items": System("items-2024-01-01-2024-02-01.csv", 4, "SKU", "Gross Sales", "Date"),
    "zendesk_tickets": System("export-2026-02-01-0600-1234567.csv", 3, "Id", None, "Created at"),
    "shipstation_shipments": System(
        "shipstation_shipments_2021-04.csv", 2, "Carrier - Service Selected", "Carrier - Fee", "Date - Shipped Date"
    ),
    "caisse_tickets": System("export_tickets_012_20260105.csv", 5, "Code article", "PU TTC", "Date"),
    "crm_clients": System("export_clients_20260105.csv", 1, "Magasin de rattachement", None, "Créé le"),
    "erp_articles": System("export_articles_20260105.csv", 1, "Code article", "PA HT", "Date d'entrée"),
    "erp_tarifs": System("export_tarifs_20260107.csv", -1, "Code article", "Prix TTC", "Du"),
    "wms_mouvements": System("export_mouvements_20260105.csv", -1, "Article", "Qté", "Horodatage"),
    "wms_stock": System("export_stock_20260105.csv", 1, "Article", "Physique", "Date de stock"),
    "tms_expeditions": System("export_expeditions_20260108.csv", 1, "Service", "Coût HT", "Expédié le"),
    "oms_preparations": System("export_preparations_20260106.csv", 1, "Site", "Coût HT", "Créée le"),
}


@dataclass(frozen=True)
class Export:
    """A sound export as its cells, and how they are written."""

    system: System
    dialect: Csv
    before: str
    header: list[str]
    rows: list[list[str]]
    end: str

    @property
    def at(self) -> int:
        """Which of the rows is maimed."""
        return self.system.record % len(self.rows)

    def index(self, cell: Cell) -> int:
        return self.header.index(getattr(self.system, cell))

    def line(self, fields: Sequence[str]) -> str:
        output = io.StringIO()
        csv.writer(output, delimiter=self.dialect.delimiter).writerow(fields)
        return output.getvalue().removesuffix("\r\n")

    def lines(self) -> list[str]:
        return [self.line(fields) for fields in (self.header, *self.rows)]

    def joined(self, lines: Sequence[str]) -> str:
        return self.before + "".join(line + self.end for line in lines)

    def text(self) -> str:
        return self.joined(self.lines())

    def content(self) -> bytes:
        return self.text().encode(self.dialect.encoding)

    def first_line(self) -> int:
        """The number of the line on which the maimed record begins."""
        return self.joined(self.lines()[: self.at + 1]).count("\n") + 1

    def with_lines(self, change: Callable[[str], str]) -> str:
        """The text, the maimed record's line being changed."""
        lines = self.lines()
        lines[self.at + 1] = change(lines[self.at + 1])
        return self.joined(lines)

    def with_bare(self, text: str) -> str:
        """The text, the maimed record's text cell being written as it is, unquoted."""
        return self.with_cell("text", MARK).with_lines(lambda line: line.replace(MARK, text))

    def with_cell(self, cell: Cell, text: str) -> "Export":
        rows = [list(row) for row in self.rows]
        rows[self.at][self.index(cell)] = text
        return replace(self, rows=rows)

    def without_record(self) -> "Export":
        return replace(self, rows=[row for index, row in enumerate(self.rows) if index != self.at])

    def with_columns(self, change: Callable[[list[str], bool], list[str]]) -> "Export":
        """Each row changed alike; `change` is told which one is the header."""
        return replace(self, header=change(self.header, True), rows=[change(row, False) for row in self.rows])


def read_export(name: str, mapping: Mapping) -> Export:
    """The sound export of a system."""
    system, dialect, folder = SYSTEMS[name], mapping.dialect, SAMPLES / name
    assert isinstance(dialect, Csv)
    said = yaml.load((folder / "expected.yml").read_text(encoding="utf-8"), yaml.BaseLoader)[system.sample]
    rejected = {int(text.split()[0]) for text in said.get("rejects", [])}
    lines = (folder / system.sample).read_bytes().decode(dialect.encoding).splitlines(keepends=True)
    before, rest = "".join(lines[: dialect.skip_rows]), "".join(lines[dialect.skip_rows :])
    reader = csv.reader(io.StringIO(rest, newline=""), delimiter=dialect.delimiter, strict=True)
    header, rows, line = next(reader), [], dialect.skip_rows + reader.line_num + 1
    for row in reader:
        if line not in rejected:
            rows.append(row)
        line = dialect.skip_rows + reader.line_num + 1
    return Export(system, dialect, before, header, rows, "\r\n" if rest.endswith("\r\n") else "\n")


@dataclass(frozen=True)
class Kind:
    """A way to maim an export, the verdict it must have, what its rows must be, and what the reason must say."""

    maim: Callable[[Export], str | bytes]
    verdict: str
    rows: Reading
    told: str = ""
    cell: Cell = "text"
    text: str | None = None
    records: int = 1
    file: str = "{}"
    is_link: bool = False
    encoding: str | None = None

    def applies(self, export: Export) -> bool:
        return getattr(export.system, self.cell) is not None and self.encoding in (None, export.dialect.encoding)

    def content(self, export: Export) -> bytes:
        maimed = self.maim(export)
        return maimed if isinstance(maimed, bytes) else maimed.encode(export.dialect.encoding)


def harmless(maim: Callable[[Export], str | bytes], told: str = "") -> Kind:
    return Kind(maim, "loaded", "as it is", told)


def kept(text: str, maim: Callable[[Export], str | bytes] | None = None) -> Kind:
    """A text that loads as it stands."""
    return Kind(maim or (lambda export: export.with_cell("text", text).text()), "loaded", "with a mark", text=text)


def rejected(maim: Callable[[Export], str | bytes], told: str, cell: Cell = "text") -> Kind:
    """A record that is rejected, all others being loaded."""
    return Kind(maim, "loaded_with_rejects", "without the record", told, cell)


def no_value(cell: Cell, change: Callable[[str], str], told: str) -> Kind:
    """A cell that is no value of its column, so that its record is rejected."""

    def maim(export: Export) -> str:
        return export.with_cell(cell, change(export.rows[export.at][export.index(cell)])).text()

    return rejected(maim, told, cell)


def no_number(text: str) -> Kind:
    return no_value("number", lambda _: text, "number")


def refused(maim: Callable[[Export], str | bytes], told: str, file: str = "{}") -> Kind:
    return Kind(maim, "refused", "no row", told, file=file)


def archive(content: bytes, name: str = "export.csv", mode: int = stat.S_IFREG) -> bytes:
    """A zip archive of one member."""
    output, member = io.BytesIO(), zipfile.ZipInfo(name)
    member.external_attr = (mode | 0o644) << 16
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(member, content, zipfile.ZIP_DEFLATED)
    return output.getvalue()


def other(mark: str) -> str:
    """The delimiter or line end of the other systems."""
    return {",": ";", ";": ",", "\n": "\r\n", "\r\n": "\n"}[mark]


WHERE_ENCODED = "text; declare what it is in `csv: {encoding"
WHERE_MARKED = "check `csv: {delimiter: …"
NO_HEADER = "none of the columns"
PAGE = "<html>\n<head><title>Export</title></head>\n<body>\n<table><tr><td>Session expired</td></tr></table>\n</body>\n</html>\n"

SOUND: dict[str, Kind] = {
    "as it is": harmless(Export.text),
    "without the record": harmless(lambda e: e.without_record().text()),
    "with a mark": harmless(lambda e: e.with_cell("text", MARK).text()),
}

KINDS = {
    # Records
    "a record cut short": rejected(
        lambda e: e.with_lines(lambda line: e.line(e.rows[e.at][:2])), "2 fields where the header has"
    ),
    "a record with a field too many": rejected(
        lambda e: e.with_lines(lambda line: line + e.dialect.delimiter + "x"), "fields where the header has"
    ),
    "a record with an empty field too many": rejected(
        lambda e: e.with_lines(lambda line: line + e.dialect.delimiter), "fields where the header has"
    ),
    "a record slipped by an unquoted delimiter": rejected(
        lambda e: e.with_bare(f"a{e.dialect.delimiter} b"), "fields where the header has"
    ),
    "a record broken over two lines": replace(
        rejected(
            lambda e: e.with_lines(lambda _: e.line(e.rows[e.at][:2]) + e.end + e.line(e.rows[e.at][2:])),
            "fields where the header has",
        ),
        records=2,
    ),
    # Quotation marks
    "a quote that never ends": refused(lambda e: e.with_lines(lambda line: '"' + line), WHERE_MARKED),
    "text after a closing quote": refused(lambda e: e.with_bare('"a"b'), WHERE_MARKED),
    "an inch mark in a bare text": kept('15" écran', lambda e: e.with_bare('15" écran')),
    "quotes after blanks": kept("a b", lambda e: e.with_bare('  "a b"')),
    "an endless line": refused(lambda e: e.with_bare("x" * 1_500_000), "longer than 1 MB"),
    # Headers
    "columns in another order": harmless(lambda e: e.with_columns(lambda row, _: row[::-1]).text()),
    "a new column": harmless(
        lambda e: e.with_columns(lambda row, is_header: ["Nouveau" if is_header else "x", *row]).text(), "Nouveau"
    ),
    "a column renamed": refused(
        lambda e: e.with_columns(
            lambda row, is_header: [f"{field}s" if is_header and field == e.system.text else field for field in row]
        ).text(),
        "is missing (did you mean",
    ),
    "a column missing": refused(
        lambda e: e.with_columns(lambda row, _: [field for index, field in enumerate(row) if index != e.index("text")]).text(),
        "is missing",
    ),
    "a column twice": refused(
        lambda e: e.with_columns(lambda row, is_header: [*row, e.system.text if is_header else "x"]).text(),
        "is there 2 times",
    ),
    "no header": refused(lambda e: e.joined(e.lines()[1:]), NO_HEADER),
    "a title above the header": refused(lambda e: e.joined(["Export du 5 janvier", *e.lines()]), NO_HEADER),
    "another delimiter": refused(
        lambda e: replace(e, dialect=e.dialect.model_copy(update={"delimiter": other(e.dialect.delimiter)})).text(), NO_HEADER
    ),
    "a web page": refused(lambda e: PAGE, NO_HEADER),
    "a header alone": Kind(lambda e: e.joined(e.lines()[:1]), "loaded", "no row"),
    # Ends
    "an empty file": refused(lambda e: b"", "the file is empty"),
    "a file cut within a record": refused(lambda e: e.content()[:-9], "the last line does not end"),
    "a file padded with zero bytes": refused(lambda e: e.content() + bytes(4096), "the last line does not end"),
    "a file of bare returns": refused(lambda e: replace(e, end="\r").text(), "the last line does not end"),
    "line ends of another system": harmless(lambda e: replace(e, end=other(e.end)).text()),
    "line ends of two systems": harmless(lambda e: e.joined(e.lines()[:-1]) + e.lines()[-1] + other(e.end)),
    "blank lines": harmless(lambda e: e.joined([e.lines()[0], *(f"{line}{e.end}" for line in e.lines()[1:])])),
    "empty last rows": harmless(lambda e: e.joined([*e.lines(), *[e.dialect.delimiter * (len(e.header) - 1)] * 2])),
    # Encodings
    "a byte-order mark": replace(harmless(lambda e: "\ufeff" + e.text()), encoding="utf-8"),
    "another encoding": refused(
        lambda e: e.with_cell("text", "é").text().encode("utf-8" if e.dialect.encoding == "cp1252" else "cp1252", "replace"),
        WHERE_ENCODED,
    ),
    "UTF-16": refused(lambda e: e.text().encode("utf-16"), WHERE_ENCODED),
    "bytes that are no letters": refused(
        lambda e: e.with_bare("\x01").encode(e.dialect.encoding).replace(b"\x01", b"\x81"), WHERE_ENCODED
    ),
    "a zero byte in a text": kept("A\0B"),
    "a zero byte in a number": no_number("1\x005"),
    # Values
    "leading zeros in a text": kept("00420"),
    "leading zeros in a number": no_number("0042"),
    "an exponent in a text": kept("1e5"),
    "an exponent in a number": no_number("1e5"),
    "a formula in a text": kept('=HYPERLINK("https://example.com";"voir")'),
    "a formula in a number": no_number("=1+1"),
    "a number of another country": rejected(
        lambda e: e.with_cell("number", "12.5" if e.dialect.decimal == "," else "12,5").text(), "number", "number"
    ),
    "an amount in another currency": no_number("£12"),
    "no number at all": no_number("NaN"),
    "a date written otherwise": no_value("day", lambda _: "05.01.2026 10:00", "of a year from"),
    "a date as a spreadsheet counts it": no_value("day", lambda _: "46027", "of a year from"),
    "a date far ahead": no_value("day", lambda day: re.sub(r"20(?=\d\d)", "30", day), "of a year from"),
    # Packing, and ways out of the inbox
    "a gzip file cut": refused(lambda e: gzip.compress(e.content())[:-12], "it is damaged or cut", "{}.gz"),
    "a gzip bomb": refused(lambda e: gzip.compress(e.content() + b"\n" * 4_000_000), "unpacks to more than", "{}.gz"),
    "a zip bomb": refused(lambda e: archive(e.content() + b"\n" * 4_000_000), "unpacks to more than", "{}.zip"),
    "a zip archive cut": refused(lambda e: archive(e.content())[:-30], "it is no zip archive, or is cut", "{}.zip"),
    "an archive in an archive": refused(
        lambda e: archive(archive(e.content()), "export.zip"), "is an archive; pack the exports themselves", "{}.zip"
    ),
    "a path that leads out of an archive": refused(
        lambda e: archive(e.content(), "../../export.csv"), "has a path that leads out of it", "{}.zip"
    ),
    "a link in an archive": refused(lambda e: archive(b"/etc/passwd", mode=stat.S_IFLNK), "of the archive is a link", "{}.zip"),
    "a name that leads out of the inbox": refused(Export.content, "links, and names with `..`", "a..{}"),
    "a link in the inbox": replace(refused(Export.content, "links, and names with `..`"), is_link=True),
    "the same file again": Kind(Export.content, "duplicate", "no row"),
}
