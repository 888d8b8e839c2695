"""Mapping files: how each export feeds the canonical entities, checked against their declaration before anything runs."""

import codecs
import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self, cast
from zoneinfo import ZoneInfo

import duckdb
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingest import ConfigurationError
from ingest.entities import Column, Entity, entities
from settings import Settings

SHIPPED = Path(__file__).parent / "sources"
# So many rows of a file may be rejected whatever their share.
FEW_REJECTS = 10

Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Csv(_Strict):
    """The dialect of an export. Nothing about it is ever guessed."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "utf-16", "latin-1", "cp1252"] = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", " ", ".", ",", "'"] = ""
    quote: str = Field(default='"', max_length=1)
    skip_rows: int = Field(default=0, ge=0)
    symbols: Texts = ()
    final_newline: Literal["required", "optional"] = "required"

    @field_validator("delimiter", mode="before")
    @classmethod
    def _tab(cls, delimiter: str) -> str:
        return "\t" if delimiter in ("\\t", "tab") else delimiter

    @field_validator("encoding", mode="before")
    @classmethod
    def _encoding(cls, name: str) -> str:
        canonical = {"utf_8": "utf-8", "utf_8_sig": "utf-8", "utf_16": "utf-16", "iso8859_1": "latin-1"}
        try:
            codec = codecs.lookup(name).name.replace("-", "_")
        except LookupError:
            return name
        return canonical.get(codec, codec)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError("`thousands` and `decimal` are the same character")
        if self.quote == self.delimiter:
            raise ValueError("`quote` and `delimiter` are the same character")
        return self


class Condition(_Strict):
    """What a cell must be for its row to be taken; several verbs must all hold."""

    is_: Texts | None = Field(default=None, alias="is")
    is_not: Texts | None = None
    matches: str | None = None
    not_matches: str | None = None
    negative: bool | None = None
    present: bool | None = None

    @field_validator("matches", "not_matches")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        try:
            with duckdb.connect() as connection:
                connection.execute("select regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("empty: write one of is, is_not, matches, not_matches, negative, present")
        return self


When = dict[str, Condition]


def _share(text: str) -> Decimal:
    if not re.fullmatch(r"\d{1,3}(\.\d+)? ?%", text) or (share := Decimal(text.rstrip("% ")) / 100) > 1:
        raise ValueError(f"{text!r} is not a share of the rows; write one such as 1%")
    return share


def _rhythm(text: str) -> timedelta:
    if not re.fullmatch(r"[1-9]\d*[hdw]", text):
        raise ValueError(f"{text!r} is not a rhythm; write one such as 12h, 1d or 1w")
    return int(text[:-1]) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[text[-1]]


Share = Annotated[Decimal, BeforeValidator(lambda text: _share(text) if isinstance(text, str) else text)]
Rhythm = Annotated[timedelta, BeforeValidator(lambda text: _rhythm(text) if isinstance(text, str) else text)]


class Split(_Strict):
    """One part of a text: `part` counts from 1, or from the end when negative."""

    on: str = Field(min_length=1)
    part: int

    @field_validator("part")
    @classmethod
    def _not_zero(cls, part: int) -> int:
        if part == 0:
            raise ValueError("parts count from 1 (or from the end: -1)")
        return part


class Join(_Strict):
    """Several cells as one text, empty ones left out."""

    with_: str = Field(alias="with")
    columns: tuple[str, ...] = Field(min_length=2)


class Cell(_Strict):
    """Where a column's value comes from and how its text reads.

    The text comes `from` a header, is a fixed `value`, or is a `join`; `split`, `values` (with `other` for what it does not
    list) and `empty` (what an empty cell means) then change it, in this order. `format`, `timezone`, `unit` and `absolute` say
    how the text becomes a value. `sequence` numbers the rows of each text of a header. `optional` headers may be absent.
    """

    from_: Texts = Field(default=(), alias="from")
    value: str | None = None
    join: Join | None = None
    sequence: str | None = None
    split: Split | None = None
    values: dict[str, str] = {}
    other: str | None = None
    empty: str | None = None
    format: Texts = ("iso",)
    timezone: str | None = None
    unit: Decimal | None = None
    absolute: bool = False
    optional: bool = False

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return _zone(name)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.from_, self.value is not None, self.join, self.sequence]
        if sum(map(bool, origins)) != 1:
            raise ValueError("write exactly one of from, value, join, sequence")
        if self.other is not None and not self.values:
            raise ValueError("`other` needs `values`")
        if self.optional and not self.from_:
            raise ValueError("`optional` needs `from`")
        return self

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header it may read; of several `from` names the first one present is read."""
        return self.from_ + (self.join.columns if self.join else ()) + ((self.sequence,) if self.sequence else ())

    @property
    def constants(self) -> tuple[str, ...]:
        """Every text the mapping itself supplies."""
        given = (self.value, self.other, self.empty, *self.values.values())
        return tuple(text for text in given if text)


