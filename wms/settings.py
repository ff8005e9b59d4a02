"""Every setting of Dongting: one table, read once at start, frozen afterwards.

A setting's name, environment variable, default, unit and meaning stand in :data:`TABLE` and nowhere else;
``python -m wms.settings`` prints docs/settings.md from it.
"""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs

from wms.errors import N_, Kind, WmsError
from wms.setting_values import (
    BrokenRule,
    choice,
    folder,
    folder_or_http,
    key_source,
    live_url,
    mqtt_url,
    optional,
    optional_file,
    plain,
    postgres_url,
    secret_of_32,
    switch,
    time_zone,
    whole,
)

SECRET_KEY_FILE = "secret_key"  # noqa: S105 - the name of a file, not a secret
SYSTEM_DATA = Path("/var/lib/dongting")  # where root keeps it: the database's own user cannot enter /root


class BadSetting(WmsError):
    """An environment variable holds something that its rule does not allow."""

    code = "bad_setting"
    kind = Kind.INVALID
    text = N_("%(variable)s must be %(rule)s, but it is %(given)s.")


def default_data_dir() -> Path:
    """The platform's user data folder; for root a system folder, which the database's own user can enter."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return SYSTEM_DATA
    return Path(platformdirs.user_data_path("dongting"))


@dataclass(frozen=True)
class Setting:
    """One row of the table; ``shown`` stands for a ``default`` that is computed."""

    name: str
    variable: str
    default: str
    unit: str
    meaning: str
    read: Callable[[str], Any] = plain
    shown: str = ""
    is_secret: bool = False


port = partial(whole, low=1, high=65535)
count = partial(whole, low=1, high=10_000)
seconds = partial(whole, low=1, high=86_400)

# fmt: off
TABLE = (
    Setting("data_dir", "DONGTING_DATA", "", "folder",
            "Everything that must outlive a restart: the embedded database, secrets, logs, certificates. "
            "Root's default is /var/lib/dongting.", folder, "the platform's user data folder"),
    Setting("database_url", "DONGTING_DATABASE_URL", "", "URL",
            "A PostgreSQL server to use; the login must be bound by row-level security (dongting_app). "
            "Empty: the embedded PostgreSQL.", postgres_url, "embedded", True),
    Setting("database_owner_url", "DONGTING_DATABASE_OWNER_URL", "", "URL",
            "Login that owns the tables, used by migrations, seed and backup alone. Empty: "
            "DONGTING_DATABASE_URL.", postgres_url, "DONGTING_DATABASE_URL", True),
    Setting("mqtt_url", "DONGTING_MQTT_URL", "", "URL",
            "The site's own MQTT broker. Empty: the embedded broker.", mqtt_url, "embedded", True),
    Setting("given_secret_key", "DONGTING_SECRET_KEY", "", "characters",
            "Signs sessions and forms, at least 32. Empty: made once and kept, readable by its owner alone,"
            " in the data folder.", secret_of_32, "made once", True),
    Setting("host", "DONGTING_HOST", "127.0.0.1", "address",
            "Where web, live stream and embedded broker listen."),
    Setting("port", "DONGTING_PORT", "8000", "port",
            "The web's port; a taken one is stepped over.", port),
    Setting("live_port", "DONGTING_LIVE_PORT", "8100", "port",
            "The live stream's port when it has a process of its own.", port),
    Setting("live_url", "DONGTING_LIVE_URL", "", "address",
            "Where browsers reach `dongting live`: an address like https://gate.example:8100, or :8100 for that port "
            "of the host they already use. Empty: the web serves live streams itself.", live_url),
    Setting("mqtt_port", "DONGTING_MQTT_PORT", "1883", "port",
            "The embedded broker's port.", port),
    Setting("mqtt_plain", "DONGTING_MQTT_PLAIN", "on", "",
            "Whether the embedded broker listens without TLS, too; never while client certificates are required.",
            switch),
    Setting("mqtt_tls_port", "DONGTING_MQTT_TLS_PORT", "0", "port",
            "Where the embedded broker speaks TLS (8883 by custom), with the certificate of the web; 0: nowhere.",
            partial(whole, low=0, high=65535)),
    Setting("mqtt_client_certificates", "DONGTING_MQTT_CLIENT_CERTIFICATES", "optional", "",
            "Whether a device shows a certificate whose common name is its code: off (token alone), optional (either), "
            "required.", partial(choice, among=("off", "optional", "required"))),
    Setting("mqtt_authority", "DONGTING_MQTT_AUTHORITY", "", "file",
            "Who signs devices' certificates (PEM).", optional_file, "the authority of `dongting cert`"),
    Setting("ingest_sites", "DONGTING_INGEST_SITES", "", "list",
            "Codes of the sites that this ingest process may work for, comma-separated. Empty: any that is free."),
    Setting("door_port", "DONGTING_DOOR_PORT", "0", "port",
            "Where `dongting doors` takes what cameras push by HTTP; 0: closed.", partial(whole, low=0, high=65535)),
    Setting("frame_port", "DONGTING_FRAME_PORT", "0", "port",
            "Where `dongting doors` answers the frames of customs front ends (卡口前端); 0: closed.",
            partial(whole, low=0, high=65535)),
    Setting("metrics_port", "DONGTING_METRICS_PORT", "0", "port",
            "Serve metrics of ingest and worker on a port of their own; 0: only through the web's /metrics.",
            partial(whole, low=0, high=65535)),
    Setting("log_level", "DONGTING_LOG_LEVEL", "info", "",
            "The least serious line that the log files keep.",
            partial(choice, among=("debug", "info", "warning", "error"))),
    Setting("log_file_bytes", "DONGTING_LOG_FILE_BYTES", "20000000", "bytes",
            "A log file is rotated at this size.", partial(whole, low=10000, high=10000000000)),
    Setting("log_files_kept", "DONGTING_LOG_FILES_KEPT", "5", "files",
            "Rotated log files kept for each process.", count),
    Setting("locale", "DONGTING_LOCALE", "zh", "language",
            "The language of a page when neither person nor browser asks for one.",
            partial(choice, among=("zh", "en"))),
    Setting("time_zone", "DONGTING_TIME_ZONE", "Asia/Shanghai", "time zone",
            "The zone in which instants are shown; they are stored in UTC.", time_zone),
    Setting("tenant_id", "DONGTING_TENANT", "1", "",
            "The installation served by these processes.", partial(whole, low=1, high=2 ** 31)),
    Setting("web_workers", "DONGTING_WEB_WORKERS", "2", "processes",
            "Processes that serve requests; threads and connections are shared out among them. One Python process "
            "uses one core.", partial(whole, low=1, high=64)),
    Setting("web_threads", "DONGTING_WEB_THREADS", "64", "threads",
            "Requests and live streams served at once.", partial(whole, low=4, high=1000)),
    Setting("web_pool", "DONGTING_WEB_POOL", "40", "connections",
            "Database connections of the web processes; all pools together must fit in the server's "
            "max_connections (100 when embedded).", count),
    Setting("worker_pool", "DONGTING_WORKER_POOL", "10", "connections",
            "Database connections of the worker.", count),
    Setting("ingest_pool", "DONGTING_INGEST_POOL", "10", "connections",
            "Database connections of ingest.", count),
    Setting("worker_jobs", "DONGTING_WORKER_JOBS", "4", "jobs",
            "Jobs that a worker runs at once.", count),
    Setting("job_stalled_s", "DONGTING_JOB_STALLED_S", "60", "seconds",
            "A job whose worker gave no sign for this long is given to another.", seconds),
    Setting("lock_timeout_s", "DONGTING_LOCK_TIMEOUT_S", "10", "seconds",
            "A migration that waits longer for a lock gives up rather than stop the work.", seconds),
    Setting("statement_timeout_s", "DONGTING_STATEMENT_TIMEOUT_S", "30", "seconds",
            "A request's longest SQL statement.", seconds),
    Setting("body_limit_bytes", "DONGTING_BODY_LIMIT_BYTES", "1048576", "bytes",
            "The largest request body and device payload that is read.",
            partial(whole, low=1024, high=1000000000)),
    Setting("import_limit_bytes", "DONGTING_IMPORT_LIMIT_BYTES", "104857600", "bytes",
            "The largest file that an import reads.", partial(whole, low=1024, high=1000000000)),
    Setting("import_at_once_bytes", "DONGTING_IMPORT_AT_ONCE_BYTES", "2000000", "bytes",
            "A file of more is read by a job, and its sender is told where to ask how far it is.",
            partial(whole, low=0, high=1000000000)),
    Setting("webhook_hosts", "DONGTING_WEBHOOK_HOSTS", "", "list",
            "Hosts that webhooks may go to, comma-separated; `.example.com` means every host under it. "
            "Empty: any public host."),
    Setting("webhook_private", "DONGTING_WEBHOOK_PRIVATE", "off", "",
            "Whether webhooks may also go to private and local addresses, and by plain http.", switch),
    Setting("customs_exchange", "DONGTING_CUSTOMS_EXCHANGE", "", "folder or URL",
            "Where messages to customs go and answers come from: a folder with out and in, or an http(s) address. "
            "Empty: they wait (`dongting demo` uses the folder of its simulated counter).", folder_or_http, "none"),
    Setting("customs_key", "DONGTING_CUSTOMS_KEY", "test", "file",
            "What signs messages to customs: a PEM file with the enterprise's RSA key and certificate. test: a key "
            "made once in the data folder, whose certificate says TEST, for the simulated counter alone. none: nothing "
            "is signed, and what customs wants signed is refused.", key_source),
    Setting("customs_by_hand", "DONGTING_CUSTOMS_BY_HAND", "off", "",
            "on: declarations are typed into the single window by hand; declaring changes the state and queues no "
            "message. off: it queues the message, which waits while there is no line to customs.", switch),
    Setting("live_streams", "DONGTING_LIVE_STREAMS", "40", "streams",
            "Live streams open at once in a web process; more are asked to poll.", count),
    Setting("live_process_streams", "DONGTING_LIVE_PROCESS_STREAMS", "300", "streams",
            "Live streams open at once in `dongting live`; more are asked to poll.",
            partial(whole, low=1, high=2_000)),
    Setting("tls_certificate", "DONGTING_TLS_CERTIFICATE", "", "file",
            "Certificate (PEM) of the web; see `dongting cert`.", optional_file, "plain HTTP"),
    Setting("tls_key", "DONGTING_TLS_KEY", "", "file",
            "Private key (PEM) of that certificate.", optional_file, "none"),
    Setting("seed", "DONGTING_SEED", "2020", "",
            "Makes the demo data repeatable.", partial(whole, low=0, high=2 ** 31)),
    Setting("metrics_dir", "PROMETHEUS_MULTIPROC_DIR", "", "folder",
            "Where processes leave their counters for /metrics; set by `dongting up`.",
            optional_file, "none"),
    Setting("shared", "DONGTING_SHARED", "../shared", "folder",
            "Where tests find public samples."),
    Setting("chromium", "DONGTING_CHROMIUM", "", "file",
            "The Chromium that browser tests drive.", optional, "found on the path"),
    Setting("required", "DONGTING_REQUIRE", "", "list",
            "What tests may not skip for want of, comma-separated: shared, chromium, mosquitto."),
)
# fmt: on


@dataclass(frozen=True)
class Settings:
    """All settings; the meaning of each stands in :data:`TABLE`."""

    data_dir: Path
    database_url: str | None
    database_owner_url: str | None
    mqtt_url: str | None
    given_secret_key: str | None
    host: str
    port: int
    live_port: int
    live_url: str | None
    mqtt_port: int
    mqtt_plain: bool
    mqtt_tls_port: int
    mqtt_client_certificates: str
    mqtt_authority: Path | None
    ingest_sites: str
    door_port: int
    frame_port: int
    metrics_port: int
    log_level: str
    log_file_bytes: int
    log_files_kept: int
    locale: str
    time_zone: str
    tenant_id: int
    web_workers: int
    web_threads: int
    web_pool: int
    worker_pool: int
    ingest_pool: int
    worker_jobs: int
    job_stalled_s: int
    lock_timeout_s: int
    statement_timeout_s: int
    body_limit_bytes: int
    import_limit_bytes: int
    import_at_once_bytes: int
    webhook_hosts: str
    webhook_private: bool
    customs_exchange: str | None
    customs_key: str
    customs_by_hand: bool
    live_streams: int
    live_process_streams: int
    tls_certificate: Path | None
    tls_key: Path | None
    seed: int
    metrics_dir: Path | None
    shared: str
    chromium: str | None
    required: str

    def __repr__(self) -> str:
        """Names and values, but never a secret: this lands in logs and tracebacks."""
        hidden = {row.name for row in TABLE if row.is_secret}
        shown = (f"{f.name}={'***' if f.name in hidden else getattr(self, f.name)!r}" for f in fields(self))
        return f"Settings({', '.join(shown)})"

    @property
    def secret_key(self) -> str:
        """The given key, else the one kept in the data folder, made at the first call (mode 0600)."""
        return self.given_secret_key or kept_secret(self.data_dir / SECRET_KEY_FILE)

    @property
    def is_embedded(self) -> bool:
        """Whether Dongting runs its own PostgreSQL."""
        return self.database_url is None

    @property
    def broker_url(self) -> str:
        """Where an MQTT client connects: the site's broker, else the embedded one."""
        if self.mqtt_url:
            return self.mqtt_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host  # noqa: S104 - compared, not bound
        return f"mqtt://{host}:{self.mqtt_port}"


