"""Named steps of a run at which a test may kill it: proofs that a run can end anywhere need to say where.

Nothing happens unless `OMNIKPI_TEST_KILL` names the step, as `step` or `step:3` for its third time.
"""

import os
import signal
from collections import Counter

STEPS = (
    "run begun",
    "inbox listed",
    "load begun",
    "vault written",
    "rows written",
    "load recorded",
    "vault committed",
    "load committed",
    "refusal recorded",
    "persons resolved",
    "models half built",
    "build copied",
    "build named",
    "build current",
)
_reached: Counter[str] = Counter()


def reach(step: str) -> None:
    """Kills this process, as a power cut would, where a test asked for it."""
    if wanted := os.environ.get("OMNIKPI_TEST_KILL"):
        assert step in STEPS, step
        _reached[step] += 1
        name, _, time = wanted.partition(":")
        if (name, int(time or 1)) == (step, _reached[step]):
            os.kill(os.getpid(), signal.SIGKILL)
