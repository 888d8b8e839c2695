"""What a family proves: rows, and the figure any group of them must give."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Figures:
    """Rows with their month (`metric_time`) and the columns to slice by; what any group of rows gives, by metric.

    `is_state`: the rows are a state at each month's end, so over all the data the last month holds.
    """

    rows: pl.DataFrame
    by_metric: Mapping[str, pl.Expr]
    is_state: bool = False

    def by(self, metric: str, *columns: str) -> pl.DataFrame:
        """The metric (`value`) of each group of rows."""
        value = self.by_metric[metric].cast(pl.Float64).alias("value")
        rows = self.rows
        if self.is_state and "metric_time" not in columns:
            rows = rows.filter(pl.col("metric_time") == pl.col("metric_time").max())
        return rows.group_by(columns).agg(value) if columns else rows.select(value)


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Part ÷ whole; nothing where there is no whole."""
    return pl.when(whole != 0).then(part.cast(pl.Float64) / whole.cast(pl.Float64))
