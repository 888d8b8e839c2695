"""The published figures are those of the world the demonstration's exports were written from."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from dashboard.builds import Build, current
from dashboard.catalogue import catalogue
from dashboard.metrics import Question, ask

# How far below the real people's figure a customer KPI may lie because people show nothing, or different things, of themselves.
BLINDNESS = {
    "ltv_": 0.25,
    "omnichannel_customer_rate": 0.25,
    "repeat_purchase_rate": 0.20,
    "ropo_share_of_store_sales": 0.10,
    "web_to_store_conversion_rate": 0.50,
}
HALF_A_CENT, HAIR = 0.005, 1e-9
# The channel that sells in forints too, and by how much a share there may differ, as prices have two decimals.
IN_FORINTS, HAIR_IN_FORINTS = "marketplace", 1e-6
CUTS = {
    "all the data": ("all", False),
    "channel": ("all", True),
    "month": ("month", False),
    "month and channel": ("month", True),
}


@pytest.fixture(scope="module")
def build(demonstration: Path) -> Build:
    published = current(demonstration)
    assert published
    return published


@pytest.fixture(scope="module")
def truth(demonstration: Path) -> pl.DataFrame:
    """Every KPI as the generator knows it."""
    types = {"metric_time": pl.Date, "period": pl.String, "value": pl.Float64}
    return pl.read_csv(demonstration / "truth" / "kpis.csv", schema_overrides=types, infer_schema_length=None)


def compared(build: Build, truth: pl.DataFrame, metric: str, grain: str, is_sliced: bool) -> pl.DataFrame:
    """The truth's rows beside what the build says, as `value` and `published`, with what a difference may be as `allowed`."""
    known = catalogue(build)[metric]
    is_slice = pl.col("channel") != "all"
    rows = truth.filter((pl.col("metric") == metric) & (pl.col("grain") == grain) & (is_slice if is_sliced else ~is_slice))
    # everybody buys in the month of the first purchase: the metric leaves it out, and the truth may only say that it is whole
    assert (rows.filter(pl.col("period") == "0")["value"] == 1).all()
    rows = rows.filter(pl.col("period").fill_null("") != "0")
    # of a person there is no channel but that of the first order
    dimension = "channel" if "channel" in known.dimensions else "acquisition_channel"
    by = {dimension: "channel"} if is_sliced else {}
    by |= {"month_number": "period"} if rows["period"].drop_nulls().len() else {}
    answer = ask(build, Question(metrics=(metric,), by=tuple(by), grain="month" if grain == "month" else None)).frame
    keys = ["metric_time", *by.values()] if grain == "month" else [*by.values()]
    said = answer.rename(by).select(
        *[pl.col(key).cast(pl.String) if key in ("channel", "period") else pl.col(key) for key in keys],
        published=pl.col(metric).cast(pl.Float64),
    )
    both = rows.join(said, on=keys, how="left", nulls_equal=True) if keys else rows.join(said, how="cross")
    hair = pl.when(pl.col("channel") == IN_FORINTS).then(HAIR_IN_FORINTS).otherwise(HAIR)
    allowed = pl.lit(HALF_A_CENT) if known.format == "currency" else hair * pl.max_horizontal(pl.lit(1.0), pl.col("value").abs())
    return both.with_columns(allowed=allowed)


def test_the_truth_holds_every_family(truth: pl.DataFrame, build: Build) -> None:
    topics = {catalogue(build)[metric].topic for metric in truth["metric"].unique()}
    families = {"conversion", "baskets", "customers", "markdowns", "lead_times", "promise", "service", "returns", "stock"}
    assert topics == families


@pytest.mark.parametrize(("grain", "is_sliced"), CUTS.values(), ids=CUTS)
def test_every_kpi_is_what_the_generator_knows_it_to_be_by(
    build: Build, truth: pl.DataFrame, grain: str, is_sliced: bool
) -> None:
    known = truth.filter(pl.col("person_basis").fill_null("deterministic") != "true")
    # not everything has a channel
    is_slice = pl.col("channel") != "all"
    known = known.filter((pl.col("grain") == grain) & (is_slice if is_sliced else ~is_slice))
    wrong = {}
    for metric in known["metric"].unique().sort():
        both = compared(build, known, metric, grain, is_sliced)
        same = ((pl.col("value") - pl.col("published")).abs() < pl.col("allowed")).fill_null(False)
        rows = both.filter(~(same | (pl.col("value").is_null() & pl.col("published").is_null())))
        if len(rows):
            wrong[metric] = rows.drop("grain", "allowed", "person_basis")
    assert not wrong


