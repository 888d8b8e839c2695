"""Exports into the warehouse and the vault: every row cast, loaded or rejected with its reason, each file whole or not at all."""

import os
import shutil
import tempfile
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest import DataRefused, casting, exports, failpoints, ledger, progress, reading, vault
from ingest.entities import IDENTIFIERS, Column, Entity, create_tables, entities
from ingest.joining import Joined, join
from ingest.ledger import Load
from ingest.mappings import Cell, Csv, Feed, Mapping
from ingest.reading import Text
from settings import Settings

MASK = "•••"
FEWEST_DIGITS_OF_A_PHONE = 8
DATE_LIKE = r"[0-9]{1,4}([-/.])[0-9]{1,2}[-/.][0-9]{1,4}([ T][0-9:.]{4,15}( ?(Z|[AP]M|[+-][0-9:]{2,5}))?)?"
# Which of the values of a key's rows stands for them; empty ones are passed over.
_TAKES = {
    "first": "arg_min({value}, line)",
    "last": "arg_max({value}, line)",
    "min": "min({value})",
    "max": "max({value})",
    "sum": "sum({value})",
    "count": "count({value})",
    "any": "bool_or({value})",
}
# Files of up to so many records are cast once into memory; longer ones are streamed again for each table they feed.
HELD_RECORDS = 200_000
# Texts of up to so many bytes are joined with others; for larger ones a statement of their own costs nothing that counts.
JOINED_BYTES = 4 << 20


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A folder for what must not outlive the load, emptied before and after, closed to others."""
    folder = settings.data_dir / ".scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(warehouse: Path, folder: Path, key: bytes, memory: str = "1GB") -> duckdb.DuckDBPyConnection:
    """The warehouse, ready to load into; it spills to `folder`."""
    with ExitStack() as failing:
        connection = failing.enter_context(duckdb.connect(str(warehouse)))
        vault.prepare(connection, folder / "warehouse", key, memory)
        create_tables(connection)
        failing.pop_all()
    return connection


@dataclass(frozen=True)
class Delivery:
    """A file that has arrived, with what the ledger knows of its content; `stat` is from before anything of it was read.

    It is entered with `verdict` and `reason` where that is decided, as the entry `entered` where that is there already; else it
    is loaded, `reason` being why where it was not simply delivered, as `number` or, where that is taken, the next.
    """

    path: Path
    name: str
    source: str
    sha256: str
    stat: os.stat_result
    mapping: Mapping | None = None
    verdict: str | None = None
    reason: str | None = None
    entered: Load | None = None
    entries: Sequence[Load] = ()
    number: int = 0

    def load(self) -> Load:
        """Its entry for the ledger, without a number, refused until something is known to be loaded."""
        return Load(
            file_id=0,
            source=self.source,
            mapping=self.mapping.name if self.mapping else None,
            file_name=self.name,
            sha256=self.sha256,
            bytes=self.stat.st_size,
            verdict=self.verdict or "refused",
            delivered_at=datetime.fromtimestamp(self.stat.st_mtime, UTC).replace(tzinfo=None),
            loaded_at=datetime.now(UTC).replace(tzinfo=None),
            reason=self.reason,
        )


class _File:
    """A delivery on its way into the warehouse: its text and what will be entered of it; no text where it is not loaded."""

    def __init__(self, delivery: Delivery, folder: Path) -> None:
        self.delivery, self.folder = delivery, folder
        self.load, self.text = delivery.load(), None
        if delivery.mapping and not delivery.verdict:
            folder.mkdir()
            self._readings = exports.read(delivery.path, delivery.mapping, folder)
            self.read_on()

    def read_on(self) -> None:
        """Goes on to the next reading of it; where there is none, it is refused."""
        assert self.delivery.mapping
        try:
            self.text = next(self._readings, None)
            if self.text is None:
                raise Unaccounted
            progress.counted(self.text.records)
            reading.positions(self.delivery.mapping, self.text.header)
            self.load = replace(self.load, new_columns=reading.new_columns(self.delivery.mapping, self.text.header))
        except DataRefused as refusal:
            self.refuse(str(refusal))

    def refuse(self, reason: str) -> None:
        self.text, self.load = None, replace(self.load, reason=reason, new_columns=())

    @property
    def entered(self) -> int | None:
        """Its entry in the ledger, if it has one and nothing is to be loaded: a run may have ended before it moved the file."""
        if self.text is not None:
            return None
        known = self.delivery.entered or ledger.entered_before(self.delivery.entries, self.load)
        return known.file_id if known else None


class Unaccounted(DataRefused):
    """Not every record of a text was accounted for."""

    def __init__(self) -> None:
        super().__init__("its records cannot be told apart reliably; check `csv: {delimiter: …, quote: …}` in the mapping")


@dataclass(frozen=True)
class Account:
    """Where the rows of a file went; `rows_in` = loaded + rejected, rows skipped by the mapping not counted in."""

    rows_in: int
    rows_loaded: int
    rows_rejected: int
    rows_skipped: int
    entities: dict[str, int]


def load_files(
    warehouse: duckdb.DuckDBPyConnection,
    safe: duckdb.DuckDBPyConnection | None,
    deliveries: Sequence[Delivery],
    folder: Path,
) -> list[Load]:
    """Loads exports and enters each in the ledger, all in one transaction, or in several where one of them stands in the way.

    The outcome is that of loading them one after the other. `folder` is for what must not outlive the load; personal values go
    to the vault `safe` (nowhere when None).
    """
    with tempfile.TemporaryDirectory(dir=folder) as texts:
        return _load(warehouse, safe, [_File(one, Path(texts) / str(number)) for number, one in enumerate(deliveries)])


def _load(warehouse: duckdb.DuckDBPyConnection, safe: duckdb.DuckDBPyConnection | None, files: Sequence[_File]) -> list[Load]:
    try:
        return _attempt(warehouse, safe, files)
    except (DataRefused, duckdb.OutOfMemoryException) as error:
        if len(files) > 1:
            half = len(files) // 2
            return [*_load(warehouse, safe, files[:half]), *_load(warehouse, safe, files[half:])]
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        if isinstance(error, Unaccounted):
            files[0].read_on()
        else:
            files[0].refuse(str(error))
        return _load(warehouse, safe, files)


def _attempt(warehouse: duckdb.DuckDBPyConnection, safe: duckdb.DuckDBPyConnection | None, files: Sequence[_File]) -> list[Load]:
    """The loads of the files, committed. Raises `DataRefused`, with everything rolled back, where one of them does not load."""
    begun = time.perf_counter()
    connections = [warehouse] if safe is None else [safe, warehouse]
    for connection in connections:
        connection.execute("begin")
    failpoints.reach("load begun")
    try:
        loads = _numbered(warehouse, files)
        accounts: dict[int, Account] = {}
        links: list[str] = []
        for plan in _plans(files, loads):
            accounts |= _write(warehouse, safe, plan)
            links += plan.links()
        if links:
            warehouse.execute(_insert_links(links))
        seconds = round((time.perf_counter() - begun) / max(len(accounts), 1), 3)
        for number, (file, load) in enumerate(zip(files, loads, strict=True)):
            if account := accounts.get(load.file_id):
                loads[number] = _judged(warehouse, file, load, account, seconds)
        ledger.record(warehouse, [load for file, load in zip(files, loads, strict=True) if file.entered is None])
        failpoints.reach("load recorded")
        # The vault first: values without a ledger entry are removed by the next run, the reverse would be a loss.
        if safe is not None:
            safe.execute("commit")
        failpoints.reach("vault committed")
        warehouse.execute("commit")
        failpoints.reach("load committed")
        return loads
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        # DuckDB could not read a text. Its message quotes the line, personal values included, so it goes no further.
        raise Unaccounted from None
    finally:
        for connection in connections:
            _roll_back(connection)


def _numbered(warehouse: duckdb.DuckDBPyConnection, files: Sequence[_File]) -> list[Load]:
    """The files' entries: those that are in the ledger under their number, new ones under numbers above all before them."""
    following, now = ledger.next_file_id(warehouse), datetime.now(UTC).replace(tzinfo=None)
    loads = []
    for file in files:
        if file.entered is None:
            following = max(following, file.delivery.number)
        loads.append(replace(file.load, file_id=file.entered or following, loaded_at=now))
        following += file.entered is None
    return loads


