"""Grouped bars: every metric of a place beside the others, in words too, and no group where there is nothing."""

import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import words
from dashboard.charts.drawing import Drawn
from dashboard.metrics import BEFORE

grouped = importlib.import_module("dashboard.charts.groups")


def metric(name: str) -> Any:
    return SimpleNamespace(name=name, label=f"Stock {name}, at cost", label_fr=name, format="currency", is_additive=True)


METRICS = [metric("on hand"), metric("reserved")]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch):
    words.speak("en")
    monkeypatch.setattr(grouped, "value_label", lambda _build, _dimension, value: value.title())


def drawn(monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> Drawn | None:
    monkeypatch.setattr(grouped, "read_rows", lambda *_, **__: rows)
    page: Any = SimpleNamespace(build=None, currency="EUR", view=SimpleNamespace(compare="last_year"), asked=lambda one: one.name)
    chart: Any = SimpleNamespace(metrics=METRICS, by=("location_kind",), title=lambda _: "By state")
    return grouped.groups(page, chart)


def row(kind: str, on_hand: float, reserved: float | None) -> dict[str, Any]:
    return {"location_kind": kind, "on hand": on_hand, "reserved": reserved, f"on hand{BEFORE}": 2.0, f"reserved{BEFORE}": None}


def test_each_place_has_a_heading_and_a_bar_a_metric_the_largest_place_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = drawn(monkeypatch, row("warehouse", 10, 0), row("store", 40, 5))
    assert found
    figure = found.figure.to_dict()
    axis, bars = figure["layout"]["yaxis"], figure["data"][0]
    states = ["Stock on hand", "Stock reserved"]
    assert list(axis["ticktext"]) == ["<b>Store</b>", *states, "<b>Warehouse</b>", *states]
    lowest, highest = axis["range"]
    assert all(highest < place < lowest for place in axis["tickvals"])
    assert list(bars["x"]) == [40, 5, 10, 0]
    assert [axis["ticktext"][list(axis["tickvals"]).index(place)] for place in bars["y"]] == states * 2
    assert found.alt.startswith("By state: Store, Stock on hand €40")


def test_a_place_with_nothing_is_left_out_and_nothing_at_all_is_no_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    found = drawn(monkeypatch, row("warehouse", 0, None), row("store", 40, None))
    assert found
    assert list(found.figure.to_dict()["data"][0]["x"]) == [40, 0]
    assert drawn(monkeypatch, row("warehouse", 0, None)) is None
