"""Builds: found by id or day, opened read-only and shut off from everything else."""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dashboard import builds
from dashboard.builds import Build, BuildError
from tests.dashboard.conftest import FIRST_BUILD


def test_current_is_the_build_that_the_pointer_names(shop_data: Path):
    found = builds.current(shop_data)
    assert found is not None
    assert found.build_id == FIRST_BUILD
    assert found.span == (date(2023, 1, 30), date(2026, 2, 14))


def test_there_is_no_current_build_before_the_first_run(tmp_path: Path):
    assert builds.current(tmp_path) is None
    with pytest.raises(BuildError, match="call `omnikpi run`"):
        builds.find(tmp_path, "2026-01-01")


def test_a_pointer_to_a_missing_build_is_an_error_that_says_what_to_do(tmp_path: Path):
    (tmp_path / "CURRENT").write_text("20260101T000000-000\n")
    with pytest.raises(BuildError, match=r"20260101T000000-000.*omnikpi build"):
        builds.current(tmp_path)


def test_a_day_finds_the_last_build_made_on_or_before_it(republished: Callable[[str, str], Build]):
    second = republished("20260302T060000-000", "select 1")
    data = second.path.parent.parent
    assert [build.build_id for build in builds.builds(data)] == ["20260302T060000-000", FIRST_BUILD]
    assert builds.find(data, "2026-03-01").build_id == FIRST_BUILD
    assert builds.find(data, "2026-03-02").build_id == second.build_id
    assert builds.find(data, "2027-01-01").build_id == second.build_id
    with pytest.raises(BuildError, match=f"the oldest kept is {FIRST_BUILD}"):
        builds.find(data, "2026-02-28")


def test_an_unknown_build_names_those_that_are_kept(shop_data: Path):
    with pytest.raises(BuildError, match=FIRST_BUILD):
        builds.find(shop_data, "yesterday")


def test_an_unfinished_build_is_not_listed(republished: Callable[[str, str], Build]):
    folder = republished("20260302T060000-000", "select 1").path.parent
    (folder / ".unfinished-20260303T060000-000").mkdir()
    (folder / ".unfinished-20260303T060000-000" / "build.json").write_text("{}")
    assert len(builds.builds(folder.parent)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{path}/out.csv'",
        "attach '{path}/other.duckdb'",
        "select * from read_csv('{path}/in.csv')",
        "select * from read_text('{path}/in.csv')",
        "select * from glob('{path}/*')",
        "create table marts.more as select 1",
        "delete from marts.orders",
        "detach warehouse",
        "set enable_external_access = true",
        "reset enable_external_access",
        "set lock_configuration = false",
        "install httpfs",
    ],
)
def test_a_build_refuses_to_write_and_to_read_outside_itself(build: Build, tmp_path: Path, statement: str):
    (tmp_path / "in.csv").write_text("secret\n")
    with pytest.raises(duckdb.Error):
        build.sql(statement.format(path=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv"]
    assert build.sql("select count(*) as n from marts.orders")["n"][0] == 16


def test_parameters_are_bound_and_whole_sums_are_integers(build: Build):
    rows = build.sql("select sum(unit_count) as units from marts.orders where channel = $c", {"c": "app' or '1' = '1"})
    assert rows["units"].to_list() == [None]
    rows = build.sql("select sum(unit_count) as units from marts.orders where channel = $c", {"c": "app"})
    assert rows["units"].to_list() == [3]
    assert rows["units"].dtype.is_integer()


def test_threads_share_a_build(build: Build):
    counts: list[int] = []

    def read() -> None:
        counts.extend(build.sql("select count(*) as n from marts.orders")["n"][0] for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [16] * 160


def test_the_last_run_is_what_it_wrote_of_itself(tmp_path: Path):
    assert builds.last_run(tmp_path) is None
    (tmp_path / "last_run.json").write_text('{"status": "failed", "step": "build"}')
    assert builds.last_run(tmp_path) == {"status": "failed", "step": "build"}
