"""The write side: exports in an inbox become typed, accounted-for rows in the warehouse."""


class DataRefused(Exception):
    """A file cannot be loaded as it is; the message says where and what to do, and holds no personal value."""

    exit_code = 65


class ConfigurationError(Exception):
    """The installation is set up wrongly; the message names file, key and fix."""

    exit_code = 78


def exit_code(error: Exception) -> int | None:
    """The exit code an expected failure has; None for one that is a fault of ours."""
    if (code := getattr(error, "exit_code", None)) or isinstance(error, OSError):
        return code or 74
    import duckdb

    is_commit = isinstance(error, duckdb.TransactionException) and "Failed to commit" in str(error)
    of_the_disk = (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException)
    return 74 if is_commit or isinstance(error, of_the_disk) else None
