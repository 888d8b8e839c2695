"""Writes the retailer: its exports into an inbox, and beside them what is true."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo.exports import write_exports
from demo.rollout_truth import write_rollout_truth
from demo.truth import write_truth
from demo.world import SIZES, Size, world


@dataclass(frozen=True)
class Written:
    """What a run wrote: (path, rows, bytes) of every export."""

    files: tuple[tuple[str, int, int], ...]


def write(
    inbox: Path, truth: Path, size: str | Size = "small", seed: int = 2026, progress: Callable[[str], None] | None = None
) -> Written:
    """Writes the exports into `<inbox>/<source>/<file>` and what is true of them into `truth`; the same bytes each time."""
    say = progress or (lambda _: None)
    chosen = SIZES[size] if isinstance(size, str) else size
    say("living two years of trade")
    made = world(chosen, seed)
    say("writing exports")
    files, faults = write_exports(made, inbox, chosen.daily)
    say("writing what is true")
    write_truth(made, truth, faults)
    write_rollout_truth(made, truth)
    return Written(tuple(files))
