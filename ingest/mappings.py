"""Mapping files: how each export feeds the canonical entities, checked against their declaration before anything runs."""

import codecs
import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
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
# Mappings to learn from and to copy; they load nothing.
EXAMPLES = Path(__file__).parent / "templates" / "examples"
# How a file may be packed; its name without this ending is the export's.
PACKED = (".gz", ".zst", ".zip")
# Formats of times that have a name.
NAMED_FORMATS = ("iso", "unix", "unix_ms", "unix_us")
# So many rows of a file may be rejected whatever their share.
FEW_REJECTS = 10

Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


Marks = Annotated[
    tuple[Literal[" ", ".", ",", "'"], ...],
    BeforeValidator(lambda value: tuple(filter(None, [value])) if isinstance(value, str) else value),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Numbers(_Strict):
    """How numbers are written: their marks, and signs of money or share that may stand beside them.

    Where several marks may part thousands, a number has one of them throughout.
    """

    decimal: Literal[".", ","] = "."
    thousands: Marks = ()
    symbols: Texts = ()

    @model_validator(mode="after")
    def _two_marks(self) -> Self:
        if self.decimal in self.thousands:
            raise ValueError("`thousands` and `decimal` are the same character")
        return self


class Csv(Numbers):
    """The dialect of a text export. Nothing about it is ever guessed."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "utf-16", "latin-1", "cp1252"] = "utf-8"
    quote: str = Field(default='"', max_length=1)
    skip_rows: int = Field(default=0, ge=0)
    skip_lines: str | None = None
    final_newline: Literal["required", "optional"] = "required"

    @field_validator("skip_lines")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern

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
    def _two_signs(self) -> Self:
        if self.quote == self.delimiter:
            raise ValueError("`quote` and `delimiter` are the same character")
        return self


class Workbook(Numbers):
    """A sheet of a workbook; unnamed, it is the only visible one. Numbers that are text in their cells read as `Numbers` says."""

    sheet: str | None = None
    skip_rows: int = Field(default=0, ge=0)


class Ndjson(Numbers):
    """One JSON record a line; a nested field's name is its dotted path."""


class Parquet(Numbers):
    """Typed columns; a nested field's name is its dotted path."""


Dialect = Csv | Workbook | Ndjson | Parquet


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
        return _sql_pattern(pattern)

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
    if not re.fullmatch(r"[1-9]\d{0,4}[hdw]", text):
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


class Strip(_Strict):
    """What is cut off the start and the end of a text where it stands there; of several the first that does."""

    start: Texts = ()
    end: Texts = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(self.start + self.end):
            raise ValueError("empty: write `start` or `end`")
        return self


class Join(_Strict):
    """Several cells as one text, empty ones left out."""

    with_: str = Field(alias="with")
    columns: tuple[str, ...] = Field(min_length=2)


class Zone(_Strict):
    """A time zone: one for all rows by its `name`, or each row's own, which a column names, `values` translating it."""

    name: str | None = None
    from_: str | None = Field(default=None, alias="from")
    values: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, written: object) -> object:
        return {"name": _zone(written)} if isinstance(written, str) else written

    @field_validator("values")
    @classmethod
    def _zones(cls, values: dict[str, str]) -> dict[str, str]:
        return {text: _zone(name) for text, name in values.items()}

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.name is None) == (self.from_ is None) or (self.values and not self.from_):
            raise ValueError("write a zone's name, or `from` with its column (and `values`)")
        return self


class ClockChanges(_Strict):
    """What becomes of local times that a change of the clocks makes happen twice, or never."""

    repeated: Literal["reject", "first", "second"] = "reject"
    skipped: Literal["reject", "forward"] = "reject"


class Sharing(_Strict):
    """An amount that the rows `per` a header have once, shared by what each row comes to: `by`, or two headers' product.

    Where rows hold amounts of their own, the column `beyond`, only what goes beyond these is shared, by what they leave.
    """

    per: str
    by: Annotated[Texts, Field(min_length=1, max_length=2)]
    beyond: str | None = None


Take = Literal["first", "last", "min", "max", "sum", "count", "any"]


