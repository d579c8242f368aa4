"""Log lines of a program that runs for weeks: readable on stderr, or JSON on stdout."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from nanomorph.naming import printable
from nanomorph.running.work import Event

logger = logging.getLogger("nanomorph")

_LEVELS = {"quarantined": logging.WARNING, "skipped": logging.DEBUG}


def start_logging(as_json: bool) -> None:
    """Send what nanomorph says to stderr, or as JSON lines to stdout."""
    handler = _Handler(sys.stdout if as_json else sys.stderr)
    handler.setFormatter(_Json() if as_json else _Readable())
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def show_event(event: Event) -> None:
    """One line for one input."""
    logger.log(_LEVELS.get(event.outcome, logging.INFO), _in_words(event), extra={"event": asdict(event)})


def _in_words(event: Event) -> str:
    why = ": ".join(filter(None, (event.reason, event.detail)))
    return f"{event.outcome} {printable(event.name)}" + (f" ({why})" if why else "")


class _Handler(logging.StreamHandler):
    """Goes when nobody reads any more (`watch --json | head -1`): measuring does not."""

    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            logger.removeHandler(self)
        else:
            super().handleError(record)


class _Readable(logging.Formatter):
    """`2026-11-25 03:00:01 done grid 1/a.tif`; the level only where it is more than information. Local time."""

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname} " if record.levelno > logging.INFO else ""
        text = f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')} {level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    """An event's fields, or `message`; always `time` (UTC) and `level`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        said = getattr(record, "event", None) or {"message": record.getMessage()}
        trace = {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps({"time": time, "level": record.levelname.lower(), **said, **trace})
