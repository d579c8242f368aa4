"""The program: finding commands, refusing wrong usage in one sentence, exit codes."""

import os
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import entry_points

import pytest

import nanomorph
from nanomorph.bundle import EMBEDDED
from nanomorph.cli import main as program
from nanomorph.cli.help_text import description
from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError, FatalError


def test_help_names_every_command_with_its_summary(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert program.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "batch          Label, segment and measure the micrographs of folders, files and archives." in text
    for command in ("synthesize", "pretrain", "fit-head", "fit-segmenter", "export", "inspect", "doctor"):
        assert f"\n  {command}" in text


def test_no_command_shows_help_and_is_wrong_usage(capsys):
    assert program.main([]) == 2
    assert "usage: nanomorph COMMAND" in capsys.readouterr().out


def test_unknown_command(capsys):
    assert program.main(["bacth"]) == 2
    assert "there is no command 'bacth'. Did you mean 'batch'? Commands: batch, " in capsys.readouterr().err
    assert program.main(["version"]) == 2
    assert "there is no command 'version'. Commands: batch, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["batch", "x", "--out", "y", "--device", "nonsense"], "argument --device: invalid choice: 'nonsense'"),
        (["batch"], "the following arguments are required: --out, INPUTS"),
        (["batch", "x", "--output", "y"], "there is no option --output; did you mean --out?"),
        (["batch", "x", "-o", "y"], "there is no option -o"),
        (["batch", "x", "--nm-per-px=0.4"], "the following arguments are required: --out"),
        (["doctor", "--frob"], "unrecognized arguments: --frob"),
    ],
)
def test_wrong_options_are_one_sentence_that_names_the_help(words, said, capsys):
    assert program.main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"nanomorph: {words[0]}: {said}")
    assert err.endswith(f"; `nanomorph {words[0]} --help` describes its options\n")
    assert err.count("\n") == 1


class Entry:
    """An entry point whose module is given."""

    name, value = "probe", "probe"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ConfigurationError("--out x: no such drive."), 2, "--out x: no such drive."),
        (FatalError("disk full"), 3, "disk full"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 2, 'pip install "nanomorph[training]"'),
    ],
)
def test_failures_are_one_line_and_an_exit_code(monkeypatch, capsys, error, code, words):
    def fail(_):
        raise error

    monkeypatch.setattr(program, "import_module", fail)
    assert program._run(Entry(), []) == code
    err = capsys.readouterr().err
    assert err.startswith("nanomorph: ")
    assert words in err
    assert err.count("\n") == 1


def test_a_missing_module_that_no_extra_brings_is_a_defect(monkeypatch):
    def fail(_):
        raise ModuleNotFoundError("No module named 'colour'", name="colour")

    monkeypatch.setattr(program, "import_module", fail)
    with pytest.raises(ModuleNotFoundError):
        program._run(Entry(), [])


def test_help_is_as_wide_as_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert program.main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert max(map(len, overview.splitlines())) <= 58
    with pytest.raises(SystemExit):
        program.main(["relabel", "--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 60
    assert "Judge a finished run anew with other heads" in text


COMMANDS = sorted(entry.name for entry in entry_points(group=program.GROUP))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_a_terminal_and_says_every_default(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        program.main([command, "--help"])
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if len(line) > 80] == []
    (entry,) = entry_points(group=program.GROUP, name=command)
    words = " ".join(text.split())
    plain = [one for one in fields(entry.load().Options) if isinstance(one.default, int | float | str)]
    said = [one.metadata["help"] for one in plain if not isinstance(one.default, bool) and one.default != ""]
    assert all("default" in help for help in said)
    assert all(" ".join(help.split()).replace("- ", "-") in words.replace("- ", "-") for help in said)


def test_defaults_are_added_where_they_are_not_said():
    def said(**changes):
        return option("a number", **changes).metadata["help"]

    assert said(default=0.0001, type=float) == "a number (default: 0.0001)"
    assert said(default=("a", "b"), type=str, many=True) == "a number (default: a b)"
    assert [said(default=none) for none in (None, "", (), False)] == ["a number"] * 4
    assert said() == "a number"
    assert option("long (default: for ever)", default=0).metadata["help"] == "long (default: for ever)"


def test_examples_in_a_docstring_stay_as_they_are(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    example = "    nanomorph bench --size 1024,4096 --workers 1,2,4"
    text = f"One.\n\n{example}\n\nA sentence that\nwas wrapped elsewhere and is long.\n"
    _, kept, filled = description(text).split("\n\n")
    assert kept == example
    assert filled == "A sentence that was wrapped elsewhere\nand is long."


def test_nobody_reads_on():
    """`nanomorph --json ... | head -0`: no traceback."""
    command = [sys.executable, "-m", "nanomorph.cli.main", "inspect", str(EMBEDDED), "--json"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_as_a_module():
    """Where the script is not on the PATH: `python -m nanomorph`."""
    command = [sys.executable, "-m", "nanomorph", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"nanomorph {nanomorph.__version__}\n"
    wrong = subprocess.run([*command[:-1], "bacth"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
