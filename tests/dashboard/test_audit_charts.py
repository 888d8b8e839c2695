"""The figures of the audit's matrix and of an estimate with its interval."""

import importlib
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from dashboard import words

interval, matrix = (importlib.import_module(f"dashboard.charts.{name}") for name in ("interval", "matrix"))


def metric(name: str, kind: str) -> Any:
    return SimpleNamespace(name=name, label=name, label_fr=name, format=kind)


def page(loaded: dict[str, bool]) -> Any:
    pairs = pl.DataFrame(
        {"system_pair": ["p1", "p2"], "first_entity": ["orders", "orders"], "second_entity": ["payments", "contacts"]}
    )
    build = SimpleNamespace(sql=lambda _: pairs, info={"entities": loaded})
    return SimpleNamespace(build=build, currency="EUR", asked=lambda one: one.name)


def chart(metrics: list[Any], by: tuple[str, ...]) -> Any:
    return SimpleNamespace(metrics=metrics, by=by, title=lambda _: None)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch):
    words.speak("en")
    monkeypatch.setattr(interval, "value_label", lambda _build, _dimension, value: value)
    monkeypatch.setattr(matrix, "value_text", lambda _page, _dimension, value: value)


def test_a_matrix_ticks_agreement_counts_disagreement_and_names_the_missing_export(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"system_pair": "p1", "agreement_check": "amount", "rate": 0.25, "count": 5, "risk": 80.0},
        {"system_pair": "p1", "agreement_check": "duplicate", "rate": 0.0, "count": 0, "risk": 0.0},
    ]
    monkeypatch.setattr(matrix, "read_rows", lambda *_, **__: rows)
    metrics = [metric("rate", "percent"), metric("count", "count"), metric("risk", "currency")]
    drawn = matrix.matrix(page({"orders": True, "payments": True}), chart(metrics, ("system_pair", "agreement_check")))
    assert drawn is not None
    heat = drawn.figure.data[0]
    assert list(heat.y) == ["p1", "p2"]
    assert [list(row) for row in heat.z] == [[0.5, 0.0], [None, None]]
    assert heat.text[0][1] == "✓"
    assert "25.0%" in heat.text[0][0]
    assert "5" in heat.text[0][0]
    assert [note.text for note in drawn.figure.layout.annotations] == ["Not loaded: service contacts"]


def test_a_matrix_leaves_out_a_pair_that_nothing_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"system_pair": "p1", "agreement_check": "amount", "rate": 0.25}]
    monkeypatch.setattr(matrix, "read_rows", lambda *_, **__: rows)
    loaded = {"orders": True, "payments": True, "contacts": True}
    drawn = matrix.matrix(page(loaded), chart([metric("rate", "percent")], ("system_pair", "agreement_check")))
    assert drawn is not None
    assert list(drawn.figure.data[0].y) == ["p1"]


def test_an_interval_reaches_from_its_lower_to_its_upper_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_page: Any, _metrics: Any, by: tuple[str, ...], **_: Any) -> list[dict]:
        row = {"gain": 0.02, "low": -0.01, "high": 0.05}
        return [row | {"channel": value} for value in ("web", "unknown")] if by else [row]

    monkeypatch.setattr(interval, "read_rows", read)
    metrics = [metric(name, "percent") for name in ("gain", "low", "high")]
    drawn = interval.interval(page({}), chart(metrics, ("channel",)))
    assert drawn is not None
    points = drawn.figure.data[0]
    assert list(points.y) == ["All", "web"]
    assert list(points.x) == [0.02, 0.02]
    assert list(points.error_x.array) == pytest.approx([0.03, 0.03])
    assert list(points.error_x.arrayminus) == pytest.approx([0.03, 0.03])
