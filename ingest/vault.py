"""Personal data: kept in one file, recognised elsewhere by keyed hashes alone.

Hashes are HMAC-SHA-256 over normalised identifiers, so that without the key nobody can try addresses or numbers against them.
"""

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import duckdb
import numpy as np
import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

from ingest import failpoints
from ingest.casting import literal
from ingest.entities import Entity, entities
from settings import Settings

MAX_RECORDS_OF_AN_IDENTIFIER = 20
HASH_LENGTH = 32
REJECTED_LINES = "rejected_lines"


def hash_key(settings: Settings) -> bytes:
    """The key of all hashes: the setting's, or one made once and kept, readable by its owner alone, in the data folder."""
    if settings.hash_key:
        return settings.hash_key.get_secret_value().encode()
    path = settings.data_dir / ".hash_key"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip().encode()


def connect(path: Path, folder: Path, key: bytes) -> duckdb.DuckDBPyConnection:
    """The vault, with a table for each entity that holds personal data, ready to hash and to spill to `folder`.

    Its file is readable by its owner alone.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.connect(str(path)).close()
        path.chmod(0o600)
    connection = duckdb.connect(str(path))
    prepare(connection, folder / "vault", key, memory="384MB")
    for entity in entities().values():
        if entity.personal:
            columns = vault_columns(entity)
            declared = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
            connection.execute(f"create table if not exists {entity.name} ({declared})")
            for name, type_ in columns.items():
                connection.execute(f'alter table {entity.name} add column if not exists "{name}" {type_}')
    connection.execute(f"create table if not exists {REJECTED_LINES} (_file_id bigint, _line bigint, text varchar)")
    return connection


def forget_unrecorded(connection: duckdb.DuckDBPyConnection, last_file_id: int) -> None:
    """Removes what a load left that ended between the vault's commit and the warehouse's: its file is loaded again."""
    for table in (*(entity.name for entity in entities().values() if entity.personal), REJECTED_LINES):
        connection.execute(f"delete from {table} where _file_id > ?", [last_file_id])


def keep_lines(connection: duckdb.DuckDBPyConnection, file_id: int, lines: list[tuple[int, str]]) -> None:
    """Keeps the text of rejected records, which may hold anything; line 0 is the header."""
    kept = pl.DataFrame(lines, schema={"line": pl.Int64, "text": pl.String}, orient="row").to_arrow()
    connection.register("kept", kept)
    connection.execute(f"insert into {REJECTED_LINES} select ?, line, text from kept", [file_id])
    connection.unregister("kept")


def forget_lines(path: Path, file_ids: set[int]) -> None:
    """Removes the kept text of these files' rejected records."""
    if file_ids and path.exists():
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"delete from {REJECTED_LINES} where _file_id in (select unnest(?))", [list(file_ids)])


def kept_lines(path: Path, file_id: int) -> list[tuple[int, str]]:
    """(line, text) of a file's rejected records in the vault, its header first as line 0."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            f"select _line, text from {REJECTED_LINES} where _file_id = ? order by _line", [file_id]
        ).fetchall()


def vault_columns(entity: Entity) -> dict[str, str]:
    """Column → SQL type of the entity's vault table: its key, its personal values, and where the row came from."""
    kept = [column for column in entity.columns if column.name in entity.key or column.pii]
    columns = {column.name: column.type for column in kept} | {f"{name}_hash": "varchar" for name in entity.identifiers}
    return columns | {"identity_key": "varchar", "_source": "varchar", "_file_id": "bigint", "_line": "bigint"}


