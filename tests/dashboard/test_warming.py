"""A server is made ready before its readers come."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import builds, warming
from dashboard.semantics import Semantics, semantics

ROOT = Path(__file__).parent.parent.parent


def test_every_control_is_moved_once(demonstration: Path) -> None:
    build = builds.current(demonstration)
    assert build
    moved = {name for view in warming.views(build) for name in view}
    assert moved == {"tax", "period", "calendar", "basis", "channel", "region", "location"}


def test_after_the_visits_moving_a_control_compiles_nothing(
    demonstration: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build = builds.current(demonstration)
    assert build
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(demonstration))
    monkeypatch.setattr(warming, "MOVES", ({},))
    monkeypatch.setattr(warming, "FILTERED", (("channel",),))
    # A mark of this run's own: the demonstration may have been visited before.
    monkeypatch.setattr(warming, "DONE", (str(tmp_path),))
    assert warming.visit(build) == 2 * len(list((ROOT / "pages").glob("*.py")))
    assert warming.visit(build) == 0

    def fail(_: Semantics, *shape: object) -> str:
        raise AssertionError(f"compiled {shape}")

    monkeypatch.setattr(Semantics, "_compiled", fail)
    for page in ("overview", "lead_times"):
        app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=60)
        app.query_params["channel"] = "app"
        app.run()
        assert not app.exception
    assert semantics(build).shapes.get((str(tmp_path),))
