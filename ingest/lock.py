"""One writer for a data folder; imports nothing slow, so that a second start is turned away at once."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from settings import Settings

# The dbt of a run that was killed ends by itself in a moment, or some on a busy machine; so long a run waits for it.
ORPHAN_SECONDS = 60.0

# The data folders that this process holds.
_held: set[Path] = set()


class LockHeld(Exception):
    """Another run is at work on the same data folder."""

    exit_code = 75


@contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Hold the data folder for one writer; raises `LockHeld` at once when another has it. The system frees it on a crash.

    What a crashed writer had started has ended, too, once it is held.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise LockHeld(f"another run (process {holder}) holds {settings.data_dir}; wait for it to end") from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        _await_orphan(settings)
        _held.add(settings.data_dir)
        try:
            yield
        finally:
            _held.discard(settings.data_dir)


def is_ours(settings: Settings) -> bool:
    """Whether it is this process that holds the data folder."""
    return settings.data_dir in _held


@contextmanager
def inherited(settings: Settings) -> Iterator[int]:
    """A descriptor for a child to inherit: by it the next run knows whether it is still at work, whatever became of this one."""
    with _of_child(settings).open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def _await_orphan(settings: Settings) -> None:
    last = time.monotonic() + ORPHAN_SECONDS
    with _of_child(settings).open("a") as handle:
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if time.monotonic() > last:
                    raise LockHeld(f"the dbt of a run that was killed still works on {settings.data_dir}; end it") from error
            time.sleep(0.05)


def _of_child(settings: Settings) -> Path:
    return settings.data_dir / ".lock-dbt"