def kept_secret(path: Path, n_bytes: int = 32) -> str:
    """Return the secret in ``path``, made when missing of ``n_bytes`` random bytes, readable by us alone.

    Two processes may start at once: the file appears whole or not at all, and the first one wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(n_bytes))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from ``environ`` (the process's own when None). An empty variable counts as not set.

    Raises :class:`BadSetting` naming the variable and its rule; a secret's value is not repeated.
    """
    given = os.environ if environ is None else environ
    return Settings(**{row.name: _read(row, given.get(row.variable, "")) for row in TABLE})


def _read(row: Setting, given: str) -> Any:
    if row.name == "data_dir" and not given:
        return default_data_dir()
    try:
        return row.read(given or row.default)
    except BrokenRule as rule:
        shown = "not" if row.is_secret else repr(given)
        raise BadSetting(field=row.name, variable=row.variable, rule=str(rule), given=shown) from None


def as_markdown() -> str:
    """Return docs/settings.md."""
    head = (
        "# Settings\n\nRead once at start from the environment; an empty variable counts as not set. "
        "This page is printed by `python -m wms.settings`.\n\n"
        "| variable | default | unit | meaning |\n|---|---|---|---|\n"
    )
    rows = (
        f"| `{row.variable}` | {row.shown or (f'`{row.default}`' if row.default else '')} "
        f"| {row.unit} | {row.meaning} |\n"
        for row in TABLE
    )
    return head + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
