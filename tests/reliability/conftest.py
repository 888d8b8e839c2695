"""An installation of the smallest size: two mappings and a dbt project of three models, run, killed and compared."""

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[2]
KEY = "a key for tests"
TILL = """
source: till
files: "till_*.csv"
max_rejects: 40%
entities:
  orders:
    order_id: order
    ordered_at: at
    channel: {value: store}
    customer_ref: customer
    status: {value: completed}
    currency: {value: EUR}
  order_lines:
    order_id: order
    line_number: {value: "1"}
    sku: sku
    quantity: quantity
    unit_price: price
    includes_vat: {value: true}
"""
SHOP = """
source: shop
files: "customers_*.csv"
entities:
  customers:
    customer_ref: id
    email: email
    last_name: name
"""
FORMATS = {form: f"""
source: formats
files: "*.{suffix}"
{form}: {{}}
entities:
  products: {{sku: sku, name: name, category: {{value: tea}}}}
""" for form, suffix in (("csv", "csv"), ("workbook", "xlsx"), ("ndjson", "ndjson"), ("parquet", "parquet"))}  # fmt: skip
MODELS = {
    "intermediate/int_data_span.sql": "select cast(min(ordered_at) as date) as first_day, "
    "cast(max(ordered_at) as date) as last_day from {{ source('raw', 'orders') }}",
    "marts/order_lines.sql": "{{ config(materialized='incremental', unique_key='line_id', contract={'enforced': false}) }} "
    "select _source || ':' || order_id || ':' || line_number as line_id, quantity * unit_price as amount, _file_id "
    "from ({{ newest_rows('order_lines') }}) as newest",
    "marts/buyers.sql": "{{ config(contract={'enforced': false}) }} select identities.person_id, count(*) as orders "
    "from {{ source('raw', 'orders') }} as orders inner join {{ source('ledger', 'identities') }} as identities "
    "on orders.identity_key = identities.identity_key group by identities.person_id",
}


@dataclass(frozen=True)
class Answer:
    """How a child ended: its exit code, or minus the signal that killed it; reads or writes are counted where some may fail."""

    code: int
    message: str = ""
    seconds: float = 0.0
    calls: int = 0


