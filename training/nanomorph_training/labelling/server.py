"""The page's server: for this machine alone, and for who knows its address."""

from __future__ import annotations

import json
import secrets
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from urllib.parse import urlsplit

from nanomorph.errors import OutputError
from nanomorph.micrograph import ReadError
from nanomorph.results.colours import theme
from nanomorph_training.labelling.session import Session

HOST = "127.0.0.1"
# A label is a word.
MOST_BYTES = 10_000


class LabelServer(ThreadingHTTPServer):
    """Serves a `Session` at `url`, whose path is a secret: other users of the machine, and other pages, have no way in.

    port: 0 takes a free one.
    """

    daemon_threads = True

    def __init__(self, session: Session, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.session = session
        self.secret = secrets.token_urlsafe(12)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/{self.secret}/"

    @cached_property
    def page(self) -> bytes:
        """The page, one self-contained file in the colours of reports."""
        text = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
        return text.replace("/* theme */", theme()).encode()


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer

    def do_GET(self) -> None:
        """`/`: the page. `/state`: JSON. `/picture/7`: PNG."""
        match self._asked():
            case [""]:
                self._answer(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
            case ["state"]:
                self._json(HTTPStatus.OK, self.server.session.state())
            case ["picture", number] if number.isdecimal():
                self._picture(int(number))
            case _:
                self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:
        """`/label`: JSON with `number` and `label`."""
        length = self.headers.get("Content-Length", "")
        if self._asked() != ["label"] or not length.isdecimal() or int(length) > MOST_BYTES:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        try:
            given = json.loads(self.rfile.read(int(length)))
            self.server.session.give(int(given["number"]), str(given["label"]))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        except OutputError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        else:
            self._json(HTTPStatus.OK, {})

    def do_HEAD(self) -> None:
        """Refused, like everything else."""
        self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal shows what the command says."""

    def _asked(self) -> list[str] | None:
        """The path below the secret, in parts; None where the secret is wrong."""
        secret, *parts = urlsplit(self.path).path.removeprefix("/").split("/")
        return parts if secrets.compare_digest(secret.encode(), self.server.secret.encode()) else None

    def _picture(self, number: int) -> None:
        try:
            self._answer(HTTPStatus.OK, "image/png", self.server.session.picture(number))
        except IndexError as error:
            self._refuse(HTTPStatus.NOT_FOUND, str(error))
        except ReadError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    def _json(self, status: HTTPStatus, content: object) -> None:
        self._answer(status, "application/json", json.dumps(content).encode())

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._answer(status, "text/plain; charset=utf-8", why.encode("utf-8", "backslashreplace"))

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # A picture stays; what is labelled changes.
        self.send_header("Cache-Control", "max-age=3600" if kind == "image/png" else "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