def prepare(connection: duckdb.DuckDBPyConnection, folder: Path, key: bytes, memory: str) -> None:
    """Sets a connection up to load: bounded memory, and the hashing of identifiers, whose key leaves no trace on disk."""
    connection.execute(f"set temp_directory = {literal(str(folder))}")
    connection.execute(f"set memory_limit = '{memory}'")
    connection.execute("set timezone = 'UTC'")
    # Ranges of a file are read side by side only when their rows may interleave; `_line` keeps their order.
    connection.execute("set preserve_insertion_order = false")
    # Pushed below the casts, a filter would evaluate them twice; a list of values would become a join.
    connection.execute("set disabled_optimizers = 'filter_pushdown,in_clause'")
    padded = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    connection.execute("set variable inner_pad = ?", [bytes(byte ^ 0x36 for byte in padded)])
    connection.execute("set variable outer_pad = ?", [bytes(byte ^ 0x5C for byte in padded)])
    connection.create_function("e164", e164, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special")  # pyright: ignore


def hashed(kind: str, value: str) -> str:
    """SQL of the keyed hash of a value of that kind; null stays null."""
    message = f"encode({literal(kind + ':')} || {value})"
    digest = f"sha256(getvariable('outer_pad') || unhex(sha256(getvariable('inner_pad') || {message})))"
    return f"left({digest}, {HASH_LENGTH})"


def normalised(identifier: str, value: str, country: str, home: str) -> str:
    """SQL of the one way an identifier is written, null where it is none.

    For phones, `country` is SQL of the ISO code that reads a number without prefix, and `home` the code most rows have.
    """
    if identifier == "email":
        return f"case when regexp_full_match({value}, '[^@\\s]+@[^@\\s]+\\.[^@\\s.]+') then lower({value}) end"
    if identifier == "phone":
        return _phone(value, country, home)
    return f"upper({value})"


def _phone(value: str, country: str, home: str) -> str:
    plan = _plan(home)
    if plan is None:
        return f"e164({value}, {country})"
    # Python reads 100,000 numbers a second; DuckDB reads the plain ones of the home country as fast as the file.
    bare, form = f"regexp_replace({value}, '[\\s().\\-/]', '', 'g')", literal(f"^{plan.form.pattern}$")
    is_plain = f"{country} = {literal(home)} and regexp_matches({bare}, {form})"
    return f"case when {is_plain} then '+{plan.prefix}' || regexp_extract({bare}, {form}, 1) else e164({value}, {country}) end"


def e164(number: str | None, country: str | None) -> str | None:
    """The phone number in E.164, or None where it is no valid number; `country` reads a number without prefix."""
    return _e164(number, country or "") if number else None


@lru_cache(maxsize=100_000)
def _e164(number: str, country: str) -> str | None:
    # The library takes 70 µs a number; plain national and international forms are read with its own patterns instead.
    plain = _plan(country)
    if plain and (match := plain.form.fullmatch(re.sub(r"[\s().\-/]", "", number))):
        return f"+{plain.prefix}{match[1]}"
    try:
        parsed = phonenumbers.parse(number, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True)
class _Plan:
    """A country's prefix, and every form of its valid numbers, at home and abroad; the first group is the number itself."""

    prefix: int
    form: re.Pattern[str]


_KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan")


@cache
def _plan(country: str) -> _Plan | None:
    """The plan of a country whose numbers are `0…` or bare at home and `+<prefix>…` or `00<prefix>…` abroad, else None."""
    metadata = PhoneMetadata.metadata_for_region(country, None) if country else None
    if (
        metadata is None
        or metadata.country_code is None
        or metadata.international_prefix != "00"
        or metadata.national_prefix not in (None, "0")
        or metadata.national_prefix_for_parsing != metadata.national_prefix
        or phonenumbers.region_codes_for_country_code(metadata.country_code) != (country,)
    ):
        return None
    kinds = [getattr(metadata, kind) for kind in _KINDS]
    numbers = "|".join(kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern)
    code, trunk = metadata.country_code, metadata.national_prefix or ""
    return _Plan(code, re.compile(rf"(?:\+{code}|00{code}|{trunk})({numbers})"))


def resolve(warehouse: duckdb.DuckDBPyConnection) -> "Resolution":
    """Decides which identity keys are one person and writes what changed to `ledger.identities`.

    Persons are the connected components of all links ever loaded, named by the smallest hash in them: the same whatever the
    order of loads. An e-mail or phone under which more than `MAX_RECORDS_OF_AN_IDENTIFIER` records stand (a till's dummy
    number, a shared mailbox) joins nobody.
    """
    # Slow to import, and of no use to a run that brings nobody new.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    execute = warehouse.execute
    execute(
        "create or replace temp table nodes as select node, row_number() over (order by node) - 1 as n "
        "from (select distinct node from ledger.links)"
    )
    execute(
        "create or replace temp table shared as select node from ledger.links where kind in ('email', 'phone') "
        "group by node having count(distinct identity_key) > ?",
        [MAX_RECORDS_OF_AN_IDENTIFIER],
    )
    edges = execute(
        "select keys.n as record, nodes.n as node from ledger.links join nodes using (node) "
        "join nodes keys on keys.node = links.identity_key "
        "where links.kind <> 'record' and links.node not in (from shared)"
    ).fetchnumpy()
    (count,) = execute("select count(*) from nodes").fetchall()[0]
    graph = coo_array((np.ones(len(edges["node"]), dtype=np.int8), (edges["record"], edges["node"])), shape=(count, count))
    labels = connected_components(graph, directed=False)[1] if count else np.zeros(0, dtype=np.int32)
    first = np.unique(labels, return_index=True)[1]
    persons = {"n": np.arange(count), "person": first[labels]}
    execute("begin")
    warehouse.register("persons", persons)
    execute(
        "create or replace temp table resolved as "
        "select nodes.node as identity_key, case when nodes.node not in (from shared) then named.node end as person_id "
        "from persons join nodes using (n) join nodes named on named.n = persons.person "
        "where nodes.node in (select identity_key from ledger.links)"
    )
    execute(
        "create or replace temp table changed as select resolved.* from resolved left join ledger.identities as known "
        "using (identity_key) where known.identity_key is null or known.person_id is distinct from resolved.person_id"
    )
    # A person who loses a record (an identifier proved too common) changes too: the models must look at them again.
    execute(
        "insert into changed select * from resolved where identity_key not in (select identity_key from changed) "
        "and person_id in (select known.person_id from ledger.identities as known join changed using (identity_key))"
    )
    failpoints.reach("persons resolved")
    execute("delete from ledger.identities where identity_key in (select identity_key from changed)")
    execute("insert into ledger.identities select identity_key, person_id, (select max(file_id) from ledger.files) from changed")
    execute("commit")
    warehouse.unregister("persons")
    counts = "count(*), count(distinct person_id), (select count(*) from changed), (select count(*) from shared)"
    return Resolution(*execute(f"select {counts} from resolved").fetchall()[0])


def is_resolved(warehouse: duckdb.DuckDBPyConnection) -> bool:
    """Whether no link was loaded since identities last changed."""
    linked, resolved = warehouse.execute(
        "select (select max(file_id) from ledger.links), (select max(changed_file_id) from ledger.identities)"
    ).fetchone() or (None, None)
    return linked is None or (resolved is not None and resolved >= linked)


@dataclass(frozen=True)
class Resolution:
    """What `resolve` found: identity keys, persons, identity keys whose person changed, identifiers too common to be used."""

    identity_keys: int
    persons: int
    changed: int
    too_common: int