@dataclass(frozen=True)
class Lab:
    """Where small installations are made and worked on, each piece of work in a process of its own."""

    folder: Path
    runner: subprocess.Popen[str]

    def work(self, data: Path, work: str, times: int = 1, kill: str | None = None, **more: Any) -> list[Answer]:
        environment = {"OMNIKPI_TEST_KILL": kill} if kill else {}
        settings = {"data_dir": str(data), "hash_key": KEY, "timezone": "UTC"} | more.pop("settings", {})
        asked = {"work": work, "settings": settings, "environment": environment, "times": times, **more}
        asked |= {"sources": str(self.folder / "sources"), "project": str(self.folder / "project")}
        assert self.runner.stdin
        assert self.runner.stdout
        print(json.dumps(asked), file=self.runner.stdin, flush=True)
        return [Answer(**answer) for answer in json.loads(self.runner.stdout.readline())]

    def one(self, data: Path, work: str, kill: str | None = None, **more: Any) -> Answer:
        return self.work(data, work, kill=kill, **more)[0]

    def copy(self, data: Path, name: str) -> Path:
        return Path(shutil.copytree(data, self.folder / name))

    def deliver(self, data: Path, seed: int) -> None:
        """Six files of a seeded day: sales, sales with rejects, customers, the same again, and two that must be refused."""
        draw = random.Random(seed)
        orders = [f"{seed}-{number}" for number in range(draw.randint(5, 40))]
        sales = "order,at,customer,sku,quantity,price\n"
        lines = [
            f"{order},2026-01-{draw.randint(10, 28)} 10:00:00,c{draw.randint(1, 9)},A,{draw.randint(1, 3)},9.90"
            for order in orders
        ]
        faulty = [f"{seed}-f{number},soon,c1,A,1,9.90" for number in range(draw.randint(1, 3))]
        people = "id,email,name\n" + "".join(f"c{draw.randint(1, 9)},p{draw.randint(1, 9)}@example.org,N\n" for _ in range(9))
        files = {
            "till/till_1.csv": sales + "\n".join(lines[::2]) + "\n",
            "till/till_2.csv": sales + "\n".join([*lines[1::2], *faulty]) + "\n",
            "shop/customers_1.csv": people,
            "shop/customers_2.csv": people,
            "till/till_3.csv": sales.replace("price", "prix") + lines[0] + "\n",
            "till/unknown.csv": sales,
        }
        places = list(files)
        draw.shuffle(places)
        for position, place in enumerate(places):
            path = data / "inbox" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[place])
            moment = 1_760_000_000 + 100 * seed + position
            os.utime(path, (moment, moment))

    def deliver_formats(self, data: Path) -> None:
        """The same few products in every format and packing that is read, the same bytes each time."""
        if not (made := self.folder / "formats").exists():
            made.mkdir()
            rows = pl.DataFrame({"sku": [f"S{number}" for number in range(50)], "name": ["A product"] * 50})
            (made / "a.csv.gz").write_bytes(gzip.compress(rows.write_csv().encode()))
            with zipfile.ZipFile(made / "b.csv.zip", "w") as archive:
                archive.writestr("products.csv", rows.write_csv())
            with pa.CompressedOutputStream(str(made / "c.csv.zst"), "zstd") as packed:
                packed.write(rows.write_csv().encode())
            rows.write_excel(made / "d.xlsx")
            rows.write_ndjson(made / "e.ndjson")
            rows.write_parquet(made / "f.parquet")
            for position, path in enumerate(sorted(made.iterdir())):
                os.utime(path, (1_760_001_000 + position, 1_760_001_000 + position))
        shutil.copytree(made, data / "inbox" / "formats")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("reliability")
    (folder / "sources").mkdir()
    (folder / "sources" / "till.yml").write_text(TILL)
    (folder / "sources" / "shop.yml").write_text(SHOP)
    for form, mapping in FORMATS.items():
        (folder / "sources" / f"{form}.yml").write_text(mapping)
    project, real = folder / "project", ROOT / "dbt_project"
    shutil.copytree(real / "macros", project / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(real / name, project)
    (project / "models" / "staging").mkdir(parents=True)
    for name in ("__sources.yml", "__ledger.yml"):
        shutil.copy(real / "models" / "staging" / name, project / "models" / "staging")
    for name, sql in MODELS.items():
        (project / "models" / name).parent.mkdir(exist_ok=True)
        (project / "models" / name).write_text(sql + "\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMNIKPI_")}
    if compiler := shutil.which("cc"):
        shim = folder / "failing_device.so"
        source = Path(__file__).with_name("failing_device.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
        environment["LD_PRELOAD"] = str(shim)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.reliability.runner"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        yield Lab(folder, runner)
        assert runner.stdin
        runner.stdin.close()


@pytest.fixture(scope="session")
def published(lab: Lab) -> Path:
    """An installation with a day loaded and published: the last good build. Tests work on copies."""
    data = lab.folder / "published"
    lab.deliver(data, 1000)
    answer = lab.one(data, "run")
    assert answer.code == 0, answer
    return data


@pytest.fixture(scope="session")
def rebuilt(lab: Lab, published: Path) -> Path:
    """An installation with a second day loaded and its models built, but not published."""
    data = lab.copy(published, "second day")
    lab.deliver(data, 0)
    assert lab.one(data, "run", kill="build copied").code == -signal.SIGKILL
    return data


def state(data: Path) -> dict[str, object]:
    """Everything an installation knows that does not depend on when: ledger, rows, vault, files and where they lie."""
    found: dict[str, object] = {}
    for name in ("warehouse", "vault"):
        with duckdb.connect(str(data / f"{name}.duckdb"), read_only=True) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'ledger', 'main')"
            ).fetchall()
            for schema, table in tables:
                columns = {row[0] for row in connection.execute(f"describe {schema}.{table}").fetchall()}
                left_out = ", ".join(sorted(columns & {"_loaded_at", "loaded_at", "seconds"}))
                exclude = f"* exclude ({left_out})" if left_out else "*"
                rows = connection.execute(f"select {exclude} from {schema}.{table} order by all").fetchall()
                if rows:
                    found[f"{name}.{schema}.{table}"] = rows
    for place in ("inbox", "archive", "quarantine"):
        files = [path for path in (data / place).rglob("*") if path.is_file() and not path.name.endswith(".txt")]
        found[place] = sorted((str(path.relative_to(data)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    return found


def build_of(data: Path) -> dict[str, list[tuple]]:
    """The marts of the current build, which must be whole: its files there, its tables as `build.json` counts them."""
    folder = data / "builds" / (data / "CURRENT").read_text().strip()
    told = json.loads((folder / "build.json").read_text())["marts"]
    assert (folder / "semantic_manifest.json").exists()
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        marts = {name: connection.execute(f"select * from marts.marts.{name} order by all").fetchall() for name in told}
    assert {name: facts["rows"] for name, facts in told.items()} == {name: len(rows) for name, rows in marts.items()}
    return marts
