"""Forecasts of demand from its own past, in which days without stock are days without an answer.

Series are rows of a matrix, days its columns; NaN is a day on which demand could not be seen, because the goods were out of
stock. Nothing is imputed: such a day is passed over, and an earlier one of the same weekday stands in.
"""

from importlib.util import find_spec

import numpy as np

Matrix = np.ndarray


def seasonal_average(demand: Matrix, horizon: int, season: int = 7, over: int = 4) -> Matrix:
    """The next `horizon` days of each series, [series, day]: the mean of the last `over` seen days of the same weekday.

    With `over=1` this is the seasonal-naive forecast. A weekday never seen is forecast by the series' own mean, and a series
    never seen at all by 0.
    """
    series, days = demand.shape
    seasons = -(-days // season)
    padded = np.full((series, seasons * season), np.nan)
    padded[:, seasons * season - days :] = demand
    phases = padded.reshape(series, seasons, season)[:, ::-1]  # the newest season first
    seen = ~np.isnan(phases)
    taken = seen & (np.cumsum(seen, axis=1) <= over)
    count = taken.sum(axis=1)
    total = np.where(taken, phases, 0.0).sum(axis=1)
    every, known = np.nansum(demand, axis=1), (~np.isnan(demand)).sum(axis=1)
    mean = np.divide(every, known, out=np.zeros(series), where=known > 0)
    phase = np.divide(total, count, out=np.repeat(mean[:, None], season, axis=1), where=count > 0)
    return phase[:, np.arange(horizon) % season]


def has_automatic() -> bool:
    """Whether the optional library behind `automatic` is installed."""
    return find_spec("statsforecast") is not None


def automatic(demand: Matrix, horizon: int, season: int = 7) -> Matrix:
    """The next `horizon` days of each series, [series, day], by exponential smoothing chosen by AICc (never below 0).

    Needs the extra `forecast`, and says so with `ModuleNotFoundError` without it. Days not seen are filled from the same
    weekday before them, as `seasonal_average` would; the model has no other way to leave them out.
    """
    if not has_automatic():
        raise ModuleNotFoundError(
            "`forecast_engine: automatic` needs the extra `forecast`: install 'omnikpi[forecast]', or set it to seasonal_average"
        )
    from statsforecast.models import AutoETS  # pyright: ignore[reportMissingImports]

    forecasts = np.empty((len(demand), horizon))
    for row, series in enumerate(demand):
        filled = _filled(series, season)
        forecasts[row] = AutoETS(season_length=season).forecast(y=filled, h=horizon)["mean"]
    return np.maximum(forecasts, 0.0)


def _filled(series: np.ndarray, season: int) -> np.ndarray:
    """The series with each day not seen as the same weekday before it, or as the mean where there is none."""
    filled = series.astype(float).copy()
    mean = float(np.nanmean(filled)) if not np.isnan(filled).all() else 0.0
    for day in np.flatnonzero(np.isnan(filled)):
        filled[day] = filled[day - season] if day >= season else mean
    return filled
