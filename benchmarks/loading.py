"""One CSV of order lines: omnikpi's checked load against DuckDB's own typed load and against dlt."""

import shutil
from pathlib import Path

import duckdb

from benchmarks.measure import OMNIKPI, Run, compare, process, python, show
from ingest.entities import entities

MAPPING = """\
source: bench
files: "order_lines_*.csv"
csv: {delimiter: ",", encoding: utf-8}
entities:
  order_lines:
    order_id: "order_id"
    line_number: "line_number"
    sku: "sku"
    quantity: "quantity"
    unit_price: "unit_price"
    discount_amount: "discount_amount"
    vat_rate: "vat_rate"
    includes_vat: {value: true}
"""

WRITE = """
copy (
    select
        printf('W%010d', i // 2) as order_id,
        (i % 2 + 1)::integer as line_number,
        printf('SKU-%05d', hash(i) % 20000) as sku,
        (1 + hash(i, 1) % 3)::integer as quantity,
        ((500 + hash(i, 2) % 20000) / 100)::decimal(18, 2) as unit_price,
        if(hash(i, 3) % 4 = 0, ((hash(i, 4) % 500) / 100)::decimal(18, 2), null) as discount_amount,
        '0.20' as vat_rate
    from range({rows}) as t(i)
) to '{path}' (header, delimiter ',')
"""

TYPED = """
import sys, duckdb
database, path = sys.argv[1:]
connection = duckdb.connect(database)
connection.execute(
    "create table order_lines as from read_csv($1, header = true, auto_detect = false, delim = ',', quote = '\\"', columns = {"
    "'order_id': 'varchar', 'line_number': 'integer', 'sku': 'varchar', 'quantity': 'decimal(18,4)',"
    "'unit_price': 'decimal(18,4)', 'discount_amount': 'decimal(18,4)', 'vat_rate': 'decimal(9,6)'})", [path])
connection.execute("checkpoint")
"""

SAME_TABLE = """
import sys, duckdb
database, path, columns = sys.argv[1:]
connection = duckdb.connect(database)
connection.execute("set preserve_insertion_order = false")
connection.execute(f"create table order_lines ({columns})")
connection.execute(
    "insert into order_lines by name "
    "from read_csv($1, header = true, auto_detect = false, delim = ',', quote = '\\"', columns = {"
    "'order_id': 'varchar', 'line_number': 'integer', 'sku': 'varchar', 'quantity': 'decimal(18,4)',"
    "'unit_price': 'decimal(18,4)', 'discount_amount': 'decimal(18,4)', 'vat_rate': 'decimal(9,6)'})", [path])
connection.execute("checkpoint")
"""

DLT = """
import sys, dlt
from dlt.destinations import duckdb as to_duckdb
from dlt.sources.filesystem import filesystem, read_csv_duckdb
database, folder, home = sys.argv[1:]
pipeline = dlt.pipeline("bench", destination=to_duckdb(database), dataset_name="raw", pipelines_dir=home)
files = filesystem(bucket_url=folder, file_glob="order_lines_*.csv")
pipeline.run((files | read_csv_duckdb(use_pyarrow=True)).with_name("order_lines"))
"""


def main(folder: Path, rows: int, rounds: int) -> None:
    """Measure and print; `folder` is scratch space, `rows` the lines of the file."""
    inbox = folder / "exports"
    inbox.mkdir(parents=True)
    csv = inbox / "order_lines_1.csv"
    duckdb.execute(WRITE.format(rows=rows, path=csv))
    mappings = folder / "mappings"
    mappings.mkdir()
    (mappings / "bench_order_lines.yml").write_text(MAPPING)
    scratch = folder / "scratch"

    def fresh() -> Path:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        return scratch

    def typed() -> Run:
        return python(TYPED, fresh() / "typed.duckdb", csv)

    def same_table() -> Run:
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in entities()["order_lines"].raw_columns.items())
        return python(SAME_TABLE, fresh() / "typed.duckdb", csv, columns)

    def checked() -> Run:
        data = fresh() / "data"
        (data / "inbox" / "bench").mkdir(parents=True)
        # A hard link costs nothing and leaves the original for the next round.
        (data / "inbox" / "bench" / csv.name).hardlink_to(csv)
        environment = {"OMNIKPI_DATA_DIR": str(data), "OMNIKPI_SOURCES": str(mappings)}
        measured = process([OMNIKPI, "ingest"], environment)
        with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
            loaded = connection.execute("select count(*) from raw.order_lines").fetchall()[0][0]
        if loaded != rows:
            raise RuntimeError(f"{loaded} of {rows} rows were loaded")
        return measured

    def dlt() -> Run:
        home = fresh()
        return python(DLT, home / "dlt.duckdb", inbox, home / "pipelines", environment={"RUNTIME__DLTHUB_TELEMETRY": "false"})

    contenders = {"DuckDB typed read_csv": typed, "the same into omnikpi's table": same_table}
    figures = compare(contenders | {"omnikpi ingest, all checks": checked}, rounds)
    figures += compare({"dlt": dlt}, 1)
    own, same, ours, _ = figures
    show(
        f"Loading {rows:,} order lines ({csv.stat().st_size / 1e6:.0f} MB), whole processes",
        figures,
        f"omnikpi loads at {own.seconds / ours.seconds:.2f} x the speed of DuckDB's typed load, "
        f"{same.seconds / ours.seconds:.2f} x of that into the same table; by processor time "
        f"{own.processor / ours.processor:.2f} x and {same.processor / ours.processor:.2f} x (dlt ran once)",
    )
    shutil.rmtree(folder)
