"""Forecasts, drift and recommendations, proved: days are laid out one by one and added up, the index is summed bin by bin."""

from collections.abc import Iterator
from datetime import date, timedelta
from math import log, sqrt

import polars as pl
from scipy.stats import chi2

from tests.proofs.figures import Figures, share
from tests.proofs.records import UNKNOWN, Records, day_of, month

WEEK, BACK_TESTED, AHEAD, MEAN_OVER, MEMORY = 7, 26, 28, 4, 56
FALSE_ALARMS, EXPECTED = 0.05, 5
KEY = ["location", "item"]


def prove(records: Records) -> Iterator[Figures]:
    yield from _forecasts(records)
    yield from _drift(records)
    yield from _recommendations(records)


def _sales(records: Records) -> pl.DataFrame:
    """One row per line sold, with its place and category."""
    counted = records.orders.select("order")
    return (
        records.lines.filter(~pl.col("is_gift_card"))
        .join(counted, on="order")
        .with_columns(pl.col("location", "category").fill_null(UNKNOWN))
    )


# Forecasts


def _forecasts(records: Records) -> Iterator[Figures]:
    units = _sales(records).group_by("location", item="category", day="order_date").agg(pl.col("quantity").sum())
    outs = _outs(records)
    loaded = (
        records.newest("forecasts", "model", "made_on", "location_id", "sku", "forecast_date")
        .rename({"location_id": "location", "sku": "item", "forecast_date": "day"})
        .select("model", "made_on", *KEY, "day", forecast=pl.col("quantity").cast(pl.Float64))
        .with_columns(is_baseline=pl.lit(False))
    )  # fmt: skip
    own = _embedded(records, units, outs)
    ahead = own.filter(pl.col("made_on") == records.last_day)
    yield Figures(ahead.with_columns(month("day"), category="item"), {"baseline_demand": pl.col("forecast").sum()})
    made = pl.concat([loaded, own.with_columns(model=pl.lit("baseline"), is_baseline=pl.lit(True))], how="diagonal_relaxed")
    sunday = records.last_day - timedelta(days=records.last_day.isoweekday() % WEEK)
    last = (
        made.filter((pl.col("made_on") < pl.col("day")) & (pl.col("day") <= sunday))
        .sort("made_on")
        .unique(["model", *KEY, "day"], keep="last")
        .join(outs, on=[*KEY, "day"], how="anti")
    )
    back = -((pl.col("day") - pl.col("made_on")).dt.total_days() // -WEEK) * WEEK
    last = last.with_columns(before=pl.col("day") - pl.duration(days=back))
    last = last.join(units, on=[*KEY, "day"], how="left").join(
        units.rename({"day": "before", "quantity": "naive"}), on=[*KEY, "before"], how="left"
    )
    weeks = (
        last.with_columns(pl.col("quantity", "naive").fill_null(0), week=pl.col("day").dt.truncate("1w"))
        .group_by("model", *KEY, "week", "is_baseline")
        .agg(pl.col("forecast", "quantity", "naive").sum())
        .with_columns(month("week"), forecast_model="model", category="item")
    )
    error, naive = (pl.col("forecast") - pl.col("quantity")).abs(), (pl.col("naive") - pl.col("quantity")).abs()
    sold = pl.col("quantity").sum()
    yield Figures(
        weeks.filter(~pl.col("is_baseline")),
        {
            "scored_forecasts": ((pl.col("forecast") > 0) | (pl.col("quantity") > 0)).sum(),
            "forecast_wape": share(error.sum(), sold),
            "naive_forecast_wape": share(naive.sum(), sold),
            "forecast_bias": share((pl.col("forecast") - pl.col("quantity")).sum(), sold),
            "forecast_value_added": share(naive.sum() - error.sum(), naive.sum()),
        },
    )
    yield Figures(weeks.filter("is_baseline"), {"baseline_forecast_wape": share(error.sum(), sold)})
    left_out = loaded.filter(pl.col("day") <= sunday).unique(["model", *KEY, "day"]).join(outs, on=[*KEY, "day"])
    left_out = left_out.with_columns(
        metric_time=pl.col("day").dt.truncate("1w").dt.truncate("1mo"), forecast_model="model", category="item"
    )
    yield Figures(left_out, {"forecast_censored_days": pl.len()})


def _outs(records: Records) -> pl.DataFrame:
    """Days on which a place had nothing of a category: `location`, `item`, `day`. (No product is forecast by itself here.)"""
    levels = records.newest("stock_levels", "location_id", "sku", "stock_date").join(records.products, on="sku")
    found = levels.group_by(location="location_id", item="category", day="stock_date").agg(most=pl.col("on_hand").max())
    return found.filter(pl.col("most") <= 0).drop("most")


def _embedded(records: Records, units: pl.DataFrame, outs: pl.DataFrame) -> pl.DataFrame:
    """The embedded forecast, one day after the other: the mean of the last same weekdays on which there was stock."""
    sold = {key: quantity for *key_, quantity in units.select(*KEY, "day", "quantity").iter_rows() for key in [tuple(key_)]}
    out = set(outs.select(*KEY, "day").iter_rows())
    last = records.last_day
    sunday = last - timedelta(days=last.isoweekday() % WEEK + WEEK)
    origins = [(sunday - timedelta(days=WEEK * back), WEEK) for back in range(BACK_TESTED)] + [(last, AHEAD)]
    begin = origins[-2][0] - timedelta(days=MEMORY)
    series = units.filter(pl.col("day") >= begin).select(KEY).unique().sort(KEY).rows()
    rows = []
    for made_on, horizon in origins:
        first = max(begin, made_on - timedelta(days=MEMORY - 1))
        past = [made_on - timedelta(days=back) for back in range((made_on - first).days + 1)]
        for one in series:
            seen = [(day.isoweekday(), sold.get((*one, day), 0.0)) for day in past if (*one, day) not in out]
            mean = sum(quantity for _, quantity in seen) / len(seen) if seen else 0.0
            usual = {}
            for weekday in range(1, WEEK + 1):
                same = [quantity for other, quantity in seen if other == weekday][:MEAN_OVER]
                usual[weekday] = sum(same) / len(same) if same else mean
            for ahead in range(1, horizon + 1):
                day = made_on + timedelta(days=ahead)
                rows.append((*one, made_on, day, round(usual[day.isoweekday()], 4)))
    return pl.DataFrame(rows, schema=[*KEY, "made_on", "day", "forecast"], orient="row")


# Drift


def _drift(records: Records) -> Iterator[Figures]:
    sales = _sales(records)
    visits = records.newest("sessions", "session_id").select(day_of("started_at", records.timezone)).to_series()
    begun = min(day for day in (sales["order_date"].min(), visits.min()) if isinstance(day, date))
    since = records.last_day.replace(year=records.last_day.year - 2, day=1)
    sales = sales.with_columns(month("order_date")).filter(
        (pl.col("metric_time") >= max(begun, since)) & (pl.col("metric_time").dt.month_end() <= records.last_day)
    )
    place = ["location", "metric_time"]
    baskets = sales.group_by("order", *place).agg(size=pl.col("quantity").sum().cast(pl.Int64))
    kind = pl.when(pl.col("gross") <= pl.col("sales")).then(pl.lit("none")).otherwise("kind")
    mixes = {
        "category_mix": sales.group_by(*place, bin="category").agg(cases=pl.col("order").n_unique()),
        "markdown_mix": sales.group_by(*place, bin=kind).agg(cases=pl.col("order").n_unique()),
        "basket_size": baskets.group_by(*place, bin=pl.col("size").clip(upper_bound=6).cast(pl.String)).agg(cases=pl.len()),
    }
    rows = []
    for feature, counts in mixes.items():
        known: dict[tuple, dict[str, int]] = {}
        for *where, value, cases in counts.select(*place, "bin", "cases").iter_rows():
            known.setdefault(tuple(where), {})[value] = cases
        pairs = {}
        for (location, when), now in known.items():
            if (before := known.get((location, when.replace(year=when.year - 1)))) is not None:
                pairs[location, when] = (before, now)
        for (location, when), (before, now) in pairs.items():
            together = sum(other == when for _, other in pairs)
            verdict = _alarms(before, now, FALSE_ALARMS / together)
            if verdict is not None:
                rows.append((feature, location, when, verdict))
    checks = pl.DataFrame(rows, schema=["feature", "location", "metric_time", "is_alarm"], orient="row")
    alarms = pl.col("is_alarm").sum()
    yield Figures(checks, {"drift_checks": pl.len(), "drift_alarms": alarms, "drift_alarm_rate": share(alarms, pl.len())})


def _alarms(before: dict[str, int], now: dict[str, int], chance: float) -> bool | None:
    """Whether two mixes differ by more than chance; None where there is nothing to tell."""
    bins = sorted(([before.get(name, 0), now.get(name, 0)] for name in sorted({*before, *now})), key=sum)
    n, m = (sum(pair[side] for pair in bins) for side in (0, 1))
    while len(bins) > 1 and min(n, m) * sum(bins[0]) / (n + m) < EXPECTED:
        smallest, second, *rest = bins
        bins = sorted([[smallest[0] + second[0], smallest[1] + second[1]], *rest], key=sum)
    if len(bins) < 2:
        return None
    size = len(bins) / 2
    shares = [((a + 0.5) / (n + size), (b + 0.5) / (m + size)) for a, b in bins]
    index = sum((q - p) * log(q / p) for p, q in shares)
    return index > (1 / n + 1 / m) * float(chi2.ppf(1 - chance, len(bins) - 1))


# Recommendations


def _recommendations(records: Records) -> Iterator[Figures]:
    made = records.newest("recommendations", "recommendation_id")
    visits = records.newest("sessions", "session_id").select("session_id", "channel")
    valid = records.orders.select("order", is_bought=True)
    made = (
        made.join(visits, on="session_id", how="left")
        .join(records.order_named_by(made), on=["_source", "order_id"], how="left")
        .join(valid, on="order", how="left")
        .with_columns(
            pl.col("channel").fill_null(UNKNOWN),
            pl.col("is_bought", "is_holdout").fill_null(False),
            day=day_of("shown_at", records.timezone),
        )
        .with_columns(month("day"))
    )
    held, bought = pl.col("is_holdout"), pl.col("is_bought")
    shown = share((bought & ~held).sum(), (~held).sum())
    against = share((bought & held).sum(), held.sum())
    spread = (shown * (1 - shown) / (~held).sum() + against * (1 - against) / held.sum()) ** 0.5
    half = sqrt(float(chi2.ppf(0.95, 1))) * spread
    yield Figures(
        made,
        {
            "recommendations_shown": (~held).sum(),
            "recommendations_held_out": held.sum(),
            "recommendation_click_rate": share((pl.col("clicked_at").is_not_null() & ~held).sum(), (~held).sum()),
            "recommendation_conversion_rate": shown,
            "holdout_conversion_rate": against,
            "recommendation_uplift": shown - against,
            "recommendation_uplift_low": shown - against - half,
            "recommendation_uplift_high": shown - against + half,
        },
    )
