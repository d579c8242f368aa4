"""What `--help` prints, as wide as the terminal is."""

from __future__ import annotations

import ast
import shutil
import textwrap
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path


def overview(commands: Mapping[str, EntryPoint]) -> str:
    """The text of `nanomorph --help`: each command with the first line of its module's docstring."""
    indent = 2 + max(map(len, commands), default=0) + 2
    lines = [
        _filled(summary(entry.value), f"  {name}".ljust(indent), indent) for name, entry in sorted(commands.items())
    ]
    return "\n".join(
        [
            "usage: nanomorph COMMAND [OPTIONS]",
            "",
            _filled("Morphology labels, masks and domain sizes in nanometres from electron micrographs."),
            "",
            *lines,
            "",
            _filled("nanomorph COMMAND --help describes one; nanomorph --version says which this is."),
        ]
    )


def summary(module: str) -> str:
    """First docstring line of `module`, read from its source: importing it might load torch."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return "(not installed)"
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def description(doc: str | None) -> str:
    """A docstring with its paragraphs filled anew; those with indented lines, which are examples, stay."""
    paragraphs = (doc or "").strip().split("\n\n")
    return "\n\n".join(one if "\n " in f"\n{one}" else _filled(one) for one in paragraphs)


def _filled(text: str, first: str = "", indent: int = 0) -> str:
    width = shutil.get_terminal_size().columns - 2
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
