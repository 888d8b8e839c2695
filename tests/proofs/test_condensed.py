"""Condensed marts answer as the marts themselves do: every metric they know, day by day and by all that they are condensed by."""

import json
from pathlib import Path

import polars as pl

from dashboard.builds import current
from dashboard.semantics import Semantics, semantics
from dashboard.shapes import Shapes

HAIR = 1e-6


def test_every_metric_of_a_condensed_mart_is_the_same_in_the_mart(demonstration: Path, tmp_path: Path) -> None:
    build = current(demonstration)
    assert build
    assert build.condensed_manifest
    marts = Semantics(build.semantic_manifest, Shapes(tmp_path, build.semantic_manifest))
    condensed = json.loads(build.condensed_manifest)
    models = {one["name"]: one for one in condensed["semantic_models"] if one["node_relation"]["schema_name"] == "condensed"}
    assert len(models) > 5
    wrong = []
    for name, model in models.items():
        simple = ((one["name"], one["type_params"]["metric_aggregation_params"]) for one in condensed["metrics"])
        day = model["defaults"]["agg_time_dimension"]
        metrics = tuple(
            metric for metric, taken in simple
            if taken and taken["semantic_model"] == name and not taken["non_additive_dimension"]
            and taken["agg_time_dimension"] == day
        )  # fmt: skip
        own = {part["name"] for part in (*model["entities"], *model["dimensions"])} - {day}
        known = [item for item in marts.available(metrics).items if item.element in own and item.is_near]
        items = tuple(item for item in known if item.kind == "entity" or item.model == name)
        assert {item.element for item in items} == own
        asked = metrics, ("metric_time__day", *(item.column for item in items)), (), items
        compiled = semantics(build).compile(*asked)
        assert f'"condensed"."{name}"' in compiled
        ours, expected = (_sorted(build.sql(sql), metrics) for sql in (compiled, marts.compile(*asked)))
        wrong += [f"{name}: {metric}" for metric in metrics if not _same(ours[metric], expected[metric])]
    assert wrong == []


def test_persons_counted_by_bits_are_as_many_as_counted_by_key(demonstration: Path, tmp_path: Path) -> None:
    build = current(demonstration)
    assert build
    assert build.condensed_manifest
    marts = Semantics(build.semantic_manifest, Shapes(tmp_path, build.semantic_manifest))
    by_bits: dict[str, list[str]] = {}
    for metric in json.loads(build.condensed_manifest)["metrics"]:
        if "numbers" in ((metric.get("config") or {}).get("meta") or {}):
            by_bits.setdefault(metric["type_params"]["metric_aggregation_params"]["semantic_model"], []).append(metric["name"])
    assert set(by_bits) == {"store_buyer_days", "visitor_days"}
    for metrics in map(tuple, by_bits.values()):
        items = [item for item in marts.available(metrics).items if item.name in ("channel", "location", "location__region")]
        asked = [((), ()), (("metric_time__week",), ()), *(((item.column,), (item,)) for item in items)]
        assert len(asked) >= 4
        for by, sliced in asked:
            compiled = semantics(build).compile(metrics, by, (), sliced)
            assert compiled.count("bitstring_agg") == len(metrics)
            ours, expected = (_sorted(build.sql(sql), metrics) for sql in (compiled, marts.compile(metrics, by, (), sliced)))
            assert ours.select(expected.columns).equals(expected), by


def _sorted(rows: pl.DataFrame, metrics: tuple[str, ...]) -> pl.DataFrame:
    return rows.sort(sorted(set(rows.columns) - set(metrics)))


def _same(ours: pl.Series, expected: pl.Series) -> bool:
    """Whether two columns are equal; sums of floats up to the order they were taken in."""
    if not ours.dtype.is_float():
        return ours.equals(expected)
    gap = (ours - expected).abs().max()
    return float(gap or 0) < HAIR and (ours.is_null() == expected.is_null()).all()  # pyright: ignore[reportArgumentType]
