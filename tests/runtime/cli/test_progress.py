"""What is said while a run goes on, to a person, to a log, to a program."""

import io
import json
import sys

import pytest

from nanomorph.cli.progress import progress
from nanomorph.running.work import Event

EVENTS = (Event("a.tif", "done"), Event("[b].tif", "quarantined", "truncated", "at byte 9"))


def said(as_json=False):
    with progress(len(EVENTS), as_json) as show:
        for event in EVENTS:
            show(event)


def test_a_log_is_told_what_was_set_aside(capsys):
    said()
    assert tuple(capsys.readouterr()) == ("", "quarantined: [b].tif (truncated): at byte 9\n")


def test_a_program_is_told_everything(capsys):
    said(as_json=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["name"], one["outcome"]) for one in told] == [("a.tif", "done"), ("[b].tif", "quarantined")]


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    said()
    shown = sys.stderr.getvalue()
    assert "quarantined: [b].tif (truncated): at byte 9" in shown
    assert "2/2" in shown
