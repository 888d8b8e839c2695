"""From the bytes of an export to text DuckDB reads in parallel, with the true line of every record.

DuckDB's reader knows no line numbers, and numbering rows makes it serial. So a file is read as ranges of lines side by side,
each numbered on a core of its own; skipping lines is cheap. One pass before proves the encoding and makes sure that lines are
records of as many fields as the header. Where there is a doubt (quoted line breaks, blank, short or long records, quotation
marks within text), the file is first rewritten record by record, each with its line: slower, and always right.
"""

import codecs
import csv
import errno
import fcntl
import hashlib
import io
import os
import re
import signal
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Self, TextIO

import numpy as np
import polars as pl

from ingest import DataRefused, progress
from ingest.casting import SPACES, clean, literal
from ingest.mappings import PACKED, Csv, Dialect, Mapping, nearest
from ingest.unpacking import parts

BLOCK = 1 << 20
MAX_RECORD = 1 << 20
RANGES = min(4, os.cpu_count() or 1)
RANGE_RECORDS = 100_000
BATCH_RECORDS = 20_000
# The name of the plain UTF-8 copy of a text that is packed or encoded otherwise.
COPY = "text.csv"
_CODECS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1", "cp1252": "cp1252"}
# What an export that is not of the declared encoding may be.
_HINTS = {"utf-8": "cp1252 is usual for French systems", "utf-16": "ask how the system exports"}


