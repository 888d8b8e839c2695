"""What survival is estimated from, proved by another route: Efron's mass, handed to the right, instead of a product."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from tests.proofs.figures import Figures
from tests.proofs.promise import waits
from tests.proofs.records import Records

PROMISED_MINUTES = 15
HAIR = 1e-9


def prove(records: Records) -> Iterator[Figures]:
    """What is known of each month's waits."""
    estimates = {
        "pickup_ready_minutes_p50_estimated": _of_masses(lambda lasted, mass: _reached(lasted, mass, 0.5)),
        "pickup_ready_minutes_p90_estimated": _of_masses(lambda lasted, mass: _reached(lasted, mass, 0.9)),
        "pickup_within_promise_rate_estimated": _of_masses(lambda lasted, mass: mass[lasted <= PROMISED_MINUTES].sum()),
    }
    yield Figures(waits(records).select("metric_time", "waited", "is_ready"), estimates, is_state=True)


def masses(lasted: np.ndarray, is_over: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The times in order and the share each stands for: what a censored wait stood for goes to all that lasted longer."""
    order = np.lexsort((~is_over, lasted))
    lasted, is_over = lasted[order], is_over[order]
    mass = np.full(len(lasted), 1 / len(lasted))
    for place in np.flatnonzero(~is_over):
        rest = len(lasted) - place - 1
        if rest:
            mass[place + 1 :] += mass[place] / rest
        mass[place] = 0
    return lasted, mass


def _reached(lasted: np.ndarray, mass: np.ndarray, share: float) -> float | None:
    """The time by which a share has ended; None where the waits do not tell."""
    found = np.flatnonzero(np.cumsum(mass) >= share - HAIR)
    return float(lasted[found[0]]) if len(found) else None


def _of_masses(told: Callable[[np.ndarray, np.ndarray], float | None]) -> pl.Expr:
    def figure(columns: Sequence[pl.Series]) -> float | None:
        lasted, is_over = columns
        return told(*masses(lasted.to_numpy(), is_over.to_numpy()))

    return pl.map_groups(["waited", "is_ready"], figure, return_dtype=pl.Float64, returns_scalar=True)
