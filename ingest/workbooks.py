"""Workbooks as text: each cell as a person reads it, its formula's last result where it has one."""

import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from ingest import DataRefused, unpacking
from ingest.mappings import Workbook, nearest
from ingest.reading import SPACES, Rows, Text, names_of


def read(path: Path, dialect: Workbook, folder: Path) -> Text:
    """The records of the sheet below its header; a record's line is its row in the sheet. Raises `DataRefused`."""
    rows = _rows(unpacking.unpacked(path, folder), dialect)
    header, width = _header(rows, dialect)
    output = folder / "records"
    with Rows(output, ["line", *(f"c{index}" for index in range(len(header)))]) as kept:
        for line, cells in rows:
            texts = [cell_text(cell) for cell in cells] + [None] * (len(header) - len(cells))
            width = max(width, *(index for index, text in enumerate(texts, start=1) if text is not None), 0)
            kept.write([str(line), *texts])
    # Columns that are merely formatted have neither a name nor a cell.
    return Text(header[:width], output, kept.count, dialect, None)


def read_header(path: Path, dialect: Workbook, folder: Path) -> tuple[str, ...]:
    """The header's names. Raises `DataRefused` where there is none."""
    header, width = _header(_rows(unpacking.unpacked(path, folder), dialect), dialect)
    return header[:width]


def sheets(path: Path) -> list[str]:
    """The names of the visible sheets of a workbook."""
    with _opened(path) as book:
        return _visible(book)


def cell_text(cell: object) -> str | None:
    """A cell's value as text: whole numbers without a fraction, others to the 15 digits a workbook keeps, times as ISO 8601."""
    if isinstance(cell, str):
        return cell.strip(SPACES) or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return float_text(cell, digits=15)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"
    return None if cell is None else str(cell)


def float_text(number: float, digits: int = 17) -> str | None:
    """A floating-point number as plain digits, whole ones without a fraction; none where it is not a number."""
    if number != number:
        return None
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return format(Decimal(f"{number:.{digits}g}" if digits < 17 else repr(number)), "f")


def _header(rows: Iterator[tuple[int, list]], dialect: Workbook) -> tuple[tuple[str, ...], int]:
    """The header's names, and up to which column it has any."""
    _, cells = next(rows, (0, []))
    names = names_of(cell_text(cell) or "" for cell in cells)
    if not any(names):
        advice = "say in `workbook: {skip_rows: …}` how many rows stand before it"
        raise DataRefused(f"row {dialect.skip_rows + 1} of the sheet is no header; {advice}")
    return names, max(index for index, name in enumerate(names, start=1) if name)


def _rows(path: Path, dialect: Workbook) -> Iterator[tuple[int, list]]:
    """The sheet's rows from its header on, each with its number in the sheet."""
    unpacking.measured(path)
    with _opened(path) as book:
        sheet = _sheet(book, dialect)
        # The reader gives the empty rows above the first cell, and not the empty columns before it.
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if number > dialect.skip_rows:
                yield number, cells


def _opened(path: Path) -> CalamineWorkbook:
    # Read beforehand, for a disk that fails is no damaged workbook.
    content = io.BytesIO(path.read_bytes())
    try:
        return CalamineWorkbook.from_filelike(content)
    except PasswordError:
        raise DataRefused("the workbook is protected by a password; save it without one") from None
    except CalamineError:
        advice = "some systems save text as `.xls`: if it opens in a text editor, describe it with `csv`"
        raise DataRefused(f"it is no workbook, or is damaged; {advice}") from None


def _visible(book: CalamineWorkbook) -> list[str]:
    kinds = [SheetTypeEnum.WorkSheet]
    return [sheet.name for sheet in book.sheets_metadata if sheet.typ in kinds and sheet.visible == SheetVisibleEnum.Visible]


def _sheet(book: CalamineWorkbook, dialect: Workbook) -> CalamineSheet:
    if dialect.sheet is not None:
        if dialect.sheet not in book.sheet_names:
            known = ", ".join(book.sheet_names)
            raise DataRefused(f"there is no sheet {dialect.sheet!r}{nearest(dialect.sheet, book.sheet_names)}; sheets: {known}")
        return book.get_sheet_by_name(dialect.sheet)
    visible = _visible(book)
    if len(visible) != 1:
        raise DataRefused(f"it has {len(visible)} sheets; say which one in `workbook: {{sheet: …}}`: {', '.join(visible)}")
    return book.get_sheet_by_name(visible[0])
