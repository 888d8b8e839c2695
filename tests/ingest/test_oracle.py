"""Generated exports against an oracle: every row loads with the exact values written in it, or is rejected where it is wrong.

The oracle is Python's `csv` for the records, `Decimal` and `Fraction` for the numbers and `datetime` for the days, with the
rules of docs/writing-mappings.md written out a second time. Each file goes through a mapping of its own dialect into a
warehouse; its rows, the line and column of each reject and the rejected text must be the oracle's. `csv` must also give back
the very cells that were generated, so it is checked itself.

What the oracle cannot say: whether those rules are the right ones; how text reads that `csv` calls broken, such as a quote
that never ends; what verbs beyond `from` and `format` do, symbols, entities `per` key and local times (test_casting.py); and
what comes of files longer than a block or read in ranges (test_reading.py).
"""

import csv
import io
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as run
from hypothesis import strategies as st

from ingest import DataRefused, loading, reading, vault
from ingest.mappings import read_mapping
from settings import Settings

HEADER = ["Magasin", "Jour", "Activité", "Heures", "Lignes"]
COLUMNS = ["location_id", "work_date", "activity", "hours", "lines_handled"]
# Blanks that surround a cell's text, and those that may stand in a number.
BLANKS = "\t\n\r \u00a0\u202f\u2009\ufeff"
SPACES = " \u00a0\u202f\u2009"
GROUPS = {"": "", " ": SPACES, "'": "'’", ".": ".", ",": ","}
MINUS = "-−"


@dataclass(frozen=True)
class Dialect:
    """How a generated file is written, and whether its mapping lets its last line be unended."""

    delimiter: str
    quote: str
    quoting: str
    lead: str
    decimal: str
    thousands: str
    encoding: str
    line_end: str
    day: str
    last_end: str
    may_be_cut: bool

    @property
    def codec(self) -> str:
        return "utf-8" if self.encoding == "utf-8-sig" else self.encoding

    def mapping(self) -> str:
        form = {name: getattr(self, name) for name in ("delimiter", "quote", "decimal", "thousands")}
        form |= {"encoding": self.codec, "final_newline": "optional" if self.may_be_cut else "required"}
        cells: dict[str, object] = dict(zip(COLUMNS, HEADER, strict=True))
        cells["work_date"] = {"from": HEADER[1], "format": self.day}
        document = {"source": "rota", "files": "rota*", "max_rejects": "100%", "csv": form, "entities": {"work_hours": cells}}
        return yaml.safe_dump(document, allow_unicode=True)

    def text(self, rows: list[list[str]]) -> str:
        lines = [self.delimiter.join(map(self._cell, row)) for row in [HEADER, *rows]]
        return self.line_end.join(lines) + self.last_end

    def _cell(self, text: str) -> str:
        is_needed = text.lstrip(" ").startswith(self.quote) or any(mark in text for mark in (self.delimiter, "\n", "\r"))
        is_wanted = {"all": True, "texts": not text[:1].isdigit(), "quotes": self.quote in text, "needed": False}[self.quoting]
        if not self.quote or not (is_needed or is_wanted):
            return text
        return self.lead + self.quote + text.replace(self.quote, self.quote * 2) + self.quote


@dataclass(frozen=True)
class Verdict:
    """What becomes of a file: rows as (line, values…), rejects as (line, column, text); or that it is refused."""

    rows: list[tuple] | None
    rejects: list[tuple] | None


REFUSED = Verdict(None, None)


