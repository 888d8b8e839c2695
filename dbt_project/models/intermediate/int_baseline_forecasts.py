"""The embedded forecast of every location and category: made each week for the next, and from the last day on for four."""

from datetime import timedelta

import numpy as np
import polars as pl

from estimators.demand import automatic, seasonal_average

ENGINES = {"seasonal_average": seasonal_average, "automatic": automatic}
WEEK, WEEKS_AHEAD = 7, 4
# Days of the past that a forecast looks at.
MEMORY = 8 * WEEK
KEY = ["location_id", "item"]


def model(dbt, session):
    dbt.config(materialized="table")
    demand = dbt.ref("int_category_demand").pl().rename({"category": "item"})
    outs = dbt.ref("int_stock_outs").pl().rename({"out_date": "demand_date"}).with_columns(units=pl.lit(None, pl.Float64))
    last = dbt.ref("int_data_span").pl()["last_day"][0]
    forecast = ENGINES[dbt.config.meta_get("engine")]
    back_tested = int(dbt.config.meta_get("back_tested_weeks"))
    if last is None or demand.is_empty():
        return pl.DataFrame(schema=SCHEMA).to_arrow()
    # the Sunday whose week to come is the last one known whole
    sunday = last - timedelta(days=last.isoweekday() % WEEK + WEEK)
    origins = [(sunday - timedelta(days=WEEK * back), WEEK) for back in range(back_tested)] + [(last, WEEK * WEEKS_AHEAD)]
    first = origins[-2][0] - timedelta(days=MEMORY) if back_tested else last - timedelta(days=MEMORY)
    series, matrix = _matrix(demand, outs, first, last)
    parts = []
    for made_on, horizon in origins:
        known = (made_on - first).days + 1
        values = forecast(matrix[:, max(known - MEMORY, 0) : known], horizon)
        row, ahead = np.indices(values.shape).reshape(2, -1)
        parts.append(
            series[row].with_columns(
                made_on=pl.lit(made_on),
                forecast_date=made_on + pl.duration(days=pl.Series(ahead + 1)),
                quantity=pl.Series(values.ravel()).round(4),
            )
        )
    return pl.concat(parts).select(list(SCHEMA)).cast(SCHEMA).to_arrow()


SCHEMA = {
    "location_id": pl.String,
    "item": pl.String,
    "made_on": pl.Date,
    "forecast_date": pl.Date,
    "quantity": pl.Float64,
}


def _matrix(demand: pl.DataFrame, outs: pl.DataFrame, first, last) -> tuple[pl.DataFrame, np.ndarray]:
    """The series that sold since `first`, and their units by day: 0 on a day without a sale, NaN on one out of stock."""
    recent = demand.filter(pl.col("demand_date").is_between(first, last)).with_columns(pl.col("units").cast(pl.Float64))
    series = recent.select(KEY).unique().sort(KEY).with_row_index("row")
    matrix = np.zeros((len(series), (last - first).days + 1))
    for cells in (recent, outs.filter(pl.col("demand_date").is_between(first, last))):
        placed = cells.join(series, on=KEY)
        days = (placed["demand_date"] - first).dt.total_days()
        matrix[placed["row"].to_numpy(), days.to_numpy()] = placed["units"].fill_null(np.nan).to_numpy()
    return series.drop("row"), matrix
