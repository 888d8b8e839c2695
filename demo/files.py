"""Export files: their dialects, the periods they hold, and how values are written in them."""

import gzip
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from demo import retailer
from demo.retailer import DAYS, END_UTC, day_of, local


@dataclass(frozen=True)
class Dialect:
    """How a system writes its files."""

    separator: str = ","
    encoding: str = "utf-8"
    decimal_comma: bool = False
    zipped: bool = False


FRENCH = Dialect(";", "cp1252", decimal_comma=True)
MARKET = Dialect(";", "utf-8-sig", decimal_comma=True)
SEMICOLON = Dialect(";")
ENGLISH = Dialect()
TABS = Dialect("\t")
ZIPPED = Dialect(zipped=True)


@dataclass(frozen=True)
class Export:
    """One file on its way to the inbox; a row may be appended that no mapping can take."""

    path: str
    frame: pl.DataFrame
    dialect: Dialect
    delivered: datetime
    spoiled: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Period:
    """Days one file holds, both ends included."""

    label: str
    first: int
    last: int


def periods(daily: int = 0, months: int = 1) -> list[Period]:
    """Calendar months (or quarters) from START to END; the last `daily` days one by one instead."""
    cut = DAYS - daily
    found, first = [], 0
    while first < cut:
        day = day_of(first)
        ahead = day.month - 1 + months - (day.month - 1) % months
        end = min(retailer.day_index(date(day.year + ahead // 12, ahead % 12 + 1, 1)) - 1, cut - 1)
        found.append(Period(f"{day:%Y-%m}" if months == 1 else f"{day.year}-T{ahead // months}", first, end))
        first = end + 1
    return found + [Period(day_of(i).isoformat(), i, i) for i in range(cut, DAYS)]


def after(day: int, hours: float) -> datetime:
    """Delivery time: hours after the midnight that ends a day."""
    return datetime.combine(day_of(day), datetime.min.time(), UTC) + timedelta(days=1, hours=hours)


def split(frame: pl.DataFrame, column: str, spans: list[Period]) -> Iterator[tuple[Period, pl.DataFrame]]:
    """The rows of each period, in their order; periods without rows are left out."""
    day = frame[column].to_numpy()
    in_order = bool(np.all(day[1:] >= day[:-1]))
    order = None if in_order else np.argsort(day, kind="stable")
    ends = np.searchsorted(day if order is None else day[order], [span.last for span in spans], side="right")
    first = 0
    for span, last in zip(spans, ends.tolist(), strict=True):
        if last > first:
            # Rows stay as they were: within a period only their own order counts, not that of the days.
            yield span, frame[first:last] if order is None else frame[np.sort(order[first:last])]
        first = last


def moment(column: str, pattern: str) -> pl.Expr:
    """Seconds as text."""
    return pl.from_epoch(column).dt.strftime(pattern)


def iso(column: str) -> pl.Expr:
    """UTC seconds as ISO 8601."""
    return moment(column, "%Y-%m-%dT%H:%M:%SZ")


def euros(cents: str | pl.Expr) -> pl.Expr:
    """Cents as euros."""
    return (pl.col(cents) if isinstance(cents, str) else cents).cast(pl.Float64) / 100


def flag(column: str) -> pl.Expr:
    """O or N, *oui* or *non*."""
    return pl.when(pl.col(column)).then(pl.lit("O")).otherwise(pl.lit("N"))


def named(column: str, names: Sequence[str]) -> pl.Expr:
    """The word at each position; null for none."""
    return pl.col(column).cast(pl.Int64).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)


def empty(text: str | pl.Expr) -> pl.Expr:
    """The text, null where it is empty."""
    value = pl.col(text) if isinstance(text, str) else text
    return pl.when(value != "").then(value)


def named_of(expr: pl.Expr, names: Sequence[str]) -> pl.Expr:
    """As `named`, of an expression."""
    return expr.cast(pl.Int64).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def paris(utc: pl.Series) -> pl.Series:
    """Wall-clock seconds in Paris; null stays null."""
    wall = pl.Series(local(utc.fill_null(END_UTC).to_numpy()))
    return pl.select(wall=pl.when(utc.is_not_null()).then(wall))["wall"]


def content(export: Export) -> bytes:
    """The file's bytes; the same export gives the same bytes."""
    frame, dialect = export.frame, export.dialect
    text = io.BytesIO()
    ready = frame.with_columns(pl.col(pl.Float64).round(2))
    ready.write_csv(text, separator=dialect.separator, float_precision=2, decimal_comma=dialect.decimal_comma)
    data = text.getvalue()
    for row in export.spoiled:
        cells = [row.get(name, "") for name in frame.columns]
        data += (dialect.separator.join(f'"{c}"' if dialect.separator in c else c for c in cells) + "\n").encode()
    if dialect.encoding != "utf-8":
        data = data.decode().encode(dialect.encoding)
    return gzip.compress(data, compresslevel=3, mtime=0) if dialect.zipped else data


def put(inbox: Path, path: str, data: bytes, delivered: datetime) -> None:
    """Writes a file with its delivery time, so that the order of loading is always the same."""
    target = inbox / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    os.utime(target, (delivered.timestamp(), delivered.timestamp()))
