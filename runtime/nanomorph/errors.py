"""Failures that end a command, each with the exit code that INTERFACE.md promises."""


class ConfigurationError(Exception):
    """Wrong usage or configuration: nothing was started. The message says what to change."""

    exit_code = 2


class BundleError(ConfigurationError):
    """A bundle that is missing, damaged, tampered with or too new, named with its file."""


class FatalError(Exception):
    """A failure that the run could not work around: a full disk, a lost device."""

    exit_code = 3


class OutputError(FatalError):
    """Results cannot be written: a full disk, a share that is gone. May pass by itself."""


class BlockedError(OutputError):
    """One file cannot be replaced, others can: open in a spreadsheet (Windows), or protected."""
