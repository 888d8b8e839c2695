"""From the bytes of an export to text DuckDB reads in parallel, with the true line of every record.

DuckDB's reader knows no line numbers, and numbering rows makes it serial. So a file is read as ranges of lines side by side, each
numbered on a core of its own; skipping lines is cheap. One pass before hashes the content, proves the encoding and makes sure that
lines are records. Where they are not (quoted line breaks, blank or broken records), the file is first rewritten record by record,
each with its line: slower, and always right.
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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ingest import DataRefused
from ingest.casting import literal
from ingest.mappings import Csv, Mapping, nearest

BLOCK = 1 << 20
MAX_RECORD = 1 << 20
MAX_GZIP_RATIO = 200
RANGES = min(4, os.cpu_count() or 1)
RANGE_RECORDS = 100_000
_CODECS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "latin-1": "latin-1", "cp1252": "cp1252"}


@dataclass(frozen=True)
class Text:
    """The records of an export as UTF-8 text in `path`, after `lines_before` lines; None where each record carries its line.

    `ragged` holds (line, reason) of the `ragged_records` that have too few or too many fields, and are not in `path`.
    """

    header: tuple[str, ...]
    path: Path
    records: int
    dialect: Csv
    lines_before: int | None
    ragged: Path | None = None
    ragged_records: int = 0

    def select(self) -> str:
        """SQL of every record: columns `c0`, `c1` … as text, empty ones null, and `line`."""
        columns = [f"c{index}" for index in range(len(self.header))]
        if self.lines_before is None:
            return f"select {', '.join(columns)}, line::bigint as line from {self._read_csv(['line', *columns], 0)}"
        count = max(1, min(RANGES, self.records // RANGE_RECORDS))
        starts = [self.records * index // count for index in range(count + 1)]
        return " union all ".join(
            f"(select {', '.join(columns)}, row_number() over () + {self.lines_before + start} as line "
            f"from {self._read_csv(columns, self.lines_before + start)} limit {end - start})"
            for start, end in zip(starts, starts[1:], strict=False)
        )

    def _read_csv(self, columns: list[str], skip: int) -> str:
        types = ", ".join(f"'{name}': 'varchar'" for name in columns)
        quote = literal(self.dialect.quote)
        return (
            f"read_csv({literal(str(self.path))}, columns = {{{types}}}, skip = {skip}, auto_detect = false, header = false, "
            f"delim = {literal(self.dialect.delimiter)}, quote = {quote}, escape = {quote}, max_line_size = {MAX_RECORD}, "
            "strict_mode = true, compression = 'none')"
        )


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


def scan(path: Path, dialect: Csv, folder: Path) -> Text | None:
    """The export as text, or None where lines and records differ: then `rewrite` reads it.

    Text that is not plain UTF-8 is first written to `folder` as such. Raises `DataRefused` for what is no such text.
    """
    is_plain = dialect.encoding == "utf-8" and path.suffix != ".gz"
    output = path if is_plain else folder / "text.csv"
    lines = _Lines(dialect.quote)
    header, lines_before = None, 0
    with opened(path) as content, output.open("rb" if is_plain else "wb") as copy:
        for text, data in _blocks(content, dialect, lines, path):
            if header is None:
                text = text or bytes(data).decode("utf-8-sig", "ignore")
                header, length = _header(text, dialect)
                start = len(text[:length].encode())
                lines_before = text[:length].encode().count(b"\n")
                mark = len(data) - len(text.encode()) if is_plain else 0
                lines.read(data[start + max(mark, 0) :])
            else:
                lines.read(data)
            if not is_plain:
                copy.write(data)
    if header is None:
        raise DataRefused("the file is empty; ask for it again")
    if not lines.is_ended and dialect.final_newline == "required":
        raise DataRefused(
            f"line {lines_before + lines.count + 1}: the last line does not end, so the file may be cut; ask for it again, "
            "or declare `csv: {final_newline: optional}` if this system never ends it"
        )
    return Text(header, output, lines.count, dialect, lines_before) if lines.are_records else None


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