def oracle(text: str, rows: list[list[str]], dialect: Dialect) -> Verdict:
    if is_utf8(text.encode(dialect.encoding), dialect) or not (dialect.may_be_cut or text.endswith("\n")):
        return REFUSED
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=True,
        strict=True,
    )
    records, line = [], 1
    for record in reader:
        records.append((line, record))
        line = reader.line_num + 1
    written = [[cell.lstrip(" ") for cell in row] for row in rows if row != [""] or is_quoted(dialect)]
    assert [[cell.lstrip(" ") for cell in record] for _, record in records if record] == [HEADER, *written]
    loaded, rejects = [], []
    for line, record in records[1:]:
        cells = [cell.strip(BLANKS) or None for cell in record]
        if len(cells) != len(HEADER):
            rejects += [(line, None, None)] if cells else []
        elif any(cells):
            values = [value(cell, column, dialect) for cell, column in zip(cells, COLUMNS, strict=True)]
            faults = [
                (line, column, cell and cell[:200])
                for column, cell, found in zip(COLUMNS, cells, values, strict=True)
                if found is None and (cell or column != "lines_handled")
            ]
            rejects += faults
            loaded += [] if faults else [(line, *values)]
    return REFUSED if rejects and not loaded else Verdict(loaded, sorted(rejects, key=repr))


def is_utf8(content: bytes, dialect: Dialect) -> bool:
    """Whether text declared to have a byte for each letter reads as UTF-8, so that it surely is."""
    if dialect.codec not in ("latin-1", "cp1252") or content.isascii():
        return False
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


def is_quoted(dialect: Dialect) -> bool:
    """Whether a record of one empty cell is written as two quotes, which is no blank line."""
    return bool(dialect.quote) and dialect.quoting in ("all", "texts")


def value(text: str | None, column: str, dialect: Dialect) -> str | date | Decimal | int | None:
    """The exact value of a cell, None where it has none."""
    if text is None:
        return None
    if column == "work_date":
        return day(text, "%Y-%m-%d" if dialect.day == "iso" else dialect.day)
    if column == "hours":
        return number(text, dialect, 4, range(-(10**18) + 1, 10**18))
    if column == "lines_handled":
        found = number(text, dialect, 0, range(-(2**31), 2**31))
        return None if found is None else int(found)
    return text


def day(text: str, form: str) -> date | None:
    try:
        found = datetime.strptime(text, form).date()
    except ValueError:
        return None
    is_exact = text.isascii() and (form != "%Y-%m-%d" or text == found.isoformat())
    return found if is_exact and 1900 <= found.year <= 2199 else None


def number(text: str, dialect: Dialect, decimals: int, allowed: range) -> Decimal | None:
    """The number a text writes in full, if as a count of its last decimal it is a whole one that is allowed."""
    sign, amount = "", text
    if text[0] in MINUS:
        sign, amount = "-", text[1:].lstrip(SPACES)
    elif text[-1] in MINUS:
        sign, amount = "-", text[:-1].rstrip(SPACES)
    elif text[0] == "(" and text[-1] == ")":
        sign, amount = "-", text[1:-1].rstrip(SPACES)
    whole, mark, fraction = amount.partition(dialect.decimal)
    first, *groups = re.split(f"[{GROUPS[dialect.thousands]}]", whole) if dialect.thousands else [whole]
    digits = "".join([first, *groups])
    if groups and not (1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)):
        return None
    if (digits != "0" and digits.startswith("0")) or not digits + fraction or (mark and not decimals):
        return None
    if not all(digit in "0123456789" for digit in digits + fraction):
        return None
    found = Decimal(f"{sign}{digits or 0}.{fraction or 0}")
    counted = Fraction(found) * 10**decimals
    return found if counted.denominator == 1 and counted.numerator in allowed else None


