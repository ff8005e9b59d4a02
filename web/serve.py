"""The web processes: gunicorn with threads. A live stream holds one thread, so there are many."""

import gc
import sys
from dataclasses import replace
from typing import Any

from gunicorn.app.base import BaseApplication

from web.app import create_app, create_live_app
from web.logs import start_logging
from wms.settings import Settings

GRACE_S = 2  # for open requests at the end; live streams are cut
# Python looks for circles of garbage after so many new objects, by default 700: that is several times in each request,
# and every hundredth look stops all threads for as long as it takes to walk through the whole application.
GARBAGE_AFTER = (50_000, 20, 100)
LIVE = "live"  # the process of the live streams, by its log's name
SWITCH_S = 0.0005  # a thread that comes back from the database waits no longer than this for another's Python


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no type hints
    """gunicorn configured by our settings instead of its own files and command line."""

    def __init__(self, settings: Settings, log_as: str) -> None:
        self.settings, self.log_as = settings, log_as
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self.settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Called in the worker after the fork: the connection pool must not be shared with the parent."""
        start_logging(self.settings, self.log_as)
        share = max(1, self.settings.web_pool // self.settings.web_workers)
        make = create_live_app if self.log_as == LIVE else create_app
        app = make(replace(self.settings, web_pool=share))
        pause_less()
        return app


def pause_less() -> None:
    """Keep short what stops all threads of this process: called once, when everything that stays is loaded."""
    gc.collect()
    gc.freeze()  # what is there now stays for good and is not looked through again
    gc.set_threshold(*GARBAGE_AFTER)
    sys.setswitchinterval(SWITCH_S)


def options(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings."""
    made: dict[str, Any] = {
        "bind": f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}",
        "worker_class": "gthread",
        "workers": settings.web_workers,
        "threads": max(2, settings.web_threads // settings.web_workers),
        "graceful_timeout": GRACE_S,
        "timeout": 60,
        "keepalive": 15,
        "control_socket_disable": True,
        "loglevel": "warning",
        "proc_name": "dongting-web",
    }
    if settings.tls_certificate and settings.tls_key:
        made |= {"certfile": str(settings.tls_certificate), "keyfile": str(settings.tls_key)}
    return made


def serve(settings: Settings, log_as: str = "web") -> None:
    """Serve until SIGTERM or SIGINT; ``log_as`` names the log file."""
    Server(settings, log_as).run()
