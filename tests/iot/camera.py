"""A simulated camera's web server: it plays the streams of makers over a socket, and says that it is simulated."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOGIN, PASSWORD, NONCE = "admin", "a camera's own password", "d41d8cd98f"


class Camera:
    """What the camera plays: ``chunks`` one after the other, then it holds the line until ``end`` is set."""

    def __init__(self, content_type: str, chunks: list[bytes], *, scheme: str = "digest", status: int = 200) -> None:
        self.content_type, self.chunks, self.scheme, self.status = content_type, chunks, scheme, status
        self.end = threading.Event()
        self.asked = 0
        self.let_in = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where its stream is."""
        return f"http://127.0.0.1:{self.port}/ISAPI/Event/notification/alertStream?heartbeat=5"


def _is_right(camera: Camera, given: str | None, path: str) -> bool:
    if camera.scheme == "none":
        return True
    if camera.scheme == "basic":
        import base64

        return given == "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', given or ""))
    md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
    one, two = md5(f"{LOGIN}:camera:{PASSWORD}"), md5(f"GET:{path}")
    return said.get("response") == md5(f"{one}:{NONCE}:{said.get('nc')}:{said.get('cnonce')}:{said.get('qop')}:{two}")


def _handler(camera: Camera) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            camera.asked += 1
            if not _is_right(camera, self.headers.get("Authorization"), self.path):
                self.send_response(401)
                kind = 'Basic realm="camera"' if camera.scheme == "basic" else (
                    f'Digest realm="camera", qop="auth", nonce="{NONCE}"'
                )  # fmt: skip
                self.send_header("WWW-Authenticate", kind)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            camera.let_in += 1
            self.send_response(camera.status)
            self.send_header("X-Simulated", "yes")
            self.send_header("Content-Type", camera.content_type)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                for chunk in camera.chunks:
                    self.wfile.write(chunk)
                    self.wfile.flush()
                camera.end.wait(60)
            except OSError:
                pass

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def playing(camera: Camera) -> Iterator[Camera]:
    """The camera while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(camera))
    server.daemon_threads = True
    camera.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield camera
    finally:
        camera.end.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