def _plans(files: Sequence[_File], loads: Sequence[Load]) -> Iterator["Plan"]:
    """What takes the files in: one plan for all small ones of a mapping that have the same header and whose lines are records."""
    alike: dict[Hashable, list[tuple[_File, Load]]] = {}
    for file, load in zip(files, loads, strict=True):
        if file.text:
            is_joined = file.text.lines_before is not None and file.text.path.stat().st_size <= JOINED_BYTES
            kind = (load.mapping, file.text.header) if is_joined else load.file_id
            alike.setdefault(kind, []).append((file, load))
    for found in alike.values():
        (first, load), texts = found[0], {load.file_id: file.text for file, load in found if file.text}
        together = first.folder.with_name(f"{load.file_id}-{len(found)}.csv")
        text = texts[load.file_id] if len(found) == 1 else join(texts, together)
        assert first.delivery.mapping
        yield Plan(first.delivery.mapping, text, load)


def _judged(warehouse: duckdb.DuckDBPyConnection, file: _File, load: Load, account: Account, seconds: float) -> Load:
    """The load with its account. Raises `DataRefused` where too few rows fit or the file changed under the reader."""
    assert file.delivery.mapping
    if not reading.is_still(file.delivery.path, file.delivery.stat):
        raise DataRefused("it changed while it was read; send it again once it is complete")
    is_emptied = account.rows_rejected and not account.rows_loaded
    if is_emptied or not file.delivery.mapping.takes_rejects(account.rows_rejected, account.rows_in):
        raise _too_many_rejects(warehouse, account, load, file.delivery.mapping)
    return replace(load, verdict="loaded_with_rejects" if account.rows_rejected else "loaded", **vars(account), seconds=seconds)


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    with suppress(duckdb.TransactionException):  # committed
        connection.execute("rollback")


