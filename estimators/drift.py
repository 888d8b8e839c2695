"""Whether two samples can have come from one distribution, judged by what chance alone does at their sizes.

The population stability index (PSI) grows with the number of bins and shrinks with the samples, so that fixed limits such as 0.1
and 0.25 alarm on nothing in small samples and sleep through everything in large ones. Under no drift PSI / (1/n + 1/m) follows
a chi-square distribution with bins − 1 degrees of freedom (Yurdakul 2018, "Statistical Properties of Population Stability
Index", Western Michigan University; Yurdakul & Naranjo 2020, Journal of Risk Model Validation 14(4)); its quantile is the limit.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri  # its quantile; `scipy.stats` takes a second longer to import

# A bin in which fewer are expected is merged into its neighbour: the chi-square approximation needs them.
EXPECTED = 5


@dataclass(frozen=True)
class Stability:
    """How far two samples lie apart, how far chance reaches, and the bins that were left to compare."""

    psi: float
    limit: float
    bins: int

    @property
    def is_alarm(self) -> bool:
        """Whether they lie further apart than chance reaches."""
        return self.psi > self.limit


def stability(reference: np.ndarray, current: np.ndarray, false_alarms: float) -> Stability:
    """The stability of counts by bin, with a limit that no drift exceeds in that share of cases.

    Bins are merged, smallest first, until every one is expected to hold `EXPECTED` in both samples; with one bin left, or an
    empty sample, there is nothing to tell: psi 0, limit infinite.
    """
    counts = np.array([reference, current], float)
    sizes = counts.sum(axis=1)
    if not sizes.all():
        return Stability(0.0, float("inf"), 0)
    counts = _merged(counts, sizes)
    bins = counts.shape[1]
    if bins < 2:
        return Stability(0.0, float("inf"), bins)
    shares = (counts + 0.5) / (sizes[:, None] + 0.5 * bins)  # an empty bin has no logarithm
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    limit = float((1 / sizes).sum() * chdtri(bins - 1, false_alarms))
    return Stability(psi, limit, bins)


def _merged(counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The counts with their smallest bins put together until each is expected to hold enough in both samples."""
    order = np.argsort(counts.sum(axis=0), kind="stable")
    counts = counts[:, order]
    while counts.shape[1] > 1:
        expected = counts[:, 0].sum() / sizes.sum() * sizes
        if expected.min() >= EXPECTED:
            break
        counts = np.column_stack([counts[:, 0] + counts[:, 1], counts[:, 2:]])
        counts = counts[:, np.argsort(counts.sum(axis=0), kind="stable")]
    return counts
