"""Send a queued document to its printer: bytes on a raw socket, the way every label printer takes them (port 9100)."""

import socket

from sqlalchemy import select

from wms.db import Database, Scope
from wms.floor.service import printing
from wms.floor.tables.printing import Printer, PrintJob

CONNECT_S, SEND_S = 5.0, 30.0


def send(database: Database, *, tenant_id: int, print_job_id: int) -> None:
    """Send one print job; what failed is tried again later. A job that is no longer queued is left alone."""
    scope = Scope.system(tenant_id)
    with database.unit_of_work(scope) as session:
        found = session.execute(
            select(Printer.host, Printer.port, PrintJob.content)
            .join(Printer, Printer.id == PrintJob.printer_id)
            .where(PrintJob.id == print_job_id, PrintJob.state == "queued")
        ).one_or_none()
    if found is None:
        return
    error = _sent(found.host, found.port, found.content)
    with database.unit_of_work(scope) as session:
        if error is None:
            printing.printed(session, print_job_id)
        else:
            printing.not_printed(session, print_job_id, error)


def _sent(host: str, port: int, content: bytes) -> str | None:
    """Send the bytes and wait until the printer closes or falls silent; return what went wrong, None when nothing."""
    try:
        with socket.create_connection((host, port), timeout=CONNECT_S) as line:
            line.settimeout(SEND_S)
            line.sendall(content)
            line.shutdown(socket.SHUT_WR)
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return None