NUMBERS = [
    *("1e5", "007", "1 234,50", "1.234,50", "1,234.50", "1'234.5", "1’234", "1\u00a0234", "1\u202f234,5", "1\u2009234"),
    *("12 34", "1 23,5", "0 123", "1234 567", "1 234 567", "1,234,567.5", "-", "−", "--1", "-0", "0", "00", "0.0", "0,0", ".5"),
    *(
        "5.",
        "5,",
        "-0.",
        "(5,)",
        "1 234,",
        "1,234.",
        "1.5.",
        ",5",
        ".",
        ",",
        "+5",
        "(5)",
        "(5,25)",
        "( 5)",
        "(5 )",
        "(-5)",
        "-(5)",
        "5-",
        "5 -",
        "5−",
        "- 5",
        "-5-",
        "()",
    ),
    *("NaN", "nan", "inf", "-Infinity", "1_000", "0x1F", "1E3", "1e-2", "1.00000", "1,00000", "1.23456", "0.0001", "0,00010"),
    *("99999999999999.9999", "-99999999999999,9999", "100000000000000", "123456789012345678901234567890", "1." + "50" * 30),
    *("9" * 200, "2147483647", "2147483648", "-2147483648", "-2147483649", "1.5" + "0" * 60, "١", "½", "1\0", "1..5", "1.5.0"),
    *("=1+1", "5%", "5€", "5 h", "true", "null", "N/A", "1\n2", "\ufeff7"),
]
DAYS = [
    *("2026-02-30", "2026-2-3", "2024-02-29", "29/02/2023", "1/2/2026", "01/02/26", "2026-01-31 00:00:00", "31/12/1899"),
    *("1900-01-01", "2199-12-31", "2200-01-01", "infinity", "-Infinity", "today", "epoch", "0000-00-00", "00/00/0000"),
    *("20260131", "2026-01-31Z", "2026/01/31", "31-01-2026", "45000", "12026-01-01", "2026-01-01 (BC)", "\u0662026-01-01"),
]
TEXTS = [
    *("007", "1e5", "NaN", "null", "NULL", "-", "é", "e\u0301", "L'été", 'a "b" c', '5" pipe', "a;b", "a,b", "a\tb", "a|b"),
    *("a'b", "deux\nlignes", "deux\r\nlignes", "a\rb", "\n", "a\0b", "\0", "\ufefftexte", "\u00a0texte\u202f", "\u00a0"),
    *("\\", "\\n", "x\u2028y", "x\x85y", "#", "=1+1", "NA", "œuvre", "\x01", "\x1f", "texte\\", '"', "'", '""', "🙂", "x" * 300),
]


def mostly(often: st.SearchStrategy, seldom: st.SearchStrategy, one_in: int) -> st.SearchStrategy:
    """The first strategy, but for one time in so many; `one_of` takes a strategy that is repeated only once."""
    return st.sampled_from(range(one_in)).flatmap(lambda drawn: seldom if drawn == one_in - 1 else often)


def padded(cells: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    blanks = mostly(st.just(""), st.sampled_from([" ", "  ", "\u00a0", "\t", "\n"]), 8)
    return st.builds("{}{}{}".format, blanks, cells, blanks)


@st.composite
def written(draw: st.DrawFn, decimals: int, dialect: Dialect) -> str:
    """A number as its dialect writes it."""
    amount = draw(st.integers(-(10**7), 10**7))
    whole, fraction = divmod(abs(amount), 10**decimals)
    group = draw(st.sampled_from(["", *GROUPS[dialect.thousands]]))
    text = f"{whole:,}".replace(",", group) + (f"{dialect.decimal}{fraction:0{decimals}}" if decimals else "")
    return draw(st.sampled_from(["-{}", "{}-", "−{}", "({})"])).format(text) if amount < 0 else text


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    decimal = draw(st.sampled_from([".", ","]))
    line_end = draw(mostly(st.sampled_from(["\n", "\r\n"]), st.just("\r"), 10))
    return Dialect(
        delimiter=draw(st.sampled_from([",", ";", "\t", "|", ":", "¦"])),
        quote=draw(st.sampled_from(['"', "'", ""])),
        quoting=draw(st.sampled_from(["all", "texts", "quotes", "needed"])),
        lead=draw(mostly(st.just(""), st.sampled_from([" ", "  "]), 8)),
        decimal=decimal,
        thousands=draw(st.sampled_from([mark for mark in GROUPS if mark != decimal])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])),
        line_end=line_end,
        day=draw(st.sampled_from(["iso", "%d/%m/%Y", "%m/%d/%Y"])),
        last_end=line_end * draw(mostly(st.just(1), st.sampled_from([0, 3]), 8)),
        may_be_cut=draw(st.booleans()),
    )


