"""A bicycle retailer's files as they were found, faults and all, to figures counted on the tidy ones by hand."""

import csv
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from settings import Settings
from tests.datasets.conftest import HERE, Retailer, Run, load

SALES = [f"AdventureWorks_Sales_{year}.csv" for year in (2015, 2016, 2017)]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "adventureworks-maven"


@pytest.fixture(scope="module")
def mappings(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mapping files, with each product's list price written into those of the sales."""
    filled = tmp_path_factory.mktemp("adventureworks") / "mappings"
    shutil.copytree(HERE / "adventureworks", filled)
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        prices = {product["ProductKey"]: product["ProductPrice"] for product in csv.DictReader(file)}
    for path in filled.glob("sales*.yml"):
        mapping = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        mapping["entities"]["order_lines"]["unit_price"]["values"] = prices
        path.write_text(yaml.safe_dump(mapping), encoding="utf-8")
    return filled


@pytest.fixture(scope="module")
def retailer(run: Run, folder: Path, mappings: Path) -> Retailer:
    files = [folder / "territories.csv", folder / "products.csv", folder / "customers.latin1.csv"]
    files += [folder / "as-found" / name for name in (*SALES, "AdventureWorks_Returns.csv")]
    exports = {f"adventureworks/{file.name}": file for file in files}
    return run("adventureworks", exports, currency="USD", timezone="UTC", sources=mappings)


def test_rows_that_are_no_records_are_left_out_and_nothing_is_rejected(retailer: Retailer) -> None:
    loads = {load.file_name: load for load in retailer.ingested.loads}
    assert {load.verdict for load in loads.values()} == {"loaded"}
    assert [loads[name].rows_loaded for name in SALES] == [2_630, 23_935, 29_482]


def test_every_line_order_and_customer_is_there_once(retailer: Retailer) -> None:
    assert retailer.row("select count(*) from marts.order_lines") == (56_046,)
    assert retailer.ask("orders", "units").row(0) == (25_164, 84_174)
    buyers = "select count(distinct customer_id) from marts.orders where is_valid and is_identified"
    assert retailer.row(buyers) == (17_416,)


def test_revenue_is_exact(retailer: Retailer) -> None:
    assert f"{retailer.value('sales'):.2f}" == "24914586.82"


def test_the_share_of_units_returned_is_exact(retailer: Retailer) -> None:
    found = retailer.ask("units", "returned_units").row(0)
    assert found == (84_174, 1_828)
    assert f"{found[1] / found[0]:.5f}" == "0.02172"


def test_days_and_territories_are_read_the_way_the_files_write_them(retailer: Retailer) -> None:
    assert retailer.row("select count(*) from marts.orders where order_date = '2015-12-31'") == (7,)
    by_region = retailer.ask("orders", by=("region",))
    assert set(by_region["region"]) == {"North America", "Europe", "Pacific"}
    assert by_region["orders"].sum() == 25_164


def test_the_tidy_file_holds_the_same_lines(folder: Path, mappings: Path, tmp_path: Path, retailer: Retailer) -> None:
    settings = Settings(data_dir=tmp_path / "data", sources=mappings, currency="USD", _env_file=None)  # pyright: ignore[reportCallIssue]
    (loaded,) = load(settings, {"adventureworks/sales.csv": folder / "sales.csv"}).loads
    assert (loaded.verdict, loaded.rows_loaded) == ("loaded", 56_046)
    line = "order_id, line_number, sku, quantity, unit_price"
    with duckdb.connect() as connection:
        for name, data in {"tidy": settings, "found": retailer.settings}.items():
            connection.execute(f"attach '{data.warehouse}' as {name} (read_only)")
        for one, other in (("tidy", "found"), ("found", "tidy")):
            missing = f"select {line} from {one}.raw.order_lines except select {line} from {other}.raw.order_lines"
            assert connection.execute(missing).fetchall() == []
