"""Nested records, one JSON object a line or typed in Parquet, as the text columns of a table.

A nested field is named by its dotted path. A list of objects with `key` and `value`, as analytics exports have, is a field for
each key: `event_params.ga_session_id`. Any other list stays one text, as JSON.
"""

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ingest import DataRefused, progress, unpacking
from ingest.mappings import Ndjson, Parquet
from ingest.reading import BATCH_RECORDS, MAX_RECORD, SPACES, Rows, Text
from ingest.workbooks import cell_text, float_text

# How many records are looked at for the names of their fields, where that must be quick.
FIRST_RECORDS = 1000


class _Columns:
    """Writes rows that are known by their fields' names, as Parquet, one file for each batch of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._indexes: dict[str, int] = {}
        self.count = 0

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(self._indexes)

    def write(self, lines: list[int], columns: dict[str, pl.Series | list]) -> None:
        for name in columns:
            self._indexes.setdefault(name, len(self._indexes))
        values = {f"c{self._indexes[name]}": pl.Series(values, dtype=pl.String) for name, values in columns.items()}
        rows = pl.DataFrame({"line": pl.Series(lines, dtype=pl.Int64).cast(pl.String)} | values)
        self.count += len(lines)
        rows.write_parquet(self._folder / f"{self.count:012}.parquet", compression="uncompressed")


def read_ndjson(path: Path, dialect: Ndjson, folder: Path) -> Text:
    """The records of every line that is a JSON object, numbers as they are written; other lines are set apart."""
    output, aside = _Columns(folder / "records"), folder / "ragged"
    lines: list[int] = []
    rows: list[dict[str, str | None]] = []
    with Rows(aside, ["line", "reason", "text"]) as set_apart:
        for line, text in _json_lines(path):
            try:
                rows.append(flat(_parse(text)))
                lines.append(line)
            except (ValueError, RecursionError) as error:
                if not text.endswith("\n"):
                    raise DataRefused(f"line {line}: the last line is cut; ask for the file again") from None
                reason = "not a JSON object" if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)
                set_apart.write([str(line), reason, text.rstrip("\r\n")])
            if len(rows) == BATCH_RECORDS:
                output.write(lines, _by_name(rows))
                lines, rows = [], []
        if rows:
            output.write(lines, _by_name(rows))
    if not output.count:
        raise DataRefused("it holds no JSON object, one a line; ask for it again, or describe the format it has")
    return Text(output.header, folder / "records", output.count + set_apart.count, dialect, None, True, aside, set_apart.count)


def read_parquet(path: Path, dialect: Parquet, folder: Path) -> Text:
    """Every row of a Parquet file, its line being its number; values are written as ISO 8601 and plain digits, NaN as nothing."""
    output = _Columns(folder / "records")
    try:
        file = pq.ParquetFile(unpacking.unpacked(path, folder))
        progress.follow(lambda: output.count / file.metadata.num_rows)
        for batch in file.iter_batches(batch_size=BATCH_RECORDS):
            output.write(list(range(output.count + 1, output.count + 1 + len(batch))), _fields_of(batch))
    except pa.ArrowException:
        raise DataRefused("it is no Parquet file, or is cut; ask for it again") from None
    header = output.header or tuple(file.schema_arrow.names)
    return Text(header, folder / "records", output.count, dialect, None)


def read_header(path: Path, dialect: Ndjson | Parquet, folder: Path) -> tuple[str, ...]:
    """The names of the fields that the first records have."""
    try:
        if isinstance(dialect, Ndjson):
            rows = [flat(_parse(text)) for _, text in itertools.islice(_json_lines(path), FIRST_RECORDS)]
            return tuple(_by_name(rows))
        file = pq.ParquetFile(unpacking.unpacked(path, folder))
        batch = next(file.iter_batches(batch_size=FIRST_RECORDS), None)
        return tuple(_fields_of(batch)) if batch else tuple(file.schema_arrow.names)
    except (ValueError, RecursionError, pa.ArrowException):
        raise DataRefused(f"it is no {type(dialect).__name__} file; describe the format it has") from None


def flat(record: dict) -> dict[str, str | None]:
    """Dotted path → text of every field. Raises `ValueError` for a path that is there twice."""
    found: dict[str, str | None] = {}
    for path, text in _fields(record, ""):
        if path in found:
            raise ValueError(f"field {path!r} is there twice")
        found[path] = text
    return found


def _fields(value: object, path: str) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _fields(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value and all(_is_pair(one) for one in value):
        for one in value:
            typed = one["value"]
            known = [part for part in typed.values() if part is not None] if isinstance(typed, dict) else [typed]
            yield from _fields(known[0] if len(known) == 1 else known, f"{path}.{one['key']}")
    elif isinstance(value, list):
        yield path, json.dumps(value, ensure_ascii=False, default=str) if value else None
    else:
        yield path, _text(value)


def _is_pair(one: object) -> bool:
    return isinstance(one, dict) and one.keys() == {"key", "value"}


def _text(value: object) -> str | None:
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    return cell_text(value)


def _parse(text: str) -> dict:
    """The JSON object of a line, its numbers as text. Raises `ValueError` for anything else, a name twice included."""
    record = json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_number, object_pairs_hook=_once)
    if not isinstance(record, dict):
        raise json.JSONDecodeError("not an object", text, 0)
    return record


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {twice!r} is there twice")
    return record


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line that is not blank, with its number; lines run on through the members of an archive."""
    line = 0
    for content in unpacking.parts(path):
        rest = b""
        while True:
            block = content.read(MAX_RECORD)
            *whole, rest = (rest + block).split(b"\n")
            for text in [one + b"\n" for one in whole] + ([rest] if not block and rest else []):
                line += 1
                if len(text) > MAX_RECORD:
                    raise DataRefused(f"line {line}: longer than 1 MB; send smaller records")
                try:
                    decoded = text.decode("utf-8-sig" if line == 1 else "utf-8")
                except UnicodeDecodeError:
                    raise DataRefused(f"line {line}: not utf-8 text, which JSON must be; ask how the system exports") from None
                if decoded.strip(SPACES):
                    yield line, decoded
            if not block:
                break
            if len(rest) > MAX_RECORD:
                raise DataRefused(f"line {line + 1}: longer than 1 MB; send smaller records")


