"""What a file's name says: the source that sent it, its number in the archive, and the one mapping that takes it."""

import re
from dataclasses import replace
from pathlib import Path

from ingest import DataRefused
from ingest.ledger import readable
from ingest.mappings import Csv, Mapping, Numbers, nearest
from settings import Settings

# What the name of a CSV ends with that holds rejected rows of a file of another format.
ROWS_SUFFIX = ".rows.csv"
# A number stands before a name in the archive, and an ending behind it in the quarantine.
LONGEST_NAME = 230
_NUMBERED = re.compile(r"^\d{6,}_")


def source_of(settings: Settings, path: Path) -> str | None:
    """The source whose folder of the inbox, archive or quarantine holds the file; None for a file elsewhere."""
    for base in (settings.inbox, settings.archive, settings.quarantine):
        if path.is_relative_to(base) and len(path.relative_to(base).parts) > 1:
            return path.relative_to(base).parts[0]
    return None


def original_name(settings: Settings, path: Path) -> str:
    """The name the file was delivered under, such as it can be kept: an archived file's begins with the number of its load."""
    name = _keepable(path.name)
    return _NUMBERED.sub("", name) if path.is_relative_to(settings.archive) else name


def proven_name(path: Path) -> None:
    """Raises `DataRefused` where a file cannot be kept under its name, with what is written beside it."""
    if (name := _keepable(path.name)) != path.name:
        raise DataRefused(f"its name is not UTF-8 text, or too long: {name}; rename it, as the quarantine does")


def _keepable(name: str) -> str:
    name = readable(name)
    return name if len(_NUMBERED.sub("", name).encode()) <= LONGEST_NAME else f"{name[:30]}…{name[-15:]}"


def number(settings: Settings, path: Path) -> int:
    """The number under which an archived file was loaded; 0 for others."""
    numbered = _NUMBERED.match(path.name) if path.is_relative_to(settings.archive) else None
    return int(numbered[0][:-1]) if numbered else 0


def find_mapping(mappings: dict[str, Mapping], name: str, source: str | None) -> Mapping:
    """The one mapping that takes a file of that name from that source, rows that were rejected of one included.

    Raises `DataRefused` where none or several do.
    """
    if name.endswith(ROWS_SUFFIX):
        whole = find_mapping(mappings, name.removesuffix(ROWS_SUFFIX), source)
        return replace(whole, dialect=Csv(**whole.dialect.model_dump(include=set(Numbers.model_fields))))
    known = {mapping.source for mapping in mappings.values()}
    if source is not None and source not in known:
        raise DataRefused(
            f"no mapping has `source: {source}`{nearest(source, known)}; write one, or move the file to the folder of its source"
        )
    takers = [mapping for mapping in mappings.values() if source in (None, mapping.source) and mapping.takes(name)]
    if len(takers) == 1:
        return takers[0]
    if takers:
        names = ", ".join(mapping.path.name for mapping in takers)
        folders = sorted({f"inbox/{mapping.source}/" for mapping in takers})
        advice = f"put it in {' or '.join(folders)}" if len(folders) > 1 else "make their `files` patterns exclude one another"
        raise DataRefused(f"several mappings take {name!r}: {names}; {advice}")
    elsewhere = [f"inbox/{mapping.source}/ ({mapping.path.name})" for mapping in mappings.values() if mapping.takes(name)]
    if elsewhere:
        raise DataRefused(f"no mapping of source {source} takes a file named {name!r}; put it in {' or '.join(elsewhere)}")
    patterns = sorted(pattern for mapping in mappings.values() if source in (None, mapping.source) for pattern in mapping.files)
    raise DataRefused(f"no mapping takes a file named {name!r}{nearest(name, patterns)}; write one, or rename the file")
