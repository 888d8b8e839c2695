"""Every metric agrees with an independent computation from the raw rows: by month, and by what it can be sliced by."""

from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from dashboard.builds import Build, current
from dashboard.catalogue import catalogue
from dashboard.metrics import Question, ask
from tests.proofs import (
    audit,
    baskets,
    constant_rates,
    conversion,
    customers,
    drivers,
    lead_times,
    loads,
    markdowns,
    models,
    promise,
    returns,
    roi,
    service,
    stock,
    survival,
    visits,
)
from tests.proofs.figures import Figures
from tests.proofs.records import read

# What each family's figures are sliced by, month by month, besides being taken whole.
FAMILIES = {
    audit: ("channel", "location"),
    baskets: ("channel", "fulfilment_mode", "location"),
    constant_rates: ("channel", "location"),
    conversion: ("channel", "device", "source", "medium", "location"),
    customers: ("acquisition_channel",),
    drivers: ("channel", "location"),
    lead_times: ("channel", "location"),
    loads: ("source",),
    markdowns: ("channel", "discount_kind"),
    returns: ("channel", "location", "fulfilment_mode", "category"),
    service: ("channel", "location", "reason", "contact_channel"),
    models: ("channel", "location", "category", "forecast_model", "feature"),
    promise: ("channel", "location", "reason"),
    visits: ("channel", "location", "origin_channel"),
    stock: ("location", "category"),
    roi: ("event_month", "sold_in", "capability"),
    survival: (),
}
CUTS = [
    pytest.param(family, columns, id=f"{family.__name__.rpartition('.')[2]} by {' and '.join(columns) or 'nothing'}")
    for family, slices in FAMILIES.items()
    for columns in ((), ("metric_time",), *(("metric_time", column) for column in slices))
]
HALF_A_CENT, HAIR = 0.005, 1e-9

Proofs = dict[ModuleType, dict[str, Figures]]


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    published = current(demonstration)
    assert published
    return published


@pytest.fixture(scope="module")
def proofs(demonstration: Path, build: Build) -> Proofs:
    """What each metric must be, by family and name."""
    records = read(demonstration, build.info["currency"], build.info["timezone"])
    return {family: {metric: figures for figures in family.prove(records) for metric in figures.by_metric} for family in FAMILIES}


def disagreements(build: Build, metric: str, proof: Figures, *columns: str) -> pl.DataFrame:
    """The rows in which the published build and the proof differ."""
    known = catalogue(build)[metric]
    by = tuple(column for column in columns if column != "metric_time")
    grain = "month" if "metric_time" in columns else None
    answer = ask(build, Question(metrics=(metric,), by=by, grain=grain)).frame
    published = answer.select(*columns, published=pl.col(metric).cast(pl.Float64))
    proved = proof.by(metric, *columns).rename({"value": "proved"})
    if columns:
        both = published.join(proved, on=columns, how="full", coalesce=True, nulls_equal=True)
    else:
        both = pl.concat([published, proved], how="horizontal")
    if known.is_additive or known.format == "count":
        # nothing counted and no row at all are the same nothing
        both = both.with_columns(pl.col("published", "proved").fill_null(0.0))
    allowed = pl.lit(HALF_A_CENT) if known.format == "currency" else HAIR * pl.max_horizontal(pl.lit(1.0), pl.col("proved").abs())
    agree = ((pl.col("published") - pl.col("proved")).abs() < allowed).fill_null(False)
    return both.filter(~(agree | (pl.col("published").is_null() & pl.col("proved").is_null())))


def test_every_metric_of_the_catalogue_is_proved(build: Build, proofs: Proofs) -> None:
    assert set(catalogue(build)) == {metric for family in proofs.values() for metric in family}


def test_what_is_proved_is_sliced_by_channel_where_the_metric_can_be(build: Build, proofs: Proofs) -> None:
    published = {metric for metric, known in catalogue(build).items() if "channel" in known.dimensions}
    sliced = {metric for family in proofs.values() for metric, proof in family.items() if "channel" in proof.rows.columns}
    assert published == sliced


@pytest.mark.parametrize(("family", "columns"), CUTS)
def test_every_figure_agrees_with_its_proof(build: Build, proofs: Proofs, family: ModuleType, columns: tuple[str, ...]) -> None:
    sliced = {metric: proof for metric, proof in proofs[family].items() if set(columns) <= set(proof.rows.columns)}
    wrong = {metric: rows for metric, proof in sliced.items() if len(rows := disagreements(build, metric, proof, *columns))}
    assert sliced
    assert not wrong