def test_tickets_given_in_exchange_at_a_pick_up_are_there_and_are_no_purchases(build: Build) -> None:
    (counted, ticketed) = build.sql("""
        select count(distinct case when has_add_on then collection_id end), count(distinct collection_id)
        from marts.collections
        inner join marts.orders using (customer_id, location_id)
        where order_date = collection_date and is_store_order and is_valid
    """).row(0)
    assert ticketed > counted + 50


def test_what_cannot_be_recognised_makes_customer_kpis_floors_by_no_more_than_is_said(build: Build, truth: pl.DataFrame) -> None:
    known = truth.filter((pl.col("person_basis") == "true") & (pl.col("grain") == "all") & (pl.col("channel") == "all"))
    assert not known.is_empty()
    for metric in known["metric"].unique().sort():
        (allowed,) = (share for name, share in BLINDNESS.items() if metric.startswith(name))
        whole = compared(build, known, metric, "all", False)
        for real, published in whole.select("value", "published").iter_rows():
            assert (1 - allowed) * real <= published <= real, f"{metric}: {published} of {real}"


@pytest.fixture(scope="module")
def gains(demonstration: Path, build: Build) -> pl.DataFrame:
    """What each store that is compared gained while a service was live: one row a store and whole month, with its usual sales."""
    gains = pl.read_csv(
        demonstration / "truth" / "rollout_gains.csv", schema_overrides={"location_id": pl.String}, try_parse_dates=True
    )
    months = build.sql("select * from marts.store_months").with_columns(pl.selectors.decimal().cast(pl.Float64))
    before = months.filter(pl.col("month_start") < months["live_month"].min()).group_by("location_id")
    usual = before.agg(usual=(pl.col("store_sales") + pl.col("web_sales")).mean())
    # stores that opened later are compared with none
    live = months.filter(pl.col("is_live") & (pl.col("month_start") < months["month_start"].max())).join(usual, on="location_id")
    both = live.join(gains, on=["location_id", "month_start"], how="left")
    return both.with_columns(pl.col("store_gain", "web_gain").fill_null(0))


def test_what_the_roll_out_truly_brought_lies_within_what_is_estimated(build: Build, gains: pl.DataFrame) -> None:
    bounds = ask(build, Question(("causal_sales_effect_low", "causal_sales_effect_high"), ("sold_in",))).frame
    for sold_in, gain in {"store": "store_gain", "web": "web_gain", "all": pl.col("store_gain") + pl.col("web_gain")}.items():
        true = gains.select((pl.col(gain) if isinstance(gain, str) else gain).sum() / pl.col("usual").sum()).item()
        _, low, high = bounds.filter(pl.col("sold_in") == sold_in).row(0)
        assert low <= true <= high, f"{sold_in}: {true} is not within {low} to {high}"
        assert (true > 0) == (sold_in != "web")


def test_what_each_service_truly_brought_lies_within_what_is_estimated_of_it(demonstration: Path, gains: pl.DataFrame) -> None:
    with duckdb.connect(str(demonstration / "warehouse.duckdb"), read_only=True) as connection:
        estimated = connection.sql("""
            select capability, arg_max(cumulative_low, month), arg_max(cumulative_high, month)
            from intermediate.int_rollout_gains
            where amount = 'sales' and is_assessed and not is_refused and capability <> 'any'
            group by capability
        """).fetchall()
        first = connection.sql(
            "select location_id, arg_min(capability, live_on) from staging.stg_rollouts group by all"
        ).fetchall()
    service = pl.DataFrame(first, schema=["location_id", "capability"], orient="row")
    true = gains.join(service, on="location_id").group_by("capability").agg(pl.col("store_gain", "web_gain").sum())
    brought = {capability: store + web for capability, store, web in true.iter_rows()}
    assert {capability for capability, *_ in estimated} == set(brought)
    for capability, low, high in estimated:
        assert low <= brought[capability] <= high, f"{capability}: {brought[capability]} is not within {low} to {high}"
