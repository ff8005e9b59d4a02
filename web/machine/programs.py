"""The programs of one machine as supervisor reads them.

Supervisor gives a meaning to spaces, semicolons and percent signs in a path. So it only sees paths below the run
folder, whose name is ours, with a link to the logs; the data folder's name goes to the programs in the environment.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from web.machine.child import MARK

GROUP = "dongting"
FOREVER = 1_000_000


@dataclass(frozen=True)
class Program:
    """One program: ``arguments`` to Python, the signal that ends it well, seconds until it is killed."""

    name: str
    arguments: str
    stop_signal: str = "TERM"
    stop_s: int = 5


POSTGRES = Program("postgres", "-m wms.postgres", "INT", 10)
WEB = Program("web", "-m web.cli web")
INGEST = Program("ingest", "-m web.cli ingest", stop_s=15)  # the door, and then its reader
DOORS = Program("doors", "-m web.cli doors")
WORKER = Program("worker", "-m web.cli worker")
YARD = Program("yard", "-m web.cli yard")
COUNTER = Program("counter", "-m web.cli counter")
SHOPS = Program("shops", "-m web.cli shops")

HEAD = """\
[supervisord]
nodaemon=true
loglevel=info
logfile=%(ENV_DONGTING_RUN_DIR)s/logs/supervisor.log
logfile_maxbytes=0
pidfile=%(ENV_DONGTING_RUN_DIR)s/supervisord.pid
childlogdir=%(ENV_DONGTING_RUN_DIR)s/logs
directory=%(ENV_DONGTING_RUN_DIR)s
{user}
[unix_http_server]
file=%(ENV_DONGTING_RUN_DIR)s/supervisor.sock
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

SECTION = """
[program:{name}]
command=%(ENV_DONGTING_PYTHON)s -P {arguments}
autostart=false
autorestart=true
startsecs=1
startretries={forever}
stopsignal={stop_signal}
stopwaitsecs={stop_s}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile=%(ENV_DONGTING_RUN_DIR)s/logs/{name}.out
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""


def configuration(programs: tuple[Program, ...], *, as_root: bool) -> str:
    """Return supervisor's configuration. PostgreSQL starts first and stops last; the others form one group."""
    parts = [HEAD.format(user="user=root\n" if as_root else "")]
    parts += (SECTION.format(forever=FOREVER, **vars(program)) for program in programs)
    others = [program.name for program in programs if program is not POSTGRES]
    parts.append(f"\n[group:{GROUP}]\nprograms={','.join(others)}\npriority=900\n")
    if POSTGRES in programs:
        parts.append("\n[group:database]\nprograms=postgres\npriority=1\n")
    return "".join(parts)


def environment(run_dir: Path, data_dir: Path) -> dict[str, str]:
    """The variables that the configuration and the programs read."""
    return {
        MARK: str(run_dir),
        "DONGTING_PYTHON": shlex.quote(sys.executable),
        "DONGTING_DATA": str(data_dir),
        "PYTHONUNBUFFERED": "1",
    }
