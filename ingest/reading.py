"""From the bytes of an export to text DuckDB reads in parallel, with the true line of every record.

DuckDB's reader knows no line numbers, and numbering rows makes it serial. So a file is cut at line ends into parts of UTF-8 text,
each of which DuckDB reads and numbers on a core of its own. The same pass hashes the content and proves the encoding. A file in
which lines and records differ (quoted line breaks, blank or broken records) is read record by record instead, each written
with its line: slower, and always right.
"""

import codecs
import csv
import gzip
import hashlib
import io
import os
import re
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ingest import DataRefused
from ingest.casting import literal
from ingest.mappings import Csv, Mapping, nearest

BLOCK = 4 << 20
MAX_RECORD = 1 << 20
MIN_PART = 16 << 20
PARTS = 16
MAX_GZIP_RATIO = 200
_CODECS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1", "cp1252": "cp1252"}


@dataclass(frozen=True)
class Part:
    """A file of UTF-8 records; `lines_before` is the line of the export that precedes its first one, None where each has its own."""

    path: Path
    lines_before: int | None


@dataclass(frozen=True)
class Text:
    """An export cut into parts. `ragged` holds (line, reason) of records that have too few or too many fields."""

    header: tuple[str, ...]
    parts: tuple[Part, ...]
    records: int
    ragged: Path | None = None
    ragged_records: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether records were read one by one, so that nothing about them can be mistaken."""
        return self.ragged is not None

    def select(self, dialect: Csv) -> str:
        """SQL of every record: columns `c0`, `c1` … as text, empty ones null, and `line`."""
        columns = [f"c{index}" for index in range(len(self.header))]
        reads = [_read_csv(part, columns, dialect) for part in self.parts]
        empty = ", ".join(f"null::varchar as {column}" for column in columns)
        return " union all ".join(reads) or f"select {empty}, 0 as line where false"


def _read_csv(part: Part, columns: list[str], dialect: Csv) -> str:
    names = columns if part.lines_before is not None else ["line", *columns]
    types = ", ".join(f"'{name}': 'varchar'" for name in names)
    dialect = dialect if part.lines_before is not None else _CLEAN
    read = (
        f"read_csv({literal(str(part.path))}, columns = {{{types}}}, auto_detect = false, header = false, "
        f"delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, "
        f"max_line_size = {MAX_RECORD}, strict_mode = true, compression = 'none')"
    )
    line = f"row_number() over () + {part.lines_before}" if part.lines_before is not None else "line::bigint"
    return f"select {', '.join(columns)}, {line} as line from {read}"


_CLEAN = Csv()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The content of an export, decompressed."""
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw) as content:
                yield content  # pyright: ignore[reportReturnType]
        else:
            yield raw


def sha256(path: Path) -> str:
    """Hash of the file's bytes as they are."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_header(path: Path, dialect: Csv) -> tuple[str, ...]:
    """The header's names, trimmed. Raises `DataRefused` where there is none or the encoding is another."""
    with opened(path) as content:
        decoder = codecs.getincrementaldecoder(_CODECS[dialect.encoding])("strict")
        text = _decoded(decoder, content.read(MAX_RECORD), dialect, 1)
    return _header(text, dialect)[0]


def _header(text: str, dialect: Csv) -> tuple[tuple[str, ...], int]:
    """The header's names and the number of characters up to its end."""
    lines = io.StringIO(text, newline="").readlines()
    before = sum(map(len, lines[: dialect.skip_rows]))
    rest = lines[dialect.skip_rows :]
    try:
        reader = _reader(iter(rest), dialect)
        names = next(reader)
    except StopIteration:
        raise DataRefused("the file has no header; an export without rows still has one: ask for it again") from None
    except csv.Error as error:
        raise DataRefused(f"line {dialect.skip_rows + 1}: the header cannot be read ({error}); check `csv`") from None
    return _names(names), before + sum(map(len, rest[: reader.line_num]))


def _names(header: list[str]) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", name.strip().strip("\ufeff").strip()) for name in header)


