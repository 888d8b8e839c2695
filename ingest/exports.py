"""Any export as text, whatever its format: `read` gives it in the form that loading takes."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest import progress, reading, records, workbooks
from ingest.mappings import Csv, Dialect, Mapping, Ndjson, Workbook
from ingest.reading import Text

# About what reading an export takes of the time that loading it does: a pass over the bytes, and reading it record by record.
PASS, REWRITING = 1 / 16, 1 / 2


def read(path: Path, mapping: Mapping, folder: Path) -> Iterator[Text]:
    """The export as text in `folder`; a second, slower reading follows for those whose records the first cannot tell apart.

    Raises `DataRefused` for what is no such export.
    """
    dialect = mapping.dialect
    if isinstance(dialect, Csv):
        reading.positions(mapping, reading.read_header(path, dialect))
        progress.step(PASS)
        text = reading.scan(path, dialect, folder)
        if text is not None:
            yield text
    progress.step(REWRITING)
    if isinstance(dialect, Csv):
        yield reading.rewrite(path, dialect, folder)
    elif isinstance(dialect, Workbook):
        yield workbooks.read(path, dialect, folder)
    elif isinstance(dialect, Ndjson):
        yield records.read_ndjson(path, dialect, folder)
    else:
        yield records.read_parquet(path, dialect, folder)


def read_header(path: Path, dialect: Dialect) -> tuple[str, ...]:
    """The names of the export's columns. Raises `DataRefused` where there are none."""
    if isinstance(dialect, Csv):
        return reading.read_header(path, dialect)
    with TemporaryDirectory() as folder:
        if isinstance(dialect, Workbook):
            return workbooks.read_header(path, dialect, Path(folder))
        return records.read_header(path, dialect, Path(folder))
