"""When models compute every row again: whenever what is there was made by other models or settings, or not to the end."""

import json
from pathlib import Path

import pytest

import ingest.build
from ingest.build import BuildFailed
from settings import Settings

# Takes dbt's place: remembers what it was asked, and ends as a file says.
STAND_IN = """
import json, sys
from pathlib import Path
target = Path(sys.argv[sys.argv.index("--target-path") + 1])
target.mkdir(exist_ok=True)
(target / "asked.json").write_text(json.dumps(sys.argv))
(target / "manifest.json").write_text(json.dumps({"nodes": {}}))
(target / "run_results.json").write_text(json.dumps({"results": []}))
sys.exit((target.parent / "fails").exists())
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(ingest.build, "DBT", STAND_IN)
    return Settings(data_dir=tmp_path)


def is_whole(settings: Settings, full_refresh: bool = False) -> bool:
    """Builds; whether every row was to be computed."""
    ingest.build.build(settings, full_refresh)
    return "--full-refresh" in json.loads((settings.data_dir / "target" / "asked.json").read_text())


def test_a_first_build_computes_every_row_and_the_next_what_was_loaded_since(settings: Settings) -> None:
    assert is_whole(settings)
    assert not is_whole(settings)
    assert is_whole(settings, full_refresh=True)
    assert not is_whole(settings)


@pytest.mark.parametrize("other", [{"currency": "CHF"}, {"timezone": "Europe/Zurich"}])
def test_other_settings_compute_every_row(settings: Settings, other: dict[str, str]) -> None:
    is_whole(settings)
    changed = settings.model_copy(update=other)
    assert is_whole(changed)
    assert not is_whole(changed)
    assert is_whole(settings)


def test_other_models_compute_every_row(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    is_whole(settings)
    monkeypatch.setattr(ingest.build, "project_checksum", lambda: "another")
    assert is_whole(settings)


def test_models_made_anew_but_not_to_the_end_are_made_anew_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    is_whole(settings)
    fails = settings.data_dir / "fails"
    fails.touch()
    with monkeypatch.context() as changed:
        changed.setattr(ingest.build, "project_checksum", lambda: "another")
        with pytest.raises(BuildFailed):
            is_whole(settings)
    fails.unlink()
    assert is_whole(settings), "what is there is of no single project"


def test_a_night_that_failed_is_computed_from_where_it_stood(settings: Settings) -> None:
    is_whole(settings)
    fails = settings.data_dir / "fails"
    fails.touch()
    with pytest.raises(BuildFailed):
        is_whole(settings)
    fails.unlink()
    assert not is_whole(settings)
