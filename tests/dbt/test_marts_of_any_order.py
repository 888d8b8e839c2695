"""Orders of loading, up to the figures: in whatever order exports come, cut, merged and sent again, marts are the same.

What depends on the order, and is kept here, is said in `tests/ingest/test_orders_of_loading.py`: two files that share a key hold
versions of one row, of which the later one holds. All else is shuffled: systems, entities and days among one another.
"""

import random
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import polars as pl
import pytest

from tests.dbt.conftest import Manifest, Warehouse
from tests.ingest.test_orders_of_loading import ROUNDS, History, deliver, history_in, settings_in

# What tells of the loads and not of the retailer: the marts of the ledger, and which file brought a row.
OF_LOADS = ("feeds", "loads")
LOAD_COLUMNS = ("_file_id", "_line")


@dataclass(frozen=True)
class Retailer:
    """The smallest retailer that has every export, in files as they came, and the marts of the plain order."""

    history: History
    marts: dict[str, pl.DataFrame]


def marts_of(folder: Path, manifest: Manifest) -> dict[str, pl.DataFrame]:
    """Every mart built of what was loaded there, without what tells of the loads."""
    warehouse = Warehouse(folder, manifest)
    warehouse.build("seed")
    warehouse.build("run")
    marts = {name: rows for name, rows in warehouse.marts().items() if name not in OF_LOADS}
    kept = {name: [column for column in rows.columns if column not in LOAD_COLUMNS] for name, rows in marts.items()}
    return {name: rows.select(kept[name]).sort(kept[name]) for name, rows in marts.items()}


def checksum(rows: pl.DataFrame) -> tuple[int, int]:
    return rows.height, int(rows.hash_rows().sum())


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> Retailer:
    folder = tmp_path_factory.mktemp("retailer")
    history = history_in(folder)
    marts = marts_of(folder / "data", manifest)
    assert [name for name, rows in marts.items() if not rows.height] == ["location_exclusions"], "it excludes none"
    return Retailer(history, marts)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.proof) for seed in range(1, 20))])
def test_marts_are_the_same_by_checksum_whatever_the_order_of_loading(
    retailer: Retailer, tmp_path: Path, manifest: Manifest, seed: int
) -> None:
    settings, serial, chance = settings_in(tmp_path / "data"), count(1), random.Random(seed)
    for _ in range(ROUNDS):
        deliver(settings, retailer.history.recut(chance), serial, chance)
    found = marts_of(settings.data_dir, manifest)
    assert found.keys() == retailer.marts.keys()
    wrong = {
        name: different(rows, found[name]) for name, rows in retailer.marts.items() if checksum(rows) != checksum(found[name])
    }
    assert not wrong, f"seed {seed}: {wrong}"


def different(one: pl.DataFrame, other: pl.DataFrame) -> str:
    """How many rows and which columns of two marts differ."""
    if one.height != other.height:
        return f"{one.height} and {other.height} rows"
    return ", ".join(name for name in one.columns if not one[name].equals(other[name])) or "their order"