def _reader(lines: Iterator[str], dialect: Csv):  # noqa: ANN202  the csv module's reader type is private
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    csv.field_size_limit(MAX_RECORD)
    return csv.reader(
        lines, delimiter=dialect.delimiter, quotechar=dialect.quote or None, quoting=quoting, doublequote=True, strict=True
    )


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, dialect: Csv, line: int, final: bool = False) -> str:
    try:
        return decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        hint = "cp1252 is usual for French systems" if dialect.encoding == "utf-8" else "check how the system exports"
        raise DataRefused(
            f"line {line}: not {dialect.encoding} text; declare the encoding it has in `csv: {{encoding: …}}` ({hint})"
        ) from None


def positions(mapping: Mapping, header: tuple[str, ...]) -> dict[str, int]:
    """Where each header the mapping reads stands in the file, compared by name.

    Raises `DataRefused` naming every column that is missing, unmapped or there twice, with the nearest candidates.
    """
    problems = []
    wanted = [(tuple(unicodedata.normalize("NFC", name) for name in names), absent) for names, absent in mapping.headers()]
    read = {name for names, _ in wanted for name in names}
    unread = [name for name in header if name not in read]
    for names, may_be_absent in wanted:
        if not may_be_absent and not any(name in header for name in names):
            alternatives = " or ".join(repr(name) for name in names)
            problems.append(f"column {alternatives} is missing{nearest(names[0], unread)}")
    for name in dict.fromkeys(header):
        if name in read and header.count(name) > 1:
            problems.append(f"column {name!r} is there {header.count(name)} times")
    known = read | set(mapping.ignore)
    problems += [
        f"column {name!r} is not mapped{nearest(name, known)}" for name in dict.fromkeys(unread) if not mapping.ignores(name)
    ]
    if problems:
        advice = "map it or list it under `ignore`" if any("not mapped" in text for text in problems) else "change the mapping"
        raise DataRefused(f"{'; '.join(dict.fromkeys(problems))}: {advice} in {mapping.path.name}")
    return {name: header.index(name) for name in read if name in header}