class Cell(_Strict):
    """Where a column's value comes from and how its text reads.

    The text comes `from` a header, is a fixed `value`, or is a `join`; a `sum` adds up several headers; `sequence` numbers the
    rows of each text of a header. `when` says in which rows there is a text at all. `strip`, `split`, `blank` (texts that mean
    nothing), `values` (with `other` for what it does not list) and `empty` (what an empty cell means) then change it, in this
    order. `format`, `timezone`, `number`, `divided_by`, `unit` and `absolute` say how the text becomes a value, `share` how much
    of it is the row's. `take` says which value stands where the entity takes one row `per` key. `optional` headers may be absent.
    """

    from_: Texts = Field(default=(), alias="from")
    value: str | None = None
    join: Join | None = None
    sum: tuple[str, ...] = ()
    sequence: str | None = None
    when: When = {}
    strip: Strip | None = None
    split: Split | None = None
    blank: Texts = ()
    values: dict[str, str] | None = None
    other: str | None = None
    empty: str | None = None
    format: Texts = ("iso",)
    timezone: Zone | None = None
    number: Numbers | None = None
    divided_by: str | None = None
    share: Sharing | None = None
    unit: Decimal | None = None
    absolute: bool = False
    take: Take | None = None
    optional: bool = False

    @field_validator("values")
    @classmethod
    def _lists_something(cls, values: dict[str, str]) -> dict[str, str]:
        if not values:
            raise ValueError("empty: list what each text means, or leave `values` out")
        return values

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.from_, self.value is not None, self.join, self.sequence, self.sum]
        if sum(map(bool, origins)) != 1:
            raise ValueError("write exactly one of from, value, join, sum, sequence")
        if self.other is not None and not self.values:
            raise ValueError("`other` needs `values`")
        if self.optional and not self.from_:
            raise ValueError("`optional` needs `from`")
        return self

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header its text may come from; of several `from` names the first one present is read."""
        return self.from_ + (self.join.columns if self.join else ()) + self.sum + ((self.sequence,) if self.sequence else ())

    @property
    def asides(self) -> tuple[str, ...]:
        """Headers that must be there too: they say whether and how its text is read."""
        zone = self.timezone.from_ if self.timezone else None
        shared = (self.share.per, *self.share.by) if self.share else ()
        return (*self.when, *shared, *(header for header in (zone, self.divided_by) if header))

    @property
    def beside(self) -> tuple[str, ...]:
        """A header whose amounts are read beside its own, and which may be absent where that may."""
        return (self.share.beyond,) if self.share and self.share.beyond else ()

    @property
    def constants(self) -> tuple[str, ...]:
        """Every text the mapping itself supplies."""
        given = (self.value, self.other, self.empty, *(self.values or {}).values())
        return tuple(text for text in given if text)


class Feed(_Strict):
    """How an export feeds one entity: every row, or those `when` picks; `per` makes one of all that are alike in its headers."""

    when: When = {}
    per: Texts = ()
    cells: dict[str, Cell]

    @model_validator(mode="before")
    @classmethod
    def _columns_beside(cls, block: object) -> object:
        if not isinstance(block, dict):
            raise ValueError("write `column: header` pairs")
        beside = {name: block[name] for name in ("when", "per") if name in block}
        columns = {name: cell for name, cell in block.items() if name not in beside}
        return beside | {
            "cells": {name: {"from": cell} if isinstance(cell, str | list) else cell for name, cell in columns.items()}
        }

    @property
    def headers(self) -> set[str]:
        """Every header its rows depend on."""
        read = {header for cell in self.cells.values() for header in cell.headers + cell.asides + cell.beside}
        return read | set(self.when) | set(self.per)


class Skip(_Strict):
    """Rows that are no records, such as totals."""

    when: When = Field(min_length=1)


class Fill(_Strict):
    """Columns written on the first row of a key only: their empty cells take what the key's rows above hold."""

    by: str
    columns: tuple[str, ...] = Field(min_length=1)


class Unpack(_Strict):
    """A cell that packs a list: each `item`, after `on` but for the first, becomes a row, its groups the columns `into`.

    A part that is no item by itself belongs to the item before it.
    """

    column: str
    on: str = Field(min_length=1)
    item: str
    into: tuple[str, ...] = Field(min_length=1)

    @field_validator("item")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        return _sql_pattern(pattern)

    @model_validator(mode="after")
    def _group_each(self) -> Self:
        groups = re.compile(self.item).groups
        if groups != len(self.into):
            raise ValueError(f"`item` has {groups} groups (…) and `into` {len(self.into)} names; write one for each")
        return self


