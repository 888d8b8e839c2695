"""Run whole processes side by side and compare their medians."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OMNIKPI = str(Path(sys.executable).with_name("omnikpi"))


@dataclass(frozen=True)
class Run:
    """One finished process: wall seconds, its peak resident memory in MiB, what it printed, and its processor time."""

    seconds: float
    peak_mib: float
    output: str = ""
    processor: float = 0.0


@dataclass(frozen=True)
class Figure:
    """The runs of one contender; figures quoted are medians."""

    name: str
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def processor(self) -> float:
        """Seconds of processor time, which other work on the machine changes less."""
        return statistics.median(run.processor for run in self.runs)

    @property
    def peak_mib(self) -> float:
        return max(run.peak_mib for run in self.runs)


def process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end; raises `RuntimeError` with its output when it fails.

    Peak memory is the kernel's own figure for the process and its finished children; it begins at this process's own size,
    so nothing large may be done here.
    """
    begun = time.perf_counter()
    child = subprocess.Popen(
        command, env=os.environ | dict(environment or {}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} exited {child.returncode}:\n{output[-2000:]}")
    return Run(time.perf_counter() - begun, usage.ru_maxrss / 1024, output, usage.ru_utime + usage.ru_stime)


def python(code: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Run:
    """Run a piece of Python in a process of its own."""
    return process([sys.executable, "-c", code, *map(str, arguments)], environment)


def compare(contenders: Mapping[str, Callable[[], Run]], rounds: int = 3) -> list[Figure]:
    """Run every contender in turn, round after round, so that a slow spell of the machine falls on all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            runs[name].append(contender())
    return [Figure(name, tuple(found)) for name, found in runs.items()]


def show(title: str, figures: Sequence[Figure], note: str = "") -> None:
    """Print the figures as a table; ratios are against the first row."""
    print(f"\n{title}\n{'-' * len(title)}")
    print(f"{'':34}{'median s':>10}{'ratio':>8}{'processor s':>13}{'ratio':>8}{'peak MiB':>10}   all runs (s)")
    for figure in figures:
        runs = "  ".join(f"{run.seconds:.2f}" for run in figure.runs)
        ratio, processor = figure.seconds / figures[0].seconds, figure.processor / figures[0].processor
        times = f"{figure.seconds:10.2f}{ratio:8.2f}{figure.processor:13.2f}{processor:8.2f}"
        print(f"{figure.name:34}{times}{figure.peak_mib:10.0f}   {runs}")
    if note:
        print(note, flush=True)


def folder_bytes(folder: Path) -> int:
    """The size of every file below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
