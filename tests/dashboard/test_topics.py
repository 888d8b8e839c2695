"""How metrics ask to be shown: what `config.meta` may say, and that what it says can be drawn."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard.charts import KINDS
from dashboard.charts.drawing import SLOTS
from dashboard.topics import OVERVIEW

ROOT = Path(__file__).parent.parent.parent
PAGES = {page.stem for page in (ROOT / "pages").glob("*.py")}
SHAPES = {"heatmap": 2, "bars": 1, "sankey": 2}


def declared() -> dict[str, dict[str, Any]]:
    """What every metric says of its presentation, by name."""
    found = {}
    for file in sorted((ROOT / "dbt_project" / "models" / "marts").glob("*.yml")):
        document = yaml.safe_load(file.read_text())
        beside = [metric for model in document.get("models", []) for metric in model.get("metrics", [])]
        for metric in beside + document.get("metrics", []):
            found[metric["name"]] = metric.get("config", {}).get("meta", {})
    return found


METRICS = declared()
CHARTS = [(name, chart) for name, meta in METRICS.items() for chart in meta.get("charts", [])]


@pytest.mark.parametrize(("name", "chart"), CHARTS, ids=[f"{name}-{chart.get('page')}" for name, chart in CHARTS])
def test_a_declared_chart_names_a_page_a_kind_and_metrics_there_are(name: str, chart: dict[str, Any]) -> None:
    known = {"page", "kind", "by", "with", "order", "title", "title_fr"}
    assert set(chart) <= known, f"{name}: beware of keys that YAML takes for yes or no"
    assert chart["page"] in PAGES
    assert chart["kind"] in KINDS
    assert set(chart.get("with", [])) <= {other for other, meta in METRICS.items() if not meta.get("hidden")}
    by = chart.get("by", [])
    assert len(by if isinstance(by, list) else [by]) >= SHAPES.get(chart["kind"], 0)


def test_every_page_of_figures_has_charts_in_an_order_without_ties() -> None:
    for page in PAGES - {"definitions", "data_health"}:
        order = [chart["order"] for _, chart in CHARTS if chart["page"] == page]
        assert sorted(order) == list(range(1, len(order) + 1)), page
        assert len(order) >= 2, page


def test_every_topic_is_a_page_and_the_overview_is_made_of_ten_headlines() -> None:
    assert {meta["topic"] for meta in METRICS.values() if meta.get("topic")} <= PAGES - {OVERVIEW}
    assert sorted(meta["headline"] for meta in METRICS.values() if meta.get("headline")) == list(range(1, 11))


def test_the_metrics_of_a_curve_say_the_age_they_are_measured_at() -> None:
    for name, chart in CHARTS:
        if chart["kind"] == "curve":
            assert all(METRICS[one].get("days") for one in (name, *chart["with"]))


def test_every_standard_channel_has_its_own_colour() -> None:
    seed = (ROOT / "dbt_project" / "seeds" / "standard_channels.csv").read_text().splitlines()
    channels = {line.split(",")[0] for line in seed[1:]} - {"unknown"}
    assert channels <= SLOTS.keys()
    assert len(set(SLOTS.values())) == len(SLOTS)
