"""Rejected rows on their way back: written out to be corrected, and loaded alone."""

import os
from pathlib import Path

from ingest import DataRefused, vault
from ingest.inbox import ROWS_SUFFIX
from ingest.ledger import REJECTS, opened
from ingest.mappings import PACKED, Csv, load_mappings
from settings import Settings


def export(settings: Settings, place: str) -> Path:
    """Writes the rejected rows of `SOURCE/FILE`, as they came and under their header, into the quarantine; returns where.

    Rows of a format that is no CSV are written as one, which its mapping takes back. They may hold personal values, so they stay
    in a folder that is closed to others. Raises `DataRefused` where there are none.
    """
    source, _, name = place.partition("/")
    file_id, mapping_name, is_ragged = _latest(settings, source, name)
    mapping = load_mappings(settings).get(mapping_name)
    if mapping is None:
        raise DataRefused(f"{place} was loaded by the mapping {mapping_name}, which is gone; bring it back")
    dialect = mapping.dialect if isinstance(mapping.dialect, Csv) else Csv()
    if is_ragged and dialect is not mapping.dialect:
        raise DataRefused(f"{place} has lines that are no records: correct a copy of it and put that in the inbox")
    if is_ragged and mapping.numbered:
        raise DataRefused(
            f"{place} has records with too few or too many fields, and its rows are numbered within the file: "
            "correct a copy of the whole file, which is in the archive, and put that in the inbox"
        )
    (_, header), *lines = vault.kept_lines(settings.vault, file_id) or [(0, "")]
    if not lines:
        raise DataRefused(f"the rejected rows of {place} are no longer kept; ask its system for the file again")
    before = ["rejected rows"] * dialect.skip_rows
    text = "\n".join([*before, header, *(line for _, line in lines)]) + "\n"
    plain = next((name.removesuffix(suffix) for suffix in PACKED if name.endswith(suffix)), name)
    if dialect is not mapping.dialect:
        plain = plain.removesuffix(ROWS_SUFFIX) + ROWS_SUFFIX
    target = settings.quarantine / source / f"{REJECTS}{file_id:06d}" / plain
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.encode(dialect.encoding))
    return target


def _latest(settings: Settings, source: str, name: str) -> tuple[int, str, bool]:
    """The newest load of that file with rejects, its mapping, and whether some were no records or of a wrong length."""
    found = []
    if settings.warehouse.exists():
        with opened(settings) as connection:
            found = connection.execute(
                "select file_id, any_value(mapping), bool_or(entity is null) "
                "from ledger.files join ledger.rejects using (file_id) "
                "where source = ? and file_name = ? group by file_id order by file_id desc limit 1",
                [source, name],
            ).fetchall()
    if not found:
        raise DataRefused(f"no row of {source}/{name} was rejected; `omnikpi status` lists the files with rejected rows")
    return found[0]
