"""An incremental build equals a full refresh, row for row, whatever came late, was corrected, merged or moved."""

from pathlib import Path

import pytest

from tests.dbt.conftest import Manifest, make_warehouse
from tests.dbt.history import loads

SLOW = [pytest.param(seed, marks=pytest.mark.proof) for seed in range(2, 23)]


@pytest.mark.parametrize("seed", [1, *SLOW])
def test_building_load_by_load_equals_a_full_refresh(seed: int, tmp_path: Path, manifest: Manifest) -> None:
    stepwise, whole = make_warehouse(tmp_path / "stepwise", manifest), make_warehouse(tmp_path / "whole", manifest)
    for load in loads(seed):
        for warehouse in (stepwise, whole):
            for system, entities in load.systems.items():
                warehouse.load(load.file_id, system, **entities)
            warehouse.identify(load.file_id, load.persons)
        stepwise.build()
    whole.build("run", "--full-refresh")
    built, expected = stepwise.marts(), whole.marts()
    assert built.keys() == expected.keys()
    assert not [mart for mart, rows in expected.items() if not built[mart].equals(rows)]
