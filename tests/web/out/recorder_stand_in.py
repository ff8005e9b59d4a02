"""A stand-in for a recorder: answers as Frigate does, from what the test gives it; it says so in its name."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class StandIn:
    """What the recorder holds: cameras with their frames a second, segments (seconds), bytes of every clip."""

    def __init__(self) -> None:
        self.fps: dict[str, float] = {}
        self.segments: dict[str, list[tuple[float, float]]] = {}
        self.summary: dict[str, Any] = {}
        self.clip: bytes | None = b"frames"
        self.is_broken = False
        self.asked: list[str] = []
        self.address = ""

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        parts = path.split("?", maxsplit=1)[0].strip("/").split("/")
        if self.is_broken:
            return 200, b"<html>a proxy's own page"
        if parts == ["api", "stats"]:
            cameras = {name: {"camera_fps": fps, "detection_fps": 0.0} for name, fps in self.fps.items()}
            return 200, json.dumps({"cameras": cameras, "service": {"version": "0.16.0"}}).encode()
        camera = parts[1] if len(parts) > 1 else ""
        if parts[2:] == ["recordings"]:
            rows = [
                {"id": f"{begin}", "start_time": begin, "end_time": end, "duration": end - begin, "motion": 0}
                for begin, end in self.segments.get(camera, [])
            ]
            return 200, json.dumps(rows).encode()
        if parts[2:] == ["recordings", "summary"]:
            return 200, json.dumps(self.summary.get(camera, [])).encode()
        if parts[-1] == "clip.mp4" and self.clip is not None:
            return 200, self.clip
        return 404, b"{}"


@contextmanager
def recorder() -> Iterator[StandIn]:
    """The stand-in, listening until the block ends."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = stand_in.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stand_in.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
