"""supervisord as a child of ours: started, asked, stopped."""

import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from web.machine.console import Narrator
from web.machine.leftovers import end_leftovers
from wms.errors import N_, Kind, WmsError
from wms.postgres import die_with_parent

START_S = 20.0
STOP_S = 8.5


class SupervisorFailed(WmsError):
    """supervisord did not start or a program could not be started."""

    code = "supervisor_failed"
    kind = Kind.UNAVAILABLE
    text = N_("The programs cannot be started: %(reason)s")


class Supervisor:
    """One supervisord with the configuration ``text``; ``environ`` is what it and its programs see."""

    def __init__(self, run_dir: Path, log: Path, environ: Mapping[str, str]) -> None:
        self._run_dir, self._log, self._environ = run_dir, log, dict(environ)
        self._child: subprocess.Popen[bytes] | None = None
        self.narrator: Narrator | None = None

    def start(self, text: str, narrator: Narrator) -> None:
        """Start supervisord (no program yet) and follow its log.

        It gets a session of its own: Ctrl-C in the terminal must reach us alone, who stop things in order.
        """
        config = self._run_dir / "supervisord.conf"
        config.write_text(text)
        (self._run_dir / "supervisor.sock").unlink(missing_ok=True)
        self._log.write_text("")
        with self._log.with_suffix(".err").open("wb") as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(config)],
                env=self._environ, cwd=self._run_dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=errors, start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread yet
            )  # fmt: skip
        self.narrator = narrator
        narrator.start()
        self._wait_answers()

    def _wait_answers(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError, xmlrpc.client.Error):
                self.ask("supervisor.getState")
                return
            if not self.is_running():
                break
            time.sleep(0.05)
        words = self._log.with_suffix(".err").read_text(errors="replace").strip().splitlines()
        raise SupervisorFailed(reason=words[-1] if words else "supervisord does not answer")

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def ask(self, method: str, *arguments: Any) -> Any:
        """One call of supervisor's interface over its Unix socket."""
        transport = SupervisorTransport(None, None, f"unix://{self._run_dir}/supervisor.sock")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server, method)(*arguments)

    def start_program(self, name: str) -> None:
        """Start one program (``group:name``) without waiting; supervisor keeps it running from now on."""
        try:
            self.ask("supervisor.startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            raise SupervisorFailed(reason=fault.faultString) from None

    def start_group(self, name: str) -> None:
        self.ask("supervisor.startProcessGroup", name, False)

    def stop(self) -> bool:
        """End all programs in order, within ten seconds. Returns whether nothing had to be killed."""
        if self.narrator is not None:
            self.narrator.expect_ends()
        if self._child is None:
            return True
        with suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGTERM)
        try:
            self._child.wait(STOP_S)
            clean = True
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            clean = False
        end_leftovers(self._run_dir, patience_s=0.2)
        if self.narrator is not None:
            self.narrator.close()
        return clean