@dataclass(frozen=True)
class Text:
    """The records of an export: UTF-8 text in the file `path` after `lines_before` lines; or, that being None, Parquet with
    each record's line in the folder `path`.

    The folder `ragged` holds (line, reason, text) of the `ragged_records` that have too few or too many fields; they are not
    in `path`.
    """

    header: tuple[str, ...]
    path: Path
    records: int
    dialect: Dialect
    lines_before: int | None
    is_trimmed: bool = True
    ragged: Path | None = None
    ragged_records: int = 0

    def select(self) -> str:
        """SQL of every record: columns `c0`, `c1` … as trimmed text, empty ones null, and `line`."""
        columns = [f"c{index}" for index in range(len(self.header))]
        if self.records == self.ragged_records:
            empty = ", ".join(f"null::varchar as {column}" for column in columns)
            return f"select {empty}, 0::bigint as line where false"
        if self.lines_before is None:
            return f"select {', '.join(columns)}, line::bigint as line from {read_parquet(self.path)}"
        starts = [self.records * index // self._ranges for index in range(self._ranges + 1)]
        cells = self._cells(columns)
        return " union all ".join(
            f"(select {', '.join(cells)}, row_number() over () + {self.lines_before + start} as line "
            f"from {self._read_csv(columns, self.lines_before + start)} limit {end - start})"
            for start, end in pairwise(starts)
        )

    @property
    def _ranges(self) -> int:
        """How many ranges of lines are read side by side."""
        return 1 if self.lines_before is None else max(1, min(RANGES, self.records // RANGE_RECORDS))

    def part_read(self, read: float) -> float:
        """How much of the records is read where DuckDB says that it has `read` so much: of what lies before a range it says that
        too, at once, and never of what lies behind it.
        """
        return self._ranges * read - (self._ranges - 1) / 2

    def _cells(self, columns: list[str]) -> list[str]:
        return columns if self.is_trimmed else [f"{clean(column)} as {column}" for column in columns]

    def _read_csv(self, columns: list[str], skip: int) -> str:
        types = ", ".join(f"'{name}': 'varchar'" for name in columns)
        assert isinstance(self.dialect, Csv)
        quote = literal(self.dialect.quote)
        return (
            f"read_csv({literal(str(self.path))}, columns = {{{types}}}, skip = {skip}, auto_detect = false, header = false, "
            f"delim = {literal(self.dialect.delimiter)}, quote = {quote}, escape = {quote}, max_line_size = {MAX_RECORD}, "
            "strict_mode = true, compression = 'none')"
        )


def read_parquet(folder: Path) -> str:
    """SQL of the rows of every Parquet file in a folder."""
    return f"read_parquet({literal(str(folder / '*.parquet'))}, union_by_name = true)"


def sha256(path: Path) -> str:
    """Hash of the file's bytes as they are."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_header(path: Path, dialect: Csv) -> tuple[str, ...]:
    """The header's names, trimmed. Raises `DataRefused` where there is none or the encoding is another."""
    with closing(parts(path)) as contents:
        try:
            return _header(next(_utf8(next(contents), dialect), b""), dialect)[0]
        except UnicodeDecodeError as error:
            raise _wrong_encoding(error, dialect, 1) from None


def _header(start: bytes, dialect: Csv) -> tuple[tuple[str, ...], int]:
    """The header's names, and the number of lines up to its end."""
    if not start.strip():
        raise DataRefused("the file is empty; ask for it again")
    source = _Source(io.StringIO(start.decode("utf-8", "ignore"), newline=""), dialect)
    reader = _reader(source, dialect)
    try:
        names = names_of(next((record for record in _records(source, reader) if record or not dialect.skip_lines), []))
    except csv.Error as error:
        raise DataRefused(f"line {source.start}: the header cannot be read ({error}); check `csv`") from None
    if not any(names):
        raise DataRefused(
            f"line {dialect.skip_rows + 1}: there is no header; an export without rows still has one. "
            "Ask for it again, or say in `csv: {skip_rows: …}` how many lines stand before it"
        )
    return names, source.number


def names_of(header: Iterable[str]) -> tuple[str, ...]:
    """The header's names, trimmed, each letter written one way."""
    return tuple(unicodedata.normalize("NFC", name.strip().strip("\ufeff").strip()) for name in header)


class _Source:
    """The lines that are to be read as records: not those before the header, nor those that `skip_lines` leaves out.

    `start` is the number of the first line of the record at hand, `number` that of the last one read.
    """

    def __init__(self, content: TextIO, dialect: Csv) -> None:
        self._content, self._skip_rows = content, dialect.skip_rows
        self._skip = re.compile(dialect.skip_lines) if dialect.skip_lines else None
        self.number = self.start = 0
        self.is_start = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._content.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while line := self._content.readline(MAX_RECORD + 1):
            self.number += 1
            if len(line) > MAX_RECORD:
                raise DataRefused(f"line {self.number}: longer than 1 MB; check `csv: {{quote: …}}`")
            is_left_out = self.is_start and self._skip and self._skip.search(line.rstrip("\r\n"))
            if self.number <= self._skip_rows or is_left_out:
                continue
            if self.is_start:
                self.start, self.is_start = self.number, False
            return line
        raise StopIteration


def _records(source: _Source, reader: Iterator[list[str]]) -> Iterator[list[str]]:
    for record in reader:
        yield record
        source.is_start = True


def _reader(lines: Iterator[str], dialect: Csv) -> Iterator[list[str]]:
    """Records of the lines; a quotation mark opens a cell even after spaces, as no writer would leave it bare there."""
    csv.field_size_limit(MAX_RECORD)
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=dialect.delimiter != " ",
        strict=True,
    )


def _utf8(content: BinaryIO, dialect: Csv) -> Iterator[bytes]:
    """The content as blocks of UTF-8, its encoding proven, without byte-order mark and without blank lines at its end."""
    decoder = codecs.getincrementaldecoder(_CODECS[dialect.encoding])("strict")
    is_utf8, is_first, is_ended, held = dialect.encoding == "utf-8", True, False, b""
    may_be_other = dialect.encoding in ("latin-1", "cp1252")
    while block := content.read(BLOCK):
        if may_be_other and not block.isascii():
            may_be_other = _is_doubtful(block, dialect)
        if is_utf8 and block.isascii() and not decoder.getstate()[0]:
            data = block
        else:
            text = decoder.decode(block)
            data = block.removeprefix(codecs.BOM_UTF8 if is_first else b"") if is_utf8 else text.encode()
        data, held, is_first = held + data, b"", False
        if data.endswith((b"\n", b"\r")):
            full = len(data.rstrip(b"\r\n"))
            end = (data.find(b"\n", full) + 1 or full) if full or not is_ended else 0
            data, held = data[:end], data[end:]
        is_ended = data.endswith(b"\n") if data else is_ended
        yield data
    decoder.decode(b"", True)


def _is_doubtful(block: bytes, dialect: Csv) -> bool:
    """Whether whole lines of the block are plain ASCII still, which any encoding may be.

    Raises `UnicodeDecodeError` where they are UTF-8 or UTF-16, whose bytes read as other letters of one byte each.
    """
    lines = block[: block.rfind(b"\n") + 1] or block
    if (sign := re.search(rb"[\x80-\xff]", lines)) is None:
        return True
    if not lines.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            lines.decode()
        except UnicodeDecodeError:
            return False
    raise UnicodeDecodeError(dialect.encoding, lines, *sign.span(), "of another encoding")


def _wrong_encoding(error: UnicodeDecodeError, dialect: Csv, line: int) -> DataRefused:
    line += error.object[: error.start].count(b"\n")
    hint = _HINTS.get(dialect.encoding, "utf-8 is usual for web systems")
    return DataRefused(f"line {line}: not {dialect.encoding} text; declare what it is in `csv: {{encoding: …}}` ({hint})")


def positions(mapping: Mapping, header: tuple[str, ...]) -> dict[str, int]:
    """Where each header the mapping reads stands in the file, compared by name.

    Raises `DataRefused` naming every column that is missing or there twice, with the nearest candidates.
    """
    header = mapping.canonical(header)
    wanted = [(tuple(unicodedata.normalize("NFC", name) for name in names), absent) for names, absent in mapping.headers()]
    read = {name for names, _ in wanted for name in names}
    unread = [name for name in dict.fromkeys(header) if name not in read]
    if not read & set(header):
        # This is no header, so its texts may be somebody's data: they are not repeated.
        where, advice = "it", "ask for the export that this mapping describes"
        if isinstance(mapping.dialect, Csv):
            where = f"line {mapping.dialect.skip_rows + 1}"
            advice = "check `csv: {delimiter: …, skip_rows: …}`, or ask for the export with its header"
        raise DataRefused(f"{where} has none of the columns of {mapping.path.name}; {advice}")
    missing = [names for names, may_be_absent in wanted if not may_be_absent and not set(names) & set(header)]
    problems = [f"column {' or '.join(map(repr, names))} is missing{nearest(names[0], unread)}" for names in missing]
    problems += [f"column {name!r} is there {header.count(name)} times" for name in sorted(read) if header.count(name) > 1]
    if problems:
        raise DataRefused(f"{'; '.join(dict.fromkeys(problems))}: change the mapping in {mapping.path.name}")
    return {name: header.index(name) for name in read if name in header}


def new_columns(mapping: Mapping, header: tuple[str, ...]) -> tuple[str, ...]:
    """The file's columns that the mapping neither reads nor ignores: the system has begun to send them."""
    read = {unicodedata.normalize("NFC", name) for names, _ in mapping.headers() for name in names}
    unknown = (name for name in dict.fromkeys(header) if name and mapping.aliases.get(name, name) not in read)
    return tuple(name for name in unknown if not mapping.ignores(name))


def render(fields: Iterable[str | None], dialect: Csv) -> str:
    """The record as a line of the export, without its end."""
    if not dialect.quote:
        return dialect.delimiter.join(field or "" for field in fields)
    line = io.StringIO()
    # The writer quotes what is in its own end of line.
    csv.writer(line, delimiter=dialect.delimiter, quotechar=dialect.quote, lineterminator="\r\n").writerow(list(fields))
    return line.getvalue().removesuffix("\r\n")


def scan(path: Path, dialect: Csv, folder: Path) -> Text | None:
    """The export as text, or None where lines are not surely its records: then `rewrite` reads it.

    Text that is not plain UTF-8 is first written to `folder` as such. Raises `DataRefused` for what is no such text.
    """
    is_plain = dialect.encoding == "utf-8" and path.suffix not in PACKED
    output = path if is_plain else folder / COPY
    lines, head, header, before = _Lines(dialect), _Lines(dialect), (), 0
    with nullcontext() if is_plain else output.open("wb") as copy, closing(parts(path)) as contents:
        for number, content in enumerate(contents, start=1):
            try:
                is_start = True
                for data in _utf8(content, dialect):
                    if is_start and number > 1:
                        data = (b"" if lines.are_ended else b"\n") + _body(data, dialect, header, number)
                    elif is_start:
                        header, before = _header(data, dialect)
                        head.read(data.removesuffix(after(data, before)))
                    is_start = False
                    if copy:
                        copy.write(data)
                    lines.read(data)
            except UnicodeDecodeError as error:
                raise _wrong_encoding(error, dialect, lines.count + 1) from None
            if not header:
                raise DataRefused("the file is empty; ask for it again")
            if not lines.are_ended and dialect.final_newline == "required":
                raise DataRefused(
                    f"line {lines.count + 1}: the last line does not end, so the file may be cut; ask for it again, "
                    "or declare `csv: {final_newline: optional}` if this system never ends it"
                )
    records = lines.count + (not lines.are_ended) - before
    # DuckDB takes surplus fields that are empty; it refuses short records by itself.
    are_even = lines.delimiters - head.delimiters == records * (len(header) - 1)
    if dialect.skip_lines or not (lines.are_records and lines.are_alike and are_even):
        return None
    return Text(header, output, records, dialect, before, lines.are_trimmed)


def _body(start: bytes, dialect: Csv, header: tuple[str, ...], number: int) -> bytes:
    """The lines after the header of a further member of an archive, which must be the first one's."""
    found, before = _header(start, dialect)
    if found != header:
        raise DataRefused(f"member {number} of the archive has other columns than the first; send exports of one kind together")
    return after(start, before)


def after(text: bytes, lines: int) -> bytes:
    """What follows so many lines."""
    rows = text.split(b"\n", lines)
    return rows[lines] if len(rows) > lines else b""


class _Lines:
    """Counts lines and the delimiters outside quotes, and finds out whether each line is one record, of trimmed cells.

    It is not where one is blank, ends inside quotes, or has a quotation mark that neither begins a cell, ends it nor is doubled.
    """

    def __init__(self, dialect: Csv) -> None:
        self._quote, self._delimiter = dialect.quote.encode(), dialect.delimiter.encode()
        self._edges = b"\r\n" + self._delimiter + self._quote
        self._spaces = [space.encode() for space in SPACES if space not in " \n\r" and space != dialect.delimiter]
        self._is_blank = dialect.delimiter in SPACES
        self._is_open = False
        self._last = b""
        self.count = self.returns = self.delimiters = 0
        self.are_trimmed = True
        # Signs of several bytes are not looked for.
        self.are_records = len(self._delimiter) == 1 >= len(self._quote)

    @property
    def are_ended(self) -> bool:
        return self._last == b"\n"

    @property
    def are_alike(self) -> bool:
        """Whether all end the same way."""
        return self.returns in (0, self.count)

    def read(self, data: bytes) -> None:
        if not data:
            return
        codes = np.frombuffer(data, dtype=np.uint8)
        ends = codes == ord("\n")
        seam = self._last + data[:2]
        if self.are_records:
            self.are_records = self._are_records(data, seam, codes, ends)
        if self.are_trimmed:
            self.are_trimmed = self._are_trimmed(data, codes, ends)
        self.count += int(np.count_nonzero(ends))
        self._last = data[-1:]

    def _are_records(self, data: bytes, seam: bytes, codes: np.ndarray, ends: np.ndarray) -> bool:
        if (ends[1:] & ends[:-1]).any() or seam.startswith((b"\n\n", b"\n\r\n")) or b"\0" in data:
            return False
        if b"\r" in data or self._last == b"\r":
            returns = data.count(b"\r") - data.endswith(b"\r") + (self._last == b"\r")
            self.returns += returns
            if returns != data.count(b"\r\n") + seam.startswith(b"\r\n") or b"\n\r\n" in data:
                return False
        delimiters, is_open = codes == self._delimiter[0], self._is_open
        if self._quote and not is_open and self._quote in (pair := self._last + data[:1]) and pair.strip(self._edges):
            return False
        if not self._quote or self._quote not in data:
            self.delimiters += 0 if is_open else int(np.count_nonzero(delimiters))
            return not (is_open and ends.any())
        quotes = codes == self._quote[0]
        inside = _inside(quotes, is_open)
        self._is_open = bool(inside[-1])
        self.delimiters += int(np.count_nonzero(delimiters & ~inside))
        text = ~(inside | quotes | delimiters | ends | (codes == ord("\r")))
        return not ((ends & inside).any() or (text[1:] & quotes[:-1]).any() or (text[:-1] & quotes[1:]).any())

    def _are_trimmed(self, data: bytes, codes: np.ndarray, ends: np.ndarray) -> bool:
        """Whether surely no cell begins or ends with white space; where the block's edge leaves a doubt, no."""
        if self._is_blank and self._quote and self._quote in data:
            return False  # within quotes the delimiter itself may stand at a cell's edge
        spaces = self._spaces if not data.isascii() else self._spaces[:1]
        if any(space in data for space in spaces) or not data[-1:].isascii() or b" " in (data[:1], data[-1:]):
            return False
        if b" " not in data:
            return True
        spaces, edges = codes == ord(" "), ends | (codes == ord("\r")) | (codes == self._delimiter[0])
        if self._quote:
            edges |= codes == self._quote[0]
        return not ((spaces[1:] & edges[:-1]) | (spaces[:-1] & edges[1:])).any()


def _inside(quotes: np.ndarray, is_open: bool) -> np.ndarray:
    """Whether each place is inside quotes, a mark that opens them included, one that closes them not."""
    # The exclusive or of all bits up to each, eight at a time: within a byte as a Gray code is read, then across bytes.
    bits = np.packbits(quotes)
    for shift in (1, 2, 4):
        bits ^= bits >> shift
    before = np.bitwise_xor.accumulate(np.concatenate([[np.uint8(is_open)], bits[:-1] & 1]))
    return np.unpackbits(bits ^ before * np.uint8(255), count=len(quotes)).view(bool)


def rewrite(path: Path, dialect: Csv, folder: Path) -> Text:
    """The export read record by record, each written with its line; records of a wrong length are set apart.

    They are written as Parquet: DuckDB's reader does not take every text that CSV can quote.
    """
    output, aside, copy = folder / "records", folder / "ragged", folder / COPY
    plain = copy if copy.exists() else path
    content, size = plain.open("rb"), plain.stat().st_size
    progress.follow(lambda: content.tell() / size)
    source = _Source(io.TextIOWrapper(content, encoding="utf-8-sig", newline=""), dialect)
    with source:
        records = _records(source, _reader(source, dialect))
        try:
            header = next(record for record in records if record or not dialect.skip_lines)
            columns = ["line", *(f"c{index}" for index in range(len(header)))]
            with Rows(output, columns) as kept, Rows(aside, ["line", "reason", "text"]) as set_apart:
                for record in records:
                    line = str(source.start)
                    if len(record) == len(header):
                        kept.write([line, *(field.strip(SPACES) or None for field in record)])
                    elif record:
                        reason = f"{len(record)} fields where the header has {len(header)}"
                        set_apart.write([line, reason, render(record, dialect)])
        except csv.Error as error:
            raise DataRefused(f"line {source.number}: {error}; check `csv: {{delimiter: …, quote: …}}`") from None
    count = kept.count + set_apart.count
    return Text(names_of(header), output, count, dialect, None, ragged=aside, ragged_records=set_apart.count)


class Rows:
    """Writes rows of text to Parquet, one file for each batch of them."""

    def __init__(self, folder: Path, columns: list[str]) -> None:
        self._folder, self._columns = folder, columns
        self._batch: list[list[str | None]] = []
        self.count = 0

    def __enter__(self) -> Self:
        self._folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def write(self, row: list[str | None]) -> None:
        self._batch.append(row)
        self.count += 1
        if len(self._batch) == BATCH_RECORDS:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            schema = dict.fromkeys(self._columns, pl.String)
            rows = pl.DataFrame(self._batch, schema=schema, orient="row")
            rows.write_parquet(self._folder / f"{self.count}.parquet", compression="uncompressed")
            self._batch.clear()


def is_still(path: Path, before: os.stat_result) -> bool:
    """Whether nothing has written to the file since `before`."""
    now = path.lstat()
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def is_being_written(path: Path) -> bool:
    """Whether a process of this machine holds the file open for writing; False where the system cannot tell.

    Linux grants a read lease only on a file that nobody writes to.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    with suppress(FileNotFoundError, PermissionError), path.open("rb") as file:
        try:
            # Should a writer come in this instant, the system's signal is one that does nothing.
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
