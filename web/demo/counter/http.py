"""The exchange over HTTP: the same folders behind three requests, for firms that share no disk with the counter.

``POST /messages`` with ``X-File-Name`` puts a message in (202 and a status form); ``GET /answers`` hands out the oldest
answer (200 with its ``X-File-Name``, else 204), and ``DELETE /answers/NAME`` says that it is safely kept.
"""

import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from web.demo.counter import forms
from web.demo.counter.folders import Exchange

log = logging.getLogger("counter")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}\.xml")
MOST_BYTES = 20_000_000


class _Desk(BaseHTTPRequestHandler):
    exchange: Exchange
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        name, size = self.headers.get("X-File-Name", ""), self.headers.get("Content-Length", "")
        if self.path != "/messages" or not NAME.fullmatch(name) or not size.isdecimal() or int(size) > MOST_BYTES:
            self.close_connection = True
            self._answer(400, forms.status_file("", "", "a message needs a length and an X-File-Name", good=False))
            return
        self.exchange.put(self.exchange.outbox, name, self.rfile.read(int(size)))
        self._answer(202, forms.status_file("", "", "收到 received", good=True))

    def do_GET(self) -> None:
        files = sorted(self.exchange.inbox.glob("[!.]*.xml"), key=lambda path: path.stat().st_mtime_ns)
        if self.path != "/answers" or not files:
            self._answer(204 if self.path == "/answers" else 404)
            return
        self._answer(200, files[0].read_text(encoding="utf-8"), files[0].name)

    def do_DELETE(self) -> None:
        name = self.path.removeprefix("/answers/")
        if not NAME.fullmatch(name):
            self._answer(404)
            return
        (self.exchange.inbox / name).unlink(missing_ok=True)
        self._answer(204)

    def _answer(self, status: int, text: str = "", name: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("X-Simulated", "not customs")
        if name:
            self.send_header("X-File-Name", name)
        if status != 204:
            self.send_header("Content-Type", "application/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        log.debug(format, *args)


def listen(exchange: Exchange, host: str, port: int) -> ThreadingHTTPServer:
    """Serve the exchange until ``shutdown()``; port 0 takes a free one (``server_address`` tells)."""
    desk = type("Desk", (_Desk,), {"exchange": exchange})
    server = ThreadingHTTPServer((host, port), desk)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("simulated counter: listens at http://%s:%d", *server.server_address[:2])
    return server
