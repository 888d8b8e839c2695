"""Weeks in which suppliers are short of a product: the warehouses run down and then receive no more than they send that day."""

import numpy as np
import polars as pl

BEGINS = 0.04  # share of a product's months in which a shortage begins
GOES_ON = 0.5  # share of the shortages that last another month
CELL = ["at", "which", "month"]


def shortages(rng: np.random.Generator, products: int, months: int) -> np.ndarray:
    """Whether suppliers are short, by product and month; never in the first month or the last."""
    begins = rng.random((products, months)) < BEGINS
    goes_on = np.roll(begins & (rng.random((products, months)) < GOES_ON), 1, axis=1)
    return (begins | goes_on) & (np.arange(months) > 0) & (np.arange(months) < months - 1)


def lowest(scarce: pl.DataFrame, shape: tuple[int, ...]) -> np.ndarray:
    """How many units a month that began with none would lack at its worst, by place, product and month."""
    worst = _taken(scarce).group_by(CELL).agg(pl.col("taken").max().clip(0))
    lack = np.zeros(shape, np.int64)
    lack[tuple(worst[key].to_numpy() for key in CELL)] = worst["taken"].to_numpy()
    return lack


def needed(scarce: pl.DataFrame, began: np.ndarray) -> pl.DataFrame:
    """The movements that find too little, with the `units` to receive for each, given what each month began with."""
    held = began[tuple(scarce[key].to_numpy() for key in CELL)]
    short = _taken(scarce.with_columns(held=held)).with_columns(
        lacking=(pl.col("taken") - pl.col("held")).clip(0).cum_max().over(CELL)
    )
    units = pl.col("lacking") - pl.col("lacking").shift(1, fill_value=0).over(CELL)
    return short.with_columns(units=units).filter(pl.col("units") > 0)


def _taken(scarce: pl.DataFrame) -> pl.DataFrame:
    """The movements in their order with what had left on balance since the month began."""
    return scarce.sort("utc", "quantity").with_columns(taken=-pl.col("quantity").cum_sum().over(CELL))
