"""Finds commands by entry point and runs one. Nothing heavy is imported before a command is called."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import is_dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import NoReturn

from nanomorph import __version__
from nanomorph.cli.help_text import description, overview
from nanomorph.errors import ConfigurationError, FatalError

GROUP = "nanomorph.commands"
INTERRUPTED = 130
# As shells count one that ended because nobody read on (`nanomorph status DIR | head`).
UNREAD = 141

# Which extra brings a module that a command found missing.
EXTRA_OF_MODULE = {
    "onnxruntime": "cpu",
    "openvino": "openvino",
    "torch": "training",
    "torchvision": "training",
    "safetensors": "training",
    "sklearn": "training",
    "onnx": "export",
    "onnxscript": "export",
    "rsciio": "microscopes",
    "h5py": "microscopes",
    "rapidocr": "scalebar",
    "tensorboard": "tensorboard",
    "tensorrt": "tensorrt",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `nanomorph ARGUMENTS`; returns the exit code (see `errors`)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A Windows pipe may take no more than cp1252, and names of micrographs are anybody's; stderr does so anyway.
        sys.stdout.reconfigure(errors="backslashreplace")
    commands = {entry.name: entry for entry in entry_points(group=GROUP)}
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(overview(commands))
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"nanomorph {__version__}")
        return 0
    if arguments[0] not in commands:
        near = get_close_matches(arguments[0], commands, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        return _complain(f"there is no command {arguments[0]!r}.{meant} Commands: {', '.join(sorted(commands))}.", 2)
    return _run(commands[arguments[0]], arguments[1:])


def _run(command: EntryPoint, arguments: Sequence[str]) -> int:
    try:
        module = import_module(command.value)
        options = _parse(command.name, module.Options, module.__doc__, arguments)
        code: int = module.run(options)
        sys.stdout.flush()
        return code
    except ModuleNotFoundError as error:
        extra = EXTRA_OF_MODULE.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        return _complain(f'`{command.name}` needs {error.name}: pip install "nanomorph[{extra}]"', 2)
    except (ConfigurationError, FatalError) as error:
        return _complain(str(error), error.exit_code)
    except BrokenPipeError:
        # What is still buffered would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except KeyboardInterrupt:
        return _complain("interrupted; what was finished is kept", INTERRUPTED)


def _parse(name: str, options_class: type, doc: str | None, arguments: Sequence[str]) -> object:
    from argparse_dataclass import ArgumentParser

    class Parser(ArgumentParser):
        def error(self, message: str) -> NoReturn:
            # One sentence like every other complaint, not all options first.
            if message.endswith("expected one argument"):
                option = message.split(":")[0].removeprefix("argument ")
                wanted = self._option_string_actions[option].metavar or "its value"
                message = f"argument {option}: {wanted} is missing after it"
            elif message.startswith("the following arguments are required"):
                message = _misspelt(arguments, self._option_string_actions) or message
            raise ConfigurationError(f"{name}: {message}; `{self.prog} --help` describes its options")

    assert is_dataclass(options_class)
    parser = Parser(
        options_class,
        prog=f"nanomorph {name}",
        description=description(doc),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser.parse_args(list(arguments))


def _misspelt(arguments: Sequence[str], known: Collection[str]) -> str | None:
    """What to say of the first option that does not exist: `--output x` is why `--out` seems to be missing."""
    for name in (argument.partition("=")[0] for argument in arguments):
        if re.match("--?[a-z]", name) and not any(one.startswith(name) for one in known):
            near = get_close_matches(name, known, n=1)
            return f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else "")
    return None


def _complain(message: str, code: int) -> int:
    print(f"nanomorph: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