class About(_Strict):
    """What a person must know of the export: where its system gives it, what bites, and what it cannot tell."""

    title: str
    menu: str
    bites: Texts = ()
    left_out: Texts = ()


class _Document(_Strict):
    about: About | None = None
    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    files: Texts = Field(min_length=1)
    csv: Csv | None = None
    workbook: Workbook | None = None
    ndjson: Ndjson | None = None
    parquet: Parquet | None = None
    timezone: str | None = None
    clock_changes: ClockChanges = ClockChanges()
    country: str = Field(default="FR", pattern="^[A-Z]{2}$")
    customer_space: str | None = None
    aliases: dict[str, Texts] = {}
    fill: Fill | None = None
    unpack: Unpack | None = None
    skip: Skip | None = None
    entities: dict[str, Feed] = Field(min_length=1)
    ignore: Texts = ()
    max_rejects: Share = Decimal("0.01")
    every: Rhythm | None = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return _zone(name)

    @model_validator(mode="after")
    def _one_format(self) -> Self:
        if sum(form is not None for form in (self.csv, self.workbook, self.ndjson, self.parquet)) > 1:
            raise ValueError("write one of csv, workbook, ndjson, parquet")
        return self

    @property
    def dialect(self) -> Dialect:
        return self.csv or self.workbook or self.ndjson or self.parquet or Csv()