def cut(path: Path, dialect: Csv, folder: Path) -> tuple[Text | None, str]:
    """The export as parts written into `folder`, and the sha256 of its bytes.

    The text is None where lines and records differ: then `rewrite` reads it. Raises `DataRefused` for what is no such text.
    """
    digest = hashlib.sha256()
    size = path.stat().st_size
    part_size = max(MIN_PART, size * (10 if path.suffix == ".gz" else 1) // PARTS)
    parts = _Parts(folder, part_size)
    decoder = codecs.getincrementaldecoder(_CODECS[dialect.encoding])("strict")
    is_simple, pending = True, b""
    header: tuple[str, ...] | None = None
    with ThreadPoolExecutor(1) as hashing, path.open("rb") as raw, opened(path) as content:
        pending_hash = hashing.submit(lambda: _hash(raw, digest))
        total = 0
        while block := content.read(BLOCK):
            total += len(block)
            if path.suffix == ".gz" and total > MAX_GZIP_RATIO * max(size, 1 << 20):
                raise DataRefused(f"unpacks to more than {MAX_GZIP_RATIO} times its size; send it unpacked")
            text = _decoded(decoder, block, dialect, parts.line + 1)
            data = text.encode() if dialect.encoding != "utf-8" else _without_mark(block, total == len(block))
            if header is None:
                header, length = _header(text, dialect)
                skipped = text[:length].encode()
                parts.line = skipped.count(b"\n")
                data = data[len(skipped) :]
            data, pending = _full_lines(pending + data)
            if len(pending) > MAX_RECORD:
                raise DataRefused(f"line {parts.line + data.count(b'\n') + 1}: longer than 1 MB; check `csv: {{quote: …}}`")
            is_simple = is_simple and _lines_are_records(data, dialect)
            parts.write(data)
        _decoded(decoder, b"", dialect, parts.line + 1, final=True)
        if header is None:
            raise DataRefused("the file is empty; ask for it again")
        if pending.strip(b"\r\n"):
            if dialect.final_newline == "required":
                raise DataRefused(
                    f"line {parts.line + 1}: the last line does not end, so the file may be cut; ask for it again, "
                    "or declare `csv: {final_newline: optional}` if this system never ends it"
                )
            pending += b"\n"
            is_simple = is_simple and _lines_are_records(pending, dialect)
            parts.write(pending)
        pending_hash.result()
    written = parts.close()
    text = Text(header, written, parts.records) if is_simple else None
    if text is None:
        for part in written:
            part.path.unlink()
    return text, digest.hexdigest()


def _hash(file: BinaryIO, digest) -> None:  # noqa: ANN001  hashlib's type is private
    while block := file.read(BLOCK):
        digest.update(block)


def _without_mark(block: bytes, is_first: bool) -> bytes:
    return block.removeprefix(codecs.BOM_UTF8) if is_first else block


def _full_lines(data: bytes) -> tuple[bytes, bytes]:
    """The data up to its last line that is not blank, and the rest: blank lines matter only when something follows."""
    last = _LINE_END.search(data, len(data[: data.rfind(b"\n") + 1].rstrip(b"\r\n")))
    return (data[: last.end()], data[last.end() :]) if last else (b"", data)


_LINE_END = re.compile(rb"\r?\n")


def _lines_are_records(data: bytes, dialect: Csv) -> bool:
    """Whether each line is one record: none is blank, and no line ends inside quotes."""
    if b"\n\n" in data or b"\n\r\n" in data or data.startswith((b"\n", b"\r\n")) or b"\0" in data:
        return False
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    quote = dialect.quote.encode()
    if not quote or quote not in data:
        return True
    codes = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(codes == quote[0])
    ends = np.flatnonzero(codes == 10)
    return not (np.searchsorted(quotes, ends) & 1).any()


class _Parts:
    """Writes lines into files of about one size, each known by the line before its first."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.line = self.records = 0
        self._parts: list[Part] = []
        self._file: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        if not data:
            return
        if self._file is None:
            part = Part(self.folder / f"part{len(self._parts)}.csv", self.line)
            self._parts.append(part)
            self._file = part.path.open("wb")
        self._file.write(data)
        lines = data.count(b"\n")
        self.line += lines
        self.records += lines
        if self._file.tell() >= self.size:
            self._file.close()
            self._file = None

    def close(self) -> tuple[Part, ...]:
        if self._file is not None:
            self._file.close()
        return tuple(self._parts)


def rewrite(path: Path, dialect: Csv, folder: Path) -> Text:
    """The export read record by record into one part in which each carries its line; records of a wrong length set apart."""
    records = ragged = 0
    part, aside = Part(folder / "records.csv", None), folder / "ragged.csv"
    with (
        opened(path) as content,
        part.path.open("w", encoding="utf-8", newline="") as output,
        aside.open("w", encoding="utf-8", newline="") as ragged_output,
    ):
        lines = _numbered(io.TextIOWrapper(content, encoding=_CODECS[dialect.encoding], newline=""), dialect)
        reader = _reader(lines, dialect)
        write, set_apart = (csv.writer(file, lineterminator="\n").writerow for file in (output, ragged_output))
        try:
            header = next(reader)
            before = reader.line_num
            for record in reader:
                line, before = before + 1 + dialect.skip_rows, reader.line_num
                if not record:
                    continue
                records += 1
                if len(record) == len(header):
                    write([line, *record])
                else:
                    ragged += 1
                    set_apart([line, f"{len(record)} fields where the header has {len(header)}"])
        except csv.Error as error:
            raise DataRefused(
                f"line {reader.line_num + dialect.skip_rows}: {error}; check `csv: {{delimiter: …, quote: …}}`"
            ) from None
    return Text(_names(header), (part,) if records > ragged else (), records, aside, ragged)


def _numbered(lines: io.TextIOWrapper, dialect: Csv) -> Iterator[str]:
    for number, line in enumerate(lines):
        if len(line) > MAX_RECORD:
            raise DataRefused(f"line {number + 1}: longer than 1 MB; check `csv: {{quote: …}}`")
        if number >= dialect.skip_rows:
            yield line if line.endswith(("\n", "\r")) else line + "\n"


def is_still(path: Path, before: os.stat_result) -> bool:
    """Whether nothing has written to the file since `before`."""
    now = path.stat()
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
