"""Many small files of order lines: what one costs that is new, and one that was loaded before."""

import shutil
from pathlib import Path

import duckdb

from benchmarks.loading import MAPPING, WRITE
from benchmarks.measure import OMNIKPI, Figure, Run, compare, process, python, show

ROWS = 1000

TYPED = """
import sys, duckdb
from pathlib import Path
database, folder = sys.argv[1:]
connection = duckdb.connect(database)
columns = "order_id varchar, line_number integer, sku varchar, quantity decimal(18,4), unit_price decimal(18,4), " \\
    "discount_amount decimal(18,4), vat_rate decimal(9,6)"
connection.execute(f"create table order_lines ({columns})")
for path in sorted(Path(folder).iterdir()):
    connection.execute("copy order_lines from '" + str(path) + "' (header, delimiter ',', quote '\\"', auto_detect false)")
"""


def write(folder: Path, files: int) -> None:
    """Write the files, each with its header and `ROWS` lines of its own."""
    folder.mkdir(parents=True)
    whole = folder.with_suffix(".csv")
    duckdb.execute(WRITE.format(rows=files * ROWS, path=whole))
    with whole.open("rb") as lines:
        header = lines.readline()
        for number in range(files):
            rows = b"".join(lines.readline() for _ in range(ROWS))
            (folder / f"order_lines_{number:06}.csv").write_bytes(header + rows)
    whole.unlink()


def main(folder: Path, files: int, rounds: int) -> None:
    """Measure and print; `folder` is scratch space."""
    exports, mappings, data = folder / "exports", folder / "mappings", folder / "data"
    write(exports, files)
    mappings.mkdir()
    (mappings / "bench_order_lines.yml").write_text(MAPPING)
    environment = {"OMNIKPI_DATA_DIR": str(data), "OMNIKPI_SOURCES": str(mappings)}

    def typed() -> Run:
        database = folder / "typed.duckdb"
        database.unlink(missing_ok=True)
        return python(TYPED, database, exports)

    def deliver() -> None:
        # Copies, for a file that is moved to the archive must not take the original of the next delivery along.
        shutil.copytree(exports, data / "inbox" / "bench", dirs_exist_ok=True)

    def ingest(loaded: int) -> Run:
        measured = process([OMNIKPI, "ingest"], environment)
        with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
            found = connection.execute("select count(*), count(distinct _file_id) from raw.order_lines").fetchall()[0]
        if found != (loaded * ROWS, loaded):
            raise RuntimeError(f"{found[0]} rows of {found[1]} files were loaded")
        return measured

    def start() -> Run:
        shutil.rmtree(data, ignore_errors=True)
        return process([OMNIKPI, "ingest"], environment)

    def first() -> Run:
        deliver()
        return ingest(files)

    def again() -> Run:
        deliver()
        return ingest(files)

    contenders = {"DuckDB typed, file by file": typed, "omnikpi, nothing to load": start}
    figures = compare(contenders | {"omnikpi, new files": first, "omnikpi, the same files again": again}, rounds)
    _, begun, new, seen = figures

    def each(figure: Figure) -> str:
        wall, processor = figure.seconds - begun.seconds, figure.processor - begun.processor
        return f"{wall / files * 1000:.2f} ms each beyond the start, {processor / files * 1000:.2f} ms of processor time"

    show(
        f"Loading {files:,} files of {ROWS:,} order lines, whole processes",
        figures,
        f"new: {files / new.seconds:.0f} files a second, {each(new)}\nseen before: {each(seen)}",
    )
    shutil.rmtree(folder)