class Feed(_Strict):
    """How an export feeds one entity: every row, or those `when` picks."""

    when: When = {}
    cells: dict[str, Cell]

    @model_validator(mode="before")
    @classmethod
    def _columns_beside_when(cls, block: object) -> object:
        if not isinstance(block, dict):
            raise ValueError("write `column: header` pairs")
        cells = {name: {"from": cell} if isinstance(cell, str | list) else cell for name, cell in block.items() if name != "when"}
        return {"when": block.get("when", {}), "cells": cells}


class Skip(_Strict):
    """Rows that are no records, such as totals."""

    when: When = Field(min_length=1)


class _Document(_Strict):
    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    files: Texts = Field(min_length=1)
    csv: Csv = Csv()
    timezone: str | None = None
    country: str = Field(default="FR", pattern="^[A-Z]{2}$")
    customer_space: str | None = None
    skip: Skip | None = None
    entities: dict[str, Feed] = Field(min_length=1)
    ignore: Texts = ()
    max_rejects: Share = Decimal("0.01")
    every: Rhythm | None = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return _zone(name)


@dataclass(frozen=True)
class Mapping:
    """One export: which files it is, their dialect and what they feed."""

    name: str
    path: Path
    source: str
    files: tuple[str, ...]
    csv: Csv
    timezone: str
    country: str
    customer_space: str
    skip: When
    feeds: dict[str, Feed]
    ignore: tuple[str, ...]
    max_rejects: Decimal = Decimal("0.01")
    every: timedelta | None = None

    def takes(self, file_name: str) -> bool:
        """Whether a file of that name is this export; `.gz` may follow any name."""
        names = {file_name, file_name.removesuffix(".gz")}
        return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in self.files)

    def ignores(self, header: str) -> bool:
        """Whether `ignore` names the header; `*` stands for any text."""
        return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), header, re.DOTALL) for pattern in self.ignore)

    @property
    def is_conditional(self) -> bool:
        """Whether some row may feed nothing or not every entity."""
        return bool(self.skip) or any(feed.when for feed in self.feeds.values())

    def takes_rejects(self, rejected: int, rows: int) -> bool:
        """Whether a file may load without so many of its rows.

        Their share tells a fault of the system from one of a row only where rows are many, so a few may be rejected of any
        file: as many as a person corrects by hand, and never most of it. `max_rejects: 0%` takes none.
        """
        return rejected <= rows * self.max_rejects or (self.max_rejects > 0 and rejected <= min(FEW_REJECTS, rows / 2))

    @property
    def numbered(self) -> tuple[str, ...]:
        """The headers within whose texts rows are numbered: such rows mean something only together."""
        return tuple({cell.sequence for feed in self.feeds.values() for cell in feed.cells.values() if cell.sequence})

    def headers(self) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Each set of header names of which one must be there, with whether it may be absent."""
        yield from (((header,), False) for header in self.skip)
        for feed in self.feeds.values():
            yield from (((header,), False) for header in feed.when)
            for cell in feed.cells.values():
                if cell.from_:
                    yield cell.from_, cell.optional
                else:
                    yield from (((header,), False) for header in cell.headers)


def load_mappings(settings: Settings) -> dict[str, Mapping]:
    """Every mapping by name (its file's name), shipped ones and those of `settings.sources`.

    Raises `ConfigurationError` listing everything wrong in every file.
    """
    folders = [SHIPPED, *([settings.sources] if settings.sources else [])]
    if settings.sources and not settings.sources.is_dir():
        raise ConfigurationError(f"OMNIKPI_SOURCES: {settings.sources} is not a folder; create it or unset the variable")
    mappings: dict[str, Mapping] = {}
    problems: list[str] = []
    for path in sorted(path for folder in folders for path in folder.glob("*.yml")):
        try:
            mapping = read_mapping(path, settings.timezone)
        except ConfigurationError as error:
            problems.append(str(error))
            continue
        if mapping.name in mappings:
            problems.append(f"{path}: {mappings[mapping.name].path} has the same name; rename one of them")
        mappings[mapping.name] = mapping
    if problems:
        raise ConfigurationError("\n".join(problems))
    return mappings


def read_mapping(path: Path, timezone: str) -> Mapping:
    """The mapping written in a file; `timezone` holds where it declares none. Raises `ConfigurationError`."""
    try:
        written = yaml.load(path.read_text(encoding="utf-8"), _Text)  # noqa: S506  a loader that makes nothing but text
        document = _Document.model_validate(written)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path.name}: not YAML: {error}") from None
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{path.name}: {line}" for line in _sentences(error))) from None
    problems = list(_problems(document))
    if problems:
        raise ConfigurationError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return Mapping(
        name=path.stem,
        path=path,
        source=document.source,
        files=document.files,
        csv=document.csv,
        timezone=document.timezone or timezone,
        country=document.country,
        customer_space=document.customer_space or document.source,
        skip=document.skip.when if document.skip else {},
        feeds=document.entities,
        ignore=document.ignore,
        max_rejects=document.max_rejects,
        every=document.every,
    )


def nearest(name: str, candidates: Iterable[str]) -> str:
    """« (did you mean `x`?)» for the closest candidate, or nothing when none is close."""
    close = difflib.get_close_matches(name.casefold(), {text.casefold(): text for text in candidates}, n=1, cutoff=0.6)
    original = next((text for text in candidates if close and text.casefold() == close[0]), None)
    return f" (did you mean `{original}`?)" if original else ""


class _Text(yaml.BaseLoader):
    """YAML whose scalars all stay text, so that `Yes`, `007` and dates mean what is written; a key stands once."""


def _unique_keys(loader: _Text, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key, (key_node, _) in zip(keys, node.value, strict=True):
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"`{key}` is written twice", key_node.start_mark)
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value, strict=True)}


_Text.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name} is not a time zone; write an IANA name such as Europe/Paris") from None
    return name


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _sentences(error: ValidationError) -> Iterator[str]:
    """Pydantic's findings as `key.path: what is wrong and what to write`."""
    for finding in error.errors():
        place = [str(part) for part in finding["loc"] if part not in ("cells", "[key]")]
        where = ".".join(place) or "the file"
        if finding["type"] == "extra_forbidden":
            models = {1: _Document, 2: Csv if place[0] == "csv" else Skip}
            model = models.get(len(place), Condition if "when" in place else Cell)
            if place[-2:-1] in (["split"], ["join"]):
                model = Split if place[-2] == "split" else Join
            known = _keys(model)
            yield f"{where}: no such key{nearest(place[-1], known)}; known keys: {', '.join(known)}"
        elif finding["type"] == "missing":
            yield f"{where}: missing; write it"
        else:
            yield f"{where}: {finding['msg'].removeprefix('Value error, ')}"


def _problems(document: _Document) -> Iterator[str]:
    known = entities()
    for name, feed in document.entities.items():
        where = f"entities.{name}"
        if name not in known:
            yield f"{where}: no such entity{nearest(name, known)}; entities: {', '.join(known)}"
            continue
        entity = known[name]
        columns = {column.name: column for column in entity.columns}
        for column in entity.columns:
            if column.required and column.name not in feed.cells:
                yield f"{where}.{column.name}: required, but not mapped; write the header it comes from, or a `value`"
        for column_name, cell in feed.cells.items():
            if column_name not in columns:
                yield f"{where}.{column_name}: no such column{nearest(column_name, columns)}; columns: {', '.join(columns)}"
            else:
                yield from (f"{where}.{column_name}: {text}" for text in _cell_problems(columns[column_name], cell))
        yield from (f"{where}.{text}" for text in _leaks(entity, feed, _personal_headers(document)))


def _cell_problems(column: Column, cell: Cell) -> Iterator[str]:
    is_time = column.type in ("timestamp", "date", "time")
    is_number = column.type in ("integer", "bigint") or column.type.startswith("decimal")
    if cell.optional and column.required:
        yield "required, so it cannot be `optional`"
    if cell.timezone and column.type != "timestamp":
        yield f"`timezone` is for timestamps; this is a {column.type}"
    if cell.format != ("iso",) and not is_time:
        yield f"`format` is for timestamps, dates and times; this is a {column.type}"
    if (cell.unit is not None or cell.absolute) and not is_number:
        yield f"`unit` and `absolute` are for numbers; this is a {column.type}"
    if cell.unit is not None and (not 0 < cell.unit < 1_000_000 or -cast(int, cell.unit.as_tuple().exponent) > 6):
        yield f"`unit: {cell.unit}` must lie between 0.000001 and 1000000, with at most 6 decimals"
    if cell.split and not (cell.from_ or cell.join):
        yield "`split` needs `from`"
    if cell.sequence and not is_number:
        yield f"`sequence` gives numbers; this is a {column.type}"
    for text in cell.constants:
        if column.accepted and text not in column.accepted:
            yield f"{text!r} is not a standard value{nearest(text, column.accepted)}; write one of: {', '.join(column.accepted)}"
        if column.type == "boolean" and text.lower() not in ("true", "false"):
            yield f"{text!r} is not a boolean; write true or false"


def _personal_headers(document: _Document) -> set[str]:
    """Headers whose values are personal, whatever else reads them."""
    known = entities()
    return {
        header
        for name, feed in document.entities.items()
        if name in known
        for column in known[name].personal
        if column.name in feed.cells
        for header in feed.cells[column.name].headers
    }


def _leaks(entity: Entity, feed: Feed, personal: set[str]) -> Iterator[str]:
    """A personal value must not reach the warehouse through another column; a customer number is hashed there instead."""
    for name, cell in feed.cells.items():
        if any(column.name == name and not column.pii for column in entity.columns) and name != "customer_ref":
            for header in set(cell.headers) & personal:
                yield f"{name}: {header!r} feeds a personal column, and this one is kept in clear; map another header"