def _by_name(rows: list[dict[str, str | None]]) -> dict[str, pl.Series | list]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _fields_of(batch: pa.RecordBatch) -> dict[str, pl.Series | list]:
    """Dotted path → texts of every field of a batch."""
    fields: dict[str, pl.Series | list] = {}
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        found = _nested(name, values) if pa.types.is_nested(values.type) else {name: _texts(values)}
        if twice := fields.keys() & found:
            raise DataRefused(f"field {min(twice)!r} is there twice; rename one")
        fields |= found
    return fields


def _nested(name: str, values: pa.Array) -> dict[str, pl.Series | list]:
    try:
        rows = [flat({name: value}) for value in values.to_pylist()]
    except ValueError as error:
        raise DataRefused(f"in a nested field, {error}; rename one") from None
    return _by_name(rows)


def _texts(values: pa.Array) -> pl.Series:
    """A column of plain values as text, by the rules of `cell_text`."""
    series = pl.Series(pl.from_arrow(values))
    if series.dtype.is_float() or series.dtype == pl.Binary:
        return pl.Series([_text(value) for value in series.to_list()], dtype=pl.String)
    if isinstance(series.dtype, pl.Datetime):
        zoned = series.dtype.time_zone is not None
        local = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else series
        return local.dt.strftime("%Y-%m-%d %H:%M:%S%.f" + ("Z" if zoned else ""))
    if series.dtype == pl.Boolean:
        return series.cast(pl.String).str.to_lowercase()
    texts = series.cast(pl.String).str.strip_chars(SPACES)
    return texts.set(texts == "", None)
