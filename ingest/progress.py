"""How far a large file has come, told while it is read and while DuckDB works at a statement of it.

What a file needs shows only on the way: it may have to be read a second time, and each entity it feeds is a statement. So each
step takes a share of what is then left, and the position only grows. One run loads at a time, so one file at a time is followed.
Without somebody to tell, nothing happens.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat

import duckdb

# Seconds between two looks at the step at hand.
EVERY = 0.2
# What DuckDB says that a statement has done, of 100; less than nothing before it begins and once it is over.
WHOLE = 100


class _Work:
    """What is done of a file, and of its `records` once they are counted."""

    def __init__(self) -> None:
        self.records = 0
        self._step: tuple[float, float, Callable[[], float]] = (0, 0, lambda: 0)
        self._position = 0.0

    def begin(self, share: float) -> None:
        """A step begins that takes a share of what is left; the one before is over."""
        done, before, _ = self._step
        done += before
        self._step = (done, share * (1 - done), lambda: 0)

    def follow(self, part: Callable[[], float]) -> None:
        self._step = (*self._step[:2], part)

    def position(self) -> float:
        """The share that is done, never less than it was."""
        done, share, part = self._step
        with suppress(ValueError, ZeroDivisionError, duckdb.Error):  # the step ended in this instant; what it read is closed
            done += share * min(max(part(), 0), 1)
        self._position = max(self._position, done)
        return self._position


_work: _Work | None = None


@contextmanager
def told(tell: Callable[[float, int], None]) -> Iterator[None]:
    """Tells, a few times a second, the share of the work that is done and about how many records that is."""
    global _work
    _work = work = _Work()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(EVERY):
            position = work.position()
            tell(position, round(position * work.records))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        _work = None
        is_over.set()
        watcher.join()


def step(share: float, part: Callable[[], float] | None = None) -> None:
    """The next step takes this share of what is left; `part`, or what it calls `follow` with, says how much of it is done."""
    if _work:
        _work.begin(share)
        if part:
            _work.follow(part)


def statement(share: float, connection: duckdb.DuckDBPyConnection, part: Callable[[float], float]) -> None:
    """The next step is a statement of this connection; `part` makes of what DuckDB has read how much of the step is done."""
    if _work:
        connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
        step(share, lambda: part(connection.query_progress() / WHOLE))


def follow(part: Callable[[], float]) -> None:
    """Says how much of the step at hand is done, from another thread."""
    if _work:
        _work.follow(part)


def counted(records: int) -> None:
    """The file at hand has so many records."""
    if _work:
        _work.records = records


def even(steps: int) -> Iterator[float]:
    """Shares of what is left by which so many steps take as much each and leave a tenth of it; further ones take half of that."""
    yield from (1 / (left + steps / 9) for left in range(steps, 0, -1))
    yield from repeat(1 / 2)