@st.composite
def exports(draw: st.DrawFn) -> tuple[Dialect, list[list[str]]]:
    """A dialect and rows of cells that it can write: sound ones mostly, and nasty, empty, ragged and blank ones."""
    dialect = draw(dialects())
    form = "%Y-%m-%d" if dialect.day == "iso" else dialect.day
    texts = st.one_of(st.text(st.characters(codec=dialect.codec), max_size=8), st.sampled_from(TEXTS))
    days = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(lambda found: found.strftime(form))
    often = [padded(texts), padded(days), padded(texts), padded(written(2, dialect)), padded(written(0, dialect))]
    nasty = [texts, st.sampled_from(DAYS), texts, st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)]
    cells = [mostly(one, mostly(padded(other), st.just(""), 4), 8) for one, other in zip(often, nasty, strict=True)]
    few, many = st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=6, max_size=7)
    surplus = st.builds(operator.add, st.tuples(*cells).map(list), st.sampled_from([[""], ["", ""]]))
    ragged = st.one_of(few, many, surplus, st.just([""] * 5), st.just([""] * 7))
    rows = draw(st.lists(mostly(st.tuples(*cells).map(list), ragged, 12), max_size=12))
    return dialect, [[writable(cell, dialect) for cell in row] for row in rows]


def writable(cell: str, dialect: Dialect) -> str:
    """The text without what its encoding does not have or, where nothing is quoted, would not stay in its cell."""
    kept = cell.encode(dialect.codec, "ignore").decode(dialect.codec)
    return kept if dialect.quote else "".join(letter for letter in kept if letter not in f"{dialect.delimiter}\r\n")


@dataclass(frozen=True)
class Warehouse:
    """Where one file after another is loaded."""

    folder: Path
    connection: duckdb.DuckDBPyConnection

    def load(self, dialect: Dialect, content: bytes) -> Verdict:
        path, described = self.folder / "rota.csv", self.folder / "rota.yml"
        path.write_bytes(content)
        described.write_text(dialect.mapping(), encoding="utf-8")
        mapping = read_mapping(described, "UTC")
        try:
            load = loading.load_file(self.connection, None, mapping, path, reading.sha256(path), self.folder)
        except DataRefused:
            return REFUSED
        names = ", ".join(["_line", *COLUMNS])
        rows = self._ask(f"select {names} from raw.work_hours where _file_id = ? order by _line", load.file_id)
        rejects = self._ask("select line, column_name, value from ledger.rejects where file_id = ?", load.file_id)
        assert (load.rows_loaded, load.rows_rejected) == (len(rows), len({line for line, *_ in rejects}))
        return Verdict(rows, sorted(rejects, key=repr))

    def _ask(self, sql: str, file_id: int) -> list[tuple]:
        return self.connection.execute(sql, [file_id]).fetchall()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("oracle")
    settings = Settings(data_dir=folder, timezone="UTC", _env_file=None)  # pyright: ignore[reportCallIssue]
    with loading.connect(settings.warehouse, folder, vault.hash_key(settings)) as connection:
        yield Warehouse(folder, connection)


def is_as_the_oracle_says(warehouse: Warehouse, export: tuple[Dialect, list[list[str]]]) -> None:
    dialect, rows = export
    text = dialect.text(rows)
    assert warehouse.load(dialect, text.encode(dialect.encoding)) == oracle(text, rows, dialect), repr(text)


EVERYDAY = run(max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@EVERYDAY
@given(exports())
def test_a_hundred_exports_load_as_the_oracle_says(warehouse: Warehouse, export: tuple[Dialect, list[list[str]]]) -> None:
    is_as_the_oracle_says(warehouse, export)


@pytest.mark.proof
@run(EVERYDAY, max_examples=10_000)
@given(exports())
def test_ten_thousand_exports_load_as_the_oracle_says(warehouse: Warehouse, export: tuple[Dialect, list[list[str]]]) -> None:
    is_as_the_oracle_says(warehouse, export)