@dataclass(frozen=True)
class Mapping:
    """One export: which files it is, their dialect and what they feed."""

    name: str
    path: Path
    about: About | None
    source: str
    files: tuple[str, ...]
    dialect: Dialect
    timezone: str
    clock_changes: ClockChanges
    country: str
    customer_space: str
    aliases: dict[str, str]
    fill: Fill | None
    unpack: Unpack | None
    skip: When
    feeds: dict[str, Feed]
    ignore: tuple[str, ...]
    max_rejects: Decimal = Decimal("0.01")
    every: timedelta | None = None

    def takes(self, file_name: str) -> bool:
        """Whether a file of that name is this export; `.gz`, `.zst` or `.zip` may follow any name."""
        names = {file_name, *(file_name.removesuffix(suffix) for suffix in PACKED)}
        return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in self.files)

    def ignores(self, header: str) -> bool:
        """Whether `ignore` names the header; `*` stands for any text."""
        return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), header, re.DOTALL) for pattern in self.ignore)

    def canonical(self, header: Iterable[str]) -> tuple[str, ...]:
        """The header's names as this mapping calls them."""
        return tuple(self.aliases.get(name, name) for name in header)

    @property
    def unpacked(self) -> tuple[str, ...]:
        """The columns that unpacking makes; no header has them."""
        return self.unpack.into if self.unpack else ()

    def reads_items(self, feed: Feed) -> bool:
        """Whether the feed takes a row for each unpacked item, not one for the record."""
        return bool(feed.headers & set(self.unpacked))

    @property
    def is_conditional(self) -> bool:
        """Whether some row may feed nothing, not every entity, or an entity's row together with others."""
        return bool(self.skip or self.unpack) or any(feed.when or feed.per for feed in self.feeds.values())

    @property
    def read(self) -> set[str]:
        """Every header it reads."""
        return {name for names, _ in self.headers() for name in names}

    def takes_rejects(self, rejected: int, rows: int) -> bool:
        """Whether a file may load without so many of its rows.

        Their share tells a fault of the system from one of a row only where rows are many, so a few may be rejected of any
        file: as many as a person corrects by hand, and never most of it. `max_rejects: 0%` takes none.
        """
        return rejected <= rows * self.max_rejects or (self.max_rejects > 0 and rejected <= min(FEW_REJECTS, rows / 2))

    @property
    def numbered(self) -> tuple[str, ...]:
        """The headers whose texts hold rows together: they number or share within one, fill down it, or make one row of it."""
        within = {cell.sequence for feed in self.feeds.values() for cell in feed.cells.values() if cell.sequence}
        within |= {cell.share.per for feed in self.feeds.values() for cell in feed.cells.values() if cell.share}
        within |= {header for feed in self.feeds.values() for header in feed.per} | ({self.fill.by} if self.fill else set())
        return tuple(sorted(within - set(self.unpacked)))

    def headers(self) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Each set of header names of which one must be there, with whether it may be absent."""
        needed = [*self.skip]
        needed += [self.fill.by] if self.fill else []
        needed += [self.unpack.column] if self.unpack else []
        for feed in self.feeds.values():
            needed += [*feed.when, *feed.per]
            for cell in feed.cells.values():
                needed += (header for header in cell.asides if not (cell.optional and header in cell.from_))
                yield from (((header,), cell.optional) for header in cell.beside)
                if cell.from_ and not set(cell.from_) <= set(self.unpacked):
                    yield cell.from_, cell.optional
                elif not cell.from_:
                    needed += cell.headers
        yield from (((header,), False) for header in needed if header not in self.unpacked)


def load_mappings(settings: Settings) -> dict[str, Mapping]:
    """Every mapping by name (its file's name), shipped ones and those of `settings.sources`.

    Raises `ConfigurationError` listing everything wrong in every file.
    """
    folders = [SHIPPED, *([settings.sources] if settings.sources else [])]
    if settings.sources and not settings.sources.is_dir():
        raise ConfigurationError(f"OMNIKPI_SOURCES: {settings.sources} is not a folder; create it or unset the variable")
    mappings: dict[str, Mapping] = {}
    problems: list[str] = []
    for path in sorted(path for folder in folders for ending in ("yml", "yaml") for path in folder.glob(f"*.{ending}")):
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
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path.name}: line {line}: not UTF-8 text; save the file as UTF-8") from None
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{path.name}: {line}" for line in _sentences(error))) from None
    problems = list(_problems(document))
    if problems:
        raise ConfigurationError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return Mapping(
        name=path.stem,
        path=path,
        about=document.about,
        source=document.source,
        files=document.files,
        dialect=document.dialect,
        timezone=document.timezone or timezone,
        clock_changes=document.clock_changes,
        country=document.country,
        customer_space=document.customer_space or document.source,
        aliases={other: name for name, others in document.aliases.items() for other in others},
        fill=document.fill,
        unpack=document.unpack,
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


class _Text(yaml.CBaseLoader):
    """YAML whose scalars all stay text, so that `Yes`, `007` and dates mean what is written; a key stands once."""


def _unique_keys(loader: _Text, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key, (key_node, _) in zip(keys, node.value, strict=True):
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "a key is a text; write quotes around it", key_node.start_mark)
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"`{key}` is written twice", key_node.start_mark)
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value, strict=True)}


_Text.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


def _sql_pattern(pattern: str) -> str:
    """The pattern, being one that the engine reads."""
    try:
        re.compile(pattern)
        with duckdb.connect() as connection:
            connection.execute("select regexp_matches('', ?)", [pattern])
    except (re.error, duckdb.Error) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


@cache
def _format_problem(form: str) -> str | None:
    """What is wrong with a way of writing dates or times; None where the engine reads it."""
    if form in NAMED_FORMATS:
        return None
    if "%" not in form:
        return f"`format: {form}` is none; write one such as %d/%m/%Y %H:%M, or {', '.join(NAMED_FORMATS)}"
    try:
        with duckdb.connect() as connection:
            connection.execute("select try_strptime('', ?)", [form])
    except duckdb.Error as error:
        return f"`format: {form}` cannot be read: {error}"
    return None


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
            beside = place[-2] if len(place) > 1 else ""
            is_cell = place[0] == "entities" and len(place) <= 4
            model = Cell if is_cell else _PARTS.get(beside, Cell if beside else _Document)
            model = Condition if "when" in place[:-1] else model
            known = _keys(model)
            yield f"{where}: no such key{nearest(place[-1], known)}; known keys: {', '.join(known)}"
        elif finding["type"] == "missing":
            yield f"{where}: missing; write it"
        else:
            yield f"{where}: {finding['msg'].removeprefix('Value error, ')}"


_PARTS: dict[str, type[BaseModel]] = {
    "about": About,
    "csv": Csv,
    "workbook": Workbook,
    "ndjson": Ndjson,
    "parquet": Parquet,
    "clock_changes": ClockChanges,
    "fill": Fill,
    "unpack": Unpack,
    "skip": Skip,
    "strip": Strip,
    "split": Split,
    "share": Sharing,
    "join": Join,
    "number": Numbers,
    "timezone": Zone,
}


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
                yield from (
                    f"{where}.{column_name}: {text}" for text in _cell_problems(columns[column_name], cell, bool(feed.per))
                )
        yield from (f"{where}.{text}" for text in _leaks(entity, feed, _personal_headers(document)))
    yield from _row_problems(document)


def _row_problems(document: _Document) -> Iterator[str]:
    """What is wrong with the verbs that change rows before any entity takes them."""
    read = {header for feed in document.entities.values() for header in feed.headers} | set(
        document.skip.when if document.skip else ()
    )
    for header in document.fill.columns if document.fill else ():
        if header not in read:
            yield f"fill.columns: {header!r} is read by no column{nearest(header, read)}; leave it out"
    if document.unpack:
        if not read & set(document.unpack.into):
            yield f"unpack.into: no column reads {' or '.join(map(repr, document.unpack.into))}; map one as if it were a header"
        if document.unpack.column in _personal_headers(document):
            yield f"unpack.column: {document.unpack.column!r} feeds a personal column; map another header there"
    names = [name for others in document.aliases.values() for name in others]
    for name in dict.fromkeys(names):
        if names.count(name) > 1 or name in document.aliases:
            yield f"aliases: {name!r} is written twice; one header has one name here"
        if name in read:
            yield f"aliases: {name!r} is another name of a column, yet read by it; read the column's first name"


def _cell_problems(column: Column, cell: Cell, is_grouped: bool) -> Iterator[str]:
    is_time = column.type in ("timestamp", "date", "time")
    is_number = column.type in ("integer", "bigint") or column.type.startswith("decimal")
    if cell.optional and column.required and cell.empty is None:
        yield "required, so it cannot be `optional` without an `empty` that says what holds then"
    if cell.timezone and column.type != "timestamp":
        yield f"`timezone` is for timestamps; this is a {column.type}"
    if cell.format != ("iso",) and not is_time:
        yield f"`format` is for timestamps, dates and times; this is a {column.type}"
    if is_time:
        yield from (problem for form in cell.format if (problem := _format_problem(form)))
    if (cell.unit is not None or cell.absolute or cell.number or cell.divided_by or cell.sum or cell.share) and not is_number:
        yield f"`unit`, `absolute`, `number`, `divided_by`, `sum` and `share` are for numbers; this is a {column.type}"
    if (cell.divided_by or cell.share) and not column.type.startswith("decimal"):
        yield f"`divided_by` and `share` give decimals; this is a {column.type}"
    if cell.share and (not cell.from_ or cell.divided_by):
        yield "`share` needs `from`, and does not go with `divided_by`"
    if cell.share and is_grouped:
        yield "`share` gives each row its part, and `per` makes one of them; take the amount with `from`"
    if cell.sum and len(cell.sum) < 2:
        yield "`sum` adds up two columns or more; write `from` for one"
    if cell.sequence and (cell.strip or cell.split or cell.blank or cell.values or cell.when):
        yield "`sequence` counts rows; `when`, `strip`, `split`, `blank` and `values` do not go with it"
    if cell.take and not is_grouped:
        yield "`take` needs the entity's `per`, which says for what rows one is taken"
    if cell.take == "any" and column.type != "boolean":
        yield f"`take: any` asks whether one is true; this is a {column.type}"
    if cell.take in ("sum", "count") and not is_number:
        yield f"`take: {cell.take}` gives a number; this is a {column.type}"
    if is_grouped and cell.sequence:
        yield "`sequence` numbers rows, and `per` makes one of them; write `{value: 1}`"
    if cell.unit is not None and (not 0 < cell.unit < 1_000_000 or -cast(int, cell.unit.as_tuple().exponent) > 6):
        yield f"`unit: {cell.unit}` must lie between 0.000001 and 1000000, with at most 6 decimals"
    if cell.value is not None and (cell.split or cell.strip or cell.blank):
        yield "`split`, `strip` and `blank` need `from`"
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
