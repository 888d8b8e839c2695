"""Personal data: kept in one file, recognised elsewhere by keyed hashes alone.

Hashes are HMAC-SHA-256 over normalised identifiers, so that without the key nobody can try addresses or numbers against them.
"""

import os
import re
import secrets
from functools import cache, lru_cache
from pathlib import Path

import duckdb
import numpy as np
import phonenumbers
from phonenumbers import PhoneMetadata
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ingest.casting import literal
from ingest.entities import Entity, entities
from settings import Settings

MAX_RECORDS_OF_AN_IDENTIFIER = 20
HASH_LENGTH = 32


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


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """The vault, with a table for each entity that holds personal data; its file is readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.connect(str(path)).close()
        path.chmod(0o600)
    connection = duckdb.connect(str(path))
    for entity in entities().values():
        if entity.personal:
            columns = vault_columns(entity)
            declared = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
            connection.execute(f"create table if not exists {entity.name} ({declared})")
            for name, type_ in columns.items():
                connection.execute(f'alter table {entity.name} add column if not exists "{name}" {type_}')
    return connection


def vault_columns(entity: Entity) -> dict[str, str]:
    """Column → SQL type of the entity's vault table: its key, its personal values, and where the row came from."""
    kept = [column for column in entity.columns if column.name in entity.key or column.pii]
    columns = {column.name: column.type for column in kept} | {f"{name}_hash": "varchar" for name in entity.identifiers}
    return columns | {"identity_key": "varchar", "_source": "varchar", "_file_id": "bigint", "_line": "bigint"}


def prepare_hashing(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Makes `hashed` and `email_of`, `phone_of`, `loyalty_id_of` usable on the connection; the key leaves no trace on disk."""
    padded = (key if len(key) <= 64 else __import__("hashlib").sha256(key).digest()).ljust(64, b"\0")
    connection.execute("set variable inner_pad = ?", [bytes(byte ^ 0x36 for byte in padded)])
    connection.execute("set variable outer_pad = ?", [bytes(byte ^ 0x5C for byte in padded)])
    connection.create_function("e164", e164, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special")  # pyright: ignore


def hashed(kind: str, value: str) -> str:
    """SQL of the keyed hash of a value of that kind; null stays null."""
    message = f"encode({literal(kind + ':')} || {value})"
    digest = f"sha256(getvariable('outer_pad') || unhex(sha256(getvariable('inner_pad') || {message})))"
    return f"left({digest}, {HASH_LENGTH})"


def normalised(identifier: str, value: str, country: str) -> str:
    """SQL of the one way an identifier is written, null where it is none; `country` is SQL of an ISO code, for phones."""
    if identifier == "email":
        return f"case when regexp_full_match({value}, '[^@\\s]+@[^@\\s]+\\.[^@\\s.]+') then lower({value}) end"
    if identifier == "phone":
        return f"e164({value}, {country})"
    return f"upper({value})"


def e164(number: str | None, country: str | None) -> str | None:
    """The phone number in E.164, or None where it is no valid number; `country` reads a number without prefix."""
    return _e164(number, country or "") if number else None


@lru_cache(maxsize=100_000)
def _e164(number: str, country: str) -> str | None:
    # The library takes 70 µs a number; plain national and international forms are read with its own patterns instead.
    plain = _plan(country)
    if plain and (digits := plain.form.fullmatch(re.sub(r"[\s().\-/]", "", number))):
        return f"+{plain.prefix}{digits['national']}" if plain.valid.fullmatch(digits["national"]) else None
    try:
        parsed = phonenumbers.parse(number, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class _Plan:
    """How a country whose numbers are `0…` at home and `+<prefix>…` abroad writes them, and which are valid."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        self.prefix = metadata.country_code
        kinds = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan")
        kinds += ("voicemail",)
        patterns = [getattr(metadata, kind) for kind in kinds]
        valid = [kind.national_number_pattern for kind in patterns if kind and kind.national_number_pattern]
        self.form = re.compile(rf"(?:\+{self.prefix}|00{self.prefix}|0)(?P<national>[1-9]\d*)")
        self.valid = re.compile("|".join(f"(?:{pattern})" for pattern in valid))


@cache
def _plan(country: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(country, None) if country else None
    is_plain = (
        metadata is not None
        and metadata.national_prefix == "0"
        and metadata.national_prefix_for_parsing == "0"
        and metadata.international_prefix == "00"
        and phonenumbers.region_codes_for_country_code(metadata.country_code) == (country,)
    )
    return _Plan(metadata) if metadata and is_plain else None