def _too_many_rejects(warehouse: duckdb.DuckDBPyConnection, account: Account, load: Load, mapping: Mapping) -> DataRefused:
    first = warehouse.execute(
        "select min(line), column_name, reason from ledger.rejects where file_id = ? group by column_name, reason "
        "order by count(distinct line) desc, min(line) limit 3",
        [load.file_id],
    ).fetchall()
    told = "; ".join(f"line {line}, column {column}: {why}" if column else f"line {line}: {why}" for line, column, why in first)
    share = f"{mapping.max_rejects:%}".replace(".000000", "")
    return DataRefused(
        f"{account.rows_rejected:,} of its {account.rows_in:,} rows do not fit, more than `max_rejects: {share}` lets pass; "
        f"{told}; change the mapping or the export"
    )


def _write(warehouse: duckdb.DuckDBPyConnection, safe: duckdb.DuckDBPyConnection | None, plan: "Plan") -> dict[int, Account]:
    """Writes rows and rejects; the account of each file by its number.

    Raises `Unaccounted` where the records of a text are not all accounted for.
    """
    if plan.text.records <= HELD_RECORDS:
        plan.hold(warehouse)
    shares = progress.even(sum(2 if entity.personal else 1 for entity in plan.entities))
    if safe is not None:
        for entity in plan.entities:
            if entity.personal:
                progress.statement(next(shares), safe, plan.text.part_read)
                plan.insert_into_vault(entity, warehouse, safe)
        failpoints.reach("vault written")
    loaded: dict[str, int] = {}
    for entity in plan.entities:
        progress.statement(next(shares), warehouse, plan.text.part_read)
        loaded[entity.name] = _count(warehouse, plan.insert(entity))
    progress.statement(next(shares), warehouse, plan.text.part_read)
    failpoints.reach("rows written")
    accounts = plan.accounts(warehouse, loaded)
    if any(account.rows_rejected for account in accounts.values()):
        if plan.text.records > plan.text.ragged_records:
            warehouse.execute(plan.insert_rejects())
        if plan.text.ragged_records:
            warehouse.execute(plan.insert_ragged())
        if safe is not None:
            for file_id, lines in plan.rejected_lines(warehouse).items():
                vault.keep_lines(safe, file_id, lines)
    return accounts


