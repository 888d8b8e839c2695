"""The waterfall: what is taken away, step by step, leaves exactly what is left."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import words

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def english():
    yield
    words.speak("en")


def steps(demonstration: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> dict[str, tuple[float, float]]:
    """Where each bar of the stock page's waterfall starts and how far it goes, by its label."""
    monkeypatch.setenv("OMNIKPI_DATA_DIR", str(demonstration))
    app = AppTest.from_file(str(ROOT / "pages" / "stock.py"), default_timeout=60)
    app.query_params.update({"lang": language, "period": "last_12_months"})
    assert not app.run().exception
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    (bars,) = figure["data"]
    return dict(zip(figure["layout"]["yaxis"]["ticktext"], zip(bars["base"], bars["x"], strict=True), strict=True))


def test_every_step_starts_where_the_one_before_ended_and_the_last_is_what_is_left(
    demonstration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(steps(demonstration, monkeypatch, "en").values())
    assert found[0][0] == 0
    for (base, move), (following, _) in pairwise(found[:-1]):
        assert following == pytest.approx(base + move, abs=0.005)
    assert found[-1] == (0, pytest.approx(sum(found[-2]), abs=0.005))


def test_both_meanings_of_the_french_word_are_told_apart(demonstration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name.replace("<br>", " ") for name in steps(demonstration, monkeypatch, "fr")]
    prices = [name for name in names if name.startswith("Démarque prix")]
    losses = [name for name in names if name in ("Démarque connue", "Démarque inconnue")]
    assert len(prices) >= 4
    assert losses == ["Démarque connue", "Démarque inconnue"]
    assert names == ["Marge au plein tarif", *prices, *losses, "Marge conservée"]
