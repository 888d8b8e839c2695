"""The write side: exports in an inbox become typed, accounted-for rows in the warehouse."""


class DataRefused(Exception):
    """A file cannot be loaded as it is; the message says where and what to do, and holds no personal value."""

    exit_code = 65


class ConfigurationError(Exception):
    """The installation is set up wrongly; the message names file, key and fix."""

    exit_code = 78
