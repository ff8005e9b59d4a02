"""Logs: JSON lines in a rotated file for each process, and a quiet readable console."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from wms.settings import Settings

SHARED = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
)
# Libraries that tell every step at INFO; their warnings are kept.
CHATTY = ("procrastinate", "amqtt", "transitions", "alembic", "gunicorn.access", "hpack")


def log_folder(settings: Settings) -> Path:
    """The folder of all log files, made when missing (ours alone)."""
    folder = settings.data_dir / "logs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def start_logging(settings: Settings, process: str) -> None:
    """Send this process's logs, structlog's and the standard library's, to logs/``process``.log.

    The console gets warnings and worse, one readable line each.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.addHandler(_file(settings, process))
    root.addHandler(_console())
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(capture=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _file(settings: Settings, process: str) -> logging.Handler:
    handler = RotatingFileHandler(
        log_folder(settings) / f"{process}.log",
        maxBytes=settings.log_file_bytes,
        backupCount=settings.log_files_kept,
        encoding="utf-8",
    )
    handler.setFormatter(
        _formatter(structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False))
    )
    return handler


def _console() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    # Plain: the pretty traceback prints every local variable, which takes half a minute and may be a secret.
    plain = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    handler.setFormatter(_formatter(plain))
    return handler


def _formatter(*last: structlog.types.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