def _insert_links(links: Sequence[str]) -> str:
    """SQL that remembers each link once, by the first file that has it; all files' at once, for plans take them in no order."""
    return (
        "insert into ledger.links select identity_key, node, kind, min(_file_id) "
        f"from (select * from ({' union all '.join(links)}) anti join ledger.links using (identity_key, node, kind) "
        "where node is not null) group by identity_key, node, kind"
    )


def _count(connection: duckdb.DuckDBPyConnection, insert: str) -> int:
    return (connection.execute(insert).fetchone() or (0,))[0]


class Plan:
    """The SQL that takes a text through a mapping: each layer adds columns named after entity and column to the one before."""

    def __init__(self, mapping: Mapping, text: Text, load: Load) -> None:
        self.mapping, self.text, self.load = mapping, text, load
        self._texts = text.texts if isinstance(text, Joined) else {load.file_id: text}
        # What windows over a text begin with, for nothing of one file may reach into another.
        self._each = "file_id, " if isinstance(text, Joined) else ""
        self.entities = [entities()[name] for name in mapping.feeds]
        self._positions = reading.positions(mapping, text.header)
        self._casts = self._rows = self._layers()

    def hold(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Casts every row once, into memory, for all that follows; without it each statement casts the file again.

        The casts of a wide export take longer to plan than a small file takes to read.
        """
        kept = ["file_id", "line", "is_blank", "is_faulty", *(f"takes_{entity.name}" for entity in self.entities)]
        kept += [f"leads_{entity.name}" for entity in self.entities if self._keys(entity)]
        kept += [name for *_, name in self._mapped()]
        connection.execute(f"create or replace temp table held as select {', '.join(kept)} from ({self._casts})")
        self._rows = "from held"

    @property
    def _is_held(self) -> bool:
        return self._rows != self._casts

    def _reference(self, header: str) -> str | None:
        if header in self.mapping.unpacked:
            return f"u{self.mapping.unpacked.index(header) + 1}"
        position = self._positions.get(header)
        return None if position is None else f"c{position}"

    def _mapped(self) -> Iterator[tuple[Entity, Feed, Column, Cell, str]]:
        for entity in self.entities:
            feed = self.mapping.feeds[entity.name]
            for column in entity.columns:
                if column.name in feed.cells:
                    yield entity, feed, column, feed.cells[column.name], f"{entity.name}_{column.name}"

    def _layers(self) -> str:
        """SQL of every row with its texts, its values, why a text has none, and whether the row is faulty."""
        skip = self.mapping.skip
        is_blank = " and ".join(f"c{index} is null" for index in range(len(self.text.header)))
        not_skipped = f" and not ({casting.condition(skip, self._reference)})" if skip else ""
        added = [f"{is_blank} as is_blank"]
        for entity in self.entities:
            feed = self.mapping.feeds[entity.name]
            item = f" and {self._item_of(feed)}" if self.mapping.unpack else ""
            added.append(f"{casting.condition(feed.when, self._reference)}{not_skipped}{item} as takes_{entity.name}")
            added += [f"{self._reference(header)} as {key}" for header, key in zip(feed.per, self._keys(entity), strict=True)]
        candidates, reads, totals, values = {}, {}, {}, []
        faults = {entity.name: [f"{key} is null" for key in self._keys(entity)] for entity in self.entities}
        for entity, feed, column, cell, name in self._mapped():
            if cell.share:
                takes = f"{self._each}takes_{entity.name}"
                cast = casting.shared(cell, column, self.mapping, name, self._reference, takes, self._order)
            else:
                cast = casting.cast(cell, column, self.mapping, name, self._reference)
            added += [f"{sql} as {alias}" for alias, sql in cast.texts.items()]
            value, reason = cast.value, cast.reason
            if cell.sequence:
                order = f"row_number() over (partition by {self._each}text_{name}, takes_{entity.name} order by {self._order})"
                value, reason = f"case when text_{name} is not null then {order} end", "null"
            else:
                candidates |= cast.candidates
                reads |= cast.reads
                totals |= cast.totals
            own = f"own_{name}" if feed.per else name
            values.append(f"({value})::{column.type} as {own}")
            values.append(f"{self._reason(cell, reason, name)} as reason_{name}")
            if column.required and not feed.per:
                faults[entity.name].append(f"{name} is null")
            elif column.type != "varchar" or column.accepted:
                faults[entity.name].append(f"({own} is null and text_{name} is not null)")
        layers = [[f"{sql} as {alias}" for alias, sql in layer.items()] for layer in (candidates, reads, totals)]
        faulty = " or ".join(f"takes_{name} and ({' or '.join(tests)})" for name, tests in faults.items() if tests) or "false"
        rows = f"select file_id, line{', item' if self.mapping.unpack else ''}, {', '.join(added)} from ({self._cells()})"
        for layer in (*layers, values, [f"{faulty} as is_faulty"]):
            rows = f"select *, {', '.join(layer)} from ({rows})" if layer else rows
        return self._led(self._judged(self._grouped(self._judged(rows))))

    def _records(self) -> str:
        """SQL of the texts' records, each with the file it is from."""
        records = self.text.select()
        return records if isinstance(self.text, Joined) else f"select *, {self.load.file_id}::bigint as file_id from ({records})"

    def _cells(self) -> str:
        """SQL of the records' cells, with those that the mapping fills and a row for each item that it unpacks."""
        rows = self._records()
        fill, unpack = self.mapping.fill, self.mapping.unpack
        if fill:
            key = self._reference(fill.by)
            above = f"over (partition by {self._each}{key} order by line rows between unbounded preceding and current row)"
            cells = [cell for header in fill.columns if (cell := self._reference(header))]
            filled = ", ".join(
                f"case when {key} is null then {cell} else last_value({cell} ignore nulls) {above} end as {cell}"
                for cell in cells
            )
            rows = f"select * replace ({filled}) from ({rows})" if cells else rows
        if unpack:
            packed, item, on = self._reference(unpack.column), casting.literal(unpack.item), casting.literal(unpack.on)
            joined = f"case when regexp_full_match(part, {item}) then whole || chr(31) || part else whole || {on} || part end"
            parts = f"string_split(list_reduce(string_split({packed}, {on}), lambda whole, part: {joined}), chr(31))"
            rows = f"select *, {packed} as packed, coalesce({parts}, [null::varchar]) as parts from ({rows})"
            rows = f"select *, unnest(parts) as part, generate_subscripts(parts, 1) as item from ({rows})"
            groups = [f"{casting.group('part', unpack.item, number)} as u{number}" for number in range(1, len(unpack.into) + 1)]
            rows = f"select *, {', '.join(groups)} from ({rows})"
        return rows

    def _keys(self, entity: Entity) -> list[str]:
        """Names of the columns that hold what the entity takes one row `per`; none where it takes every row."""
        return [f"key_{entity.name}_{index}" for index in range(len(self.mapping.feeds[entity.name].per))]

    def _item_of(self, feed: Feed) -> str:
        """SQL of whether a feed may take an unpacked row: each item of it, or each record once."""
        return "packed is not null" if self.mapping.reads_items(feed) else "item = 1"

    @property
    def _order(self) -> str:
        return "line, item" if self.mapping.unpack else "line"

    def _grouped(self, rows: str) -> str:
        """SQL with, for entities that take one row per key, the values of the key's sound rows in place of each row's own."""
        taken, missing = [], []
        for entity, feed, column, cell, name in self._mapped():
            if not feed.per:
                continue
            keys = ", ".join(self._keys(entity))
            over = f"filter (where takes_{entity.name} and not is_faulty) over (partition by {self._each}{keys})"
            value = f"{_TAKES[cell.take or 'first'].format(value=f'own_{name}')} {over}"
            taken.append(f"try_cast({value} as {column.type}) as {name}")
            if column.required:
                missing.append(f"(takes_{entity.name} and {name} is null)")
            if cell.take == "sum":
                taken.append(f"{value} is not null and try_cast({value} as {column.type}) is null as is_too_large_{name}")
                missing.append(f"(takes_{entity.name} and is_too_large_{name})")
        if not taken:
            return rows
        rows = f"select *, {', '.join(taken)} from ({rows})"
        return f"select * replace (is_faulty or {' or '.join(missing)} as is_faulty) from ({rows})" if missing else rows

    def _judged(self, rows: str) -> str:
        """SQL in which a record is faulty as a whole, however many rows were unpacked from it."""
        if not self.mapping.unpack:
            return rows
        return f"select * replace (bool_or(is_faulty) over (partition by {self._each}line) as is_faulty) from ({rows})"

    def _led(self, rows: str) -> str:
        """SQL that knows which row stands for each key: the first sound one."""
        leads = []
        for entity in self.entities:
            if self._keys(entity):
                keys = ", ".join([f"takes_{entity.name} and not is_faulty", *self._keys(entity)])
                order = f"row_number() over (partition by {self._each}{keys} order by {self._order})"
                leads.append(f"takes_{entity.name} and not is_faulty and {order} = 1 as leads_{entity.name}")
        return f"select *, {', '.join(leads)} from ({rows})" if leads else rows

    def _keeps(self, entity: Entity) -> str:
        """SQL of whether a row becomes one of the entity's."""
        return f"leads_{entity.name}" if self._keys(entity) else f"takes_{entity.name} and not is_faulty"

    def _reason(self, cell: Cell, reason: str, name: str) -> str:
        place = f" (column {' or '.join(map(repr, cell.headers))})" if cell.headers else " (given by the mapping)"
        empty = casting.literal("empty, but required" + place)
        return f"case when text_{name} is null then {empty} else {reason} || {casting.literal(place)} end"

    def _hashes(self, entity: Entity) -> str:
        """SQL of the rows the entity keeps, with the keyed hashes of who they are about."""
        cells = self.mapping.feeds[entity.name].cells
        home = self.mapping.country
        country = casting.literal(home)
        if "country" in cells:
            written = f"{entity.name}_country"
            country = f"case when regexp_full_match({written}, '[A-Za-z]{{2}}') then upper({written}) else {country} end"
        hashes = [
            f"{vault.hashed(name, vault.normalised(name, f'{entity.name}_{name}', country, home))} as hash_{name}"
            for name in entity.identifiers
            if name in cells
        ]
        if "customer_ref" in cells:
            space = casting.literal(self.mapping.customer_space + ":")
            hashes.append(f"{vault.hashed('customer', f'{space} || {entity.name}_customer_ref')} as hash_customer_ref")
        kept = self._keeps(entity) if self.mapping.is_conditional else "not is_faulty"
        return f"select {', '.join(['*', *hashes])} from ({self._rows}) where {kept}"

    def _output(self, entity: Entity, name: str, type_: str) -> str:
        """SQL of a column of the entity's tables, over the rows of `_hashes`."""
        cells = self.mapping.feeds[entity.name].cells
        origin = {
            "_source": casting.literal(self.mapping.source),
            "_file_id": "file_id",
            "_line": "line",
            "_loaded_at": f"timestamp '{self.load.loaded_at}'",
        }
        if name in origin:
            return origin[name]
        if name == "identity_key":
            known = [f"hash_{part}" for part in ("customer_ref", *IDENTIFIERS) if part in cells and f"hash_{part}"]
            return f"coalesce({', '.join(known)}, null)" if known else "null"
        if name.removesuffix("_hash") in entity.identifiers and name.endswith("_hash"):
            return f"hash_{name.removesuffix('_hash')}" if name.removesuffix("_hash") in cells else "null"
        if name == "customer_ref" and name in cells and self._is_personal(cells[name]):
            return "hash_customer_ref"
        return f"{entity.name}_{name}" if name in cells else f"null::{type_}"

    def _is_personal(self, cell: Cell) -> bool:
        """Whether a header the cell reads also feeds a personal column, so that its text must not be kept in clear."""
        personal = {header for _, _, column, other, _ in self._mapped() if column.pii for header in other.headers}
        return bool(personal & set(cell.headers))

    def _is_harmless(self, column: Column, text: str) -> str:
        """SQL of whether a text is surely no personal value: in a row that slipped, a name stands where a date should be."""
        personal = [other for _, _, other, _, _ in self._mapped() if other.pii]
        if not personal:
            return "true"
        if column.type.startswith("decimal") or column.type in ("integer", "bigint"):
            digits = f"length(regexp_replace({text}, '[^0-9]', '', 'g'))"
            return f"{digits} between 1 and {FEWEST_DIGITS_OF_A_PHONE - 1} and not regexp_matches({text}, '[\\p{{L}}@]')"
        if column.type in ("date", "timestamp") and not any(other.type == "date" for other in personal):
            return f"regexp_full_match({text}, {casting.literal(DATE_LIKE)})"
        return "false"

    def _insert(self, table: str, entity: Entity, columns: dict[str, str]) -> str:
        names, outputs = self._columns(entity, columns)
        return f"insert into {table} ({names}) select {outputs} from ({self._hashes(entity)})"

    def _columns(self, entity: Entity, columns: dict[str, str]) -> tuple[str, str]:
        """SQL of a table's columns and of their values, in the same order."""
        names = ", ".join(f'"{name}"' for name in columns)
        return names, ", ".join(self._output(entity, name, type_) for name, type_ in columns.items())

    def insert(self, entity: Entity) -> str:
        return self._insert(f"raw.{entity.name}", entity, entity.raw_columns)

    def insert_into_vault(self, entity: Entity, warehouse: duckdb.DuckDBPyConnection, safe: duckdb.DuckDBPyConnection) -> None:
        """Writes the entity's personal values; rows held in memory are handed over, any others read again by the vault."""
        columns = vault.vault_columns(entity)
        if self._is_held:
            names, outputs = self._columns(entity, columns)
            rows = warehouse.sql(f"select {outputs} from ({self._hashes(entity)})").to_arrow_table()
            safe.register("held", rows)
            safe.execute(f"insert into {entity.name} ({names}) select * from held")
            safe.unregister("held")
        else:
            safe.execute(self._insert(entity.name, entity, columns))

    def links(self) -> Iterator[str]:
        """SQL of which identifiers stand under which identity key in the rows written, by entity and kind, null ones included."""
        for entity in self.entities:
            if entity.names_persons:
                taken = f"from raw.{entity.name} where {self._are_ours('_file_id')} and identity_key is not null"
                yield f"select _file_id, identity_key, identity_key as node, 'record' as kind {taken}"
                yield from (f"select _file_id, identity_key, {name}_hash, '{name}' {taken}" for name in entity.identifiers)

    def _are_ours(self, file_id: str) -> str:
        """SQL of whether a row is of the files at hand."""
        first, last = min(self._texts), max(self._texts)
        return f"{file_id} between {first} and {last} and {file_id} in ({', '.join(map(str, self._texts))})"

    def accounts(self, warehouse: duckdb.DuckDBPyConnection, loaded: dict[str, int]) -> dict[int, Account]:
        """Where the rows of each file went, by its number; `loaded` is what was inserted for each entity.

        Raises `Unaccounted` where some record of a text went nowhere.
        """
        records = self.text.records
        if len(self._texts) == 1 and not self.mapping.is_conditional and set(loaded.values()) == {records}:
            return {self.load.file_id: Account(records, records, 0, 0, loaded)}
        counts = {file_id: found for file_id, *found in warehouse.execute(self._count()).fetchall()}
        accounts, nothing = {}, [0] * (3 + len(self.entities))
        for file_id, text in self._texts.items():
            read, skipped, faulty, *sound = counts.get(file_id, nothing)
            if read + text.ragged_records != text.records:
                raise Unaccounted
            rejected = faulty + text.ragged_records
            entities = dict(zip(loaded, sound, strict=True))
            accounts[file_id] = Account(text.records - skipped, read - skipped - faulty, rejected, skipped, entities)
        if any(sum(account.entities[name] for account in accounts.values()) != rows for name, rows in loaded.items()):
            raise Unaccounted
        return accounts

    def _count(self) -> str:
        """SQL of each file's records: read, left out (blank, or taken by no entity), faulty, and each entity's sound rows."""
        taken = " or ".join(f"takes_{entity.name}" for entity in self.entities)
        left_out, is_fault = f"not ({taken}) or (is_faulty and is_blank)", "is_faulty and not is_blank"
        sound = [f"count(*) filter ({self._keeps(entity)})" for entity in self.entities]
        if not self.mapping.unpack:
            counts = ["count(*)", f"count(*) filter ({left_out})", f"count(*) filter ({is_fault})", *sound]
            return f"select file_id, {', '.join(counts)} from ({self._rows}) group by file_id"
        each = ", ".join(f"{rows} as rows_{entity.name}" for rows, entity in zip(sound, self.entities, strict=True))
        records = (
            f"select file_id, bool_and({left_out}) as left_out, bool_or({is_fault}) as is_fault, {each} from ({self._rows}) "
            "group by file_id, line"
        )
        totals = ", ".join(f"sum(rows_{entity.name})::bigint" for entity in self.entities)
        counts = f"count(*), count(*) filter (left_out), count(*) filter (is_fault and not left_out), {totals}"
        return f"select file_id, {counts} from ({records}) group by file_id"

    def insert_rejects(self) -> str:
        """SQL that enters every faulty column of every faulty row, values masked that are personal or might be."""
        findings = []
        for entity, feed, column, cell, name in self._mapped():
            text = casting.shown(name)
            is_shown = "false" if column.pii or self._is_personal(cell) else self._is_harmless(column, text)
            value = f"case when {is_shown} then left({text}, 200) else {casting.literal(MASK)} end"
            missing = f"{name} is null and (text_{name} is not null or {str(column.required).lower()})"
            if feed.per:
                # What another row of the key holds is no fault of this one.
                missing = f"own_{name} is null and (text_{name} is not null or {name} is null and {str(column.required).lower()})"
            reason = f"reason_{name}"
            if cell.take == "sum":
                too_large = casting.literal(f"too large a sum: its key's rows come to more than a {column.type} holds")
                missing = f"({missing} or is_too_large_{name})"
                reason = f"case when is_too_large_{name} then {too_large} else {reason} end"
            findings.append(
                f"{{entity: '{entity.name}', column_name: '{column.name}', "
                f"value: case when text_{name} is not null then {value} end, "
                f"reason: case when takes_{entity.name} and {missing} then {reason} end}}"
            )
        for entity in self.entities:
            for header, key in zip(self.mapping.feeds[entity.name].per, self._keys(entity), strict=True):
                reason = casting.literal(f"empty, but `per` takes one row for each (column {header!r})")
                findings.append(
                    f"{{entity: '{entity.name}', column_name: null, value: null, "
                    f"reason: case when takes_{entity.name} and {key} is null then {reason} end}}"
                )
        faulty = f"({self._casts}) where is_faulty and not is_blank"
        faults = f"select file_id, line, unnest([{', '.join(findings)}]) as fault from {faulty}"
        once = "distinct " if self.mapping.unpack else ""
        return (
            f"insert into ledger.rejects select {once}file_id, line, fault.entity, fault.column_name, fault.value, "
            f"fault.reason from ({faults}) where fault.reason is not null"
        )

    def rejected_lines(self, connection: duckdb.DuckDBPyConnection) -> dict[int, list[tuple[int, str]]]:
        """File → (line, text) of the header, of every rejected record, and of the sound ones numbered together with them."""
        header, dialect = self.text.header, self.mapping.dialect
        csv = dialect if isinstance(dialect, Csv) else Csv()
        rejected = f"(select file_id, line from ledger.rejects where {self._are_ours('file_id')})"
        together = [cell for name in self.mapping.numbered if (cell := self._reference(name))]
        is_rejected = f"(file_id, line) in {rejected}"
        numbered = [f"(file_id, {cell}) in (select file_id, {cell} from records where {is_rejected})" for cell in together]
        kept = " or ".join([is_rejected, *numbered])
        cells = ", ".join(f"c{index}" for index in range(len(header)))
        rows = connection.execute(
            f"with records as materialized ({self._records()}) select file_id, line, {cells} from records where {kept}"
        ).fetchall()
        lines: dict[int, list[tuple[int, str]]] = {}
        for file_id, line, *fields in rows:
            lines.setdefault(file_id, []).append((line, reading.render(fields, csv)))
        if self.text.ragged_records:
            assert self.text.ragged
            ragged = connection.execute(f"select line::bigint, text from {reading.read_parquet(self.text.ragged)}").fetchall()
            lines.setdefault(self.load.file_id, []).extend(ragged)
        return {file_id: [(0, reading.render(header, csv)), *sorted(found)] for file_id, found in lines.items()}

    def insert_ragged(self) -> str:
        """SQL that enters the records of a wrong length; their text goes to the vault, for what stands in it is unknown."""
        assert self.text.ragged
        rows = reading.read_parquet(self.text.ragged)
        return f"insert into ledger.rejects select {self.load.file_id}, line::bigint, null, null, null, reason from {rows}"
