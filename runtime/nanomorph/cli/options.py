"""One line an option: dataclass fields that argparse-dataclass turns into flags."""

import shlex
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import MISSING, field
from typing import Any


def command_line() -> str:
    """As it was given to a shell: what results and reports say that they were made by."""
    return shlex.join(["nanomorph", *sys.argv[1:]])


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number; write it with a decimal point, as 0.5") from None


# What argparse would say of a wrong one ("invalid int value") is for programmers.
_NUMBERS: dict[Any, Callable[[str], Any]] = {int: _whole_number, float: _number}


def option(
    help: str,
    *,
    default: Any = MISSING,
    type: type | Any = None,
    choices: Sequence[str] | None = None,
    metavar: str | None = None,
    many: bool = False,
    flag: str | None = None,
) -> Any:
    """A `--flag VALUE`; required where it has no default. `many` takes one or more values.

    help: says its default where that is not a plain value; of plain values it is added. flag: where it is not `--` and
    the field's name.
    """
    metadata: dict[str, Any] = {"help": help + _default_in_words(help, default)}
    metadata |= {"type": _NUMBERS.get(type, type), "choices": choices, "metavar": metavar}
    metadata |= {"nargs": "+" if many else None, "args": [flag] if flag else None}
    metadata = {key: value for key, value in metadata.items() if value is not None}
    return field(default=default, metadata=metadata) if default is not MISSING else field(metadata=metadata)


def _default_in_words(help: str, default: Any) -> str:
    if default is MISSING or default is None or default in ("", ()) or isinstance(default, bool) or "default" in help:
        return ""
    values = default if isinstance(default, tuple) else (default,)
    return f" (default: {' '.join(f'{one:g}' if isinstance(one, float) else str(one) for one in values)})"


def commas(kind: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """The type of an option that takes a list, `512,1024`."""

    one = _NUMBERS.get(kind, kind)

    def values(text: str) -> tuple[Any, ...]:
        return tuple(one(part.strip()) for part in text.split(","))

    return values


def argument(name: str, help: str, *, type: type | Any, many: bool = False) -> Any:
    """A positional argument; `many` takes one or more."""
    metadata = {"args": [name], "help": help, "type": type, "metavar": name.upper()}
    return field(metadata=metadata | ({"nargs": "+"} if many else {}))
