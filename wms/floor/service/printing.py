"""Printers and their queue. Sending is a job of the web room; here it is asked for and its outcome written down."""

from dataclasses import asdict, dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.db import tenant_of
from wms.floor.rules import printing as rules
from wms.floor.tables.printing import Printer, PrintJob
from wms.record.jobs import defer

SEND = "printers.send"
APP_PERSON = func.app_person()


@dataclass(frozen=True)
class NewPrinter:
    """A printer to enter."""

    name: str
    site_id: int
    kind: str
    host: str
    port: int = 9100
    dots_per_mm: int = 8


def add_printer(session: Session, new: NewPrinter) -> int:
    """Enter a printer; return its id. Raises PrinterExists."""
    made: int | None = session.scalar(
        insert(Printer).values(**asdict(new)).on_conflict_do_nothing().returning(Printer.id)
    )
    if made is None:
        raise rules.PrinterExists(field="name", printer=new.name)
    return made


def set_active(session: Session, printer_id: int, is_active: bool) -> None:
    """Take a printer into use or out of it. Raises UnknownPrinter."""
    printer = session.get(Printer, printer_id)
    if printer is None:
        raise rules.UnknownPrinter(printer=printer_id)
    printer.is_active = is_active
    session.flush()


def printer_named(session: Session, name: str) -> Printer:
    """Return the printer in use with that name. Raises UnknownPrinter."""
    found = session.scalars(
        select(Printer).where(func.upper(Printer.name) == name.strip().upper(), Printer.is_active)
    ).one_or_none()
    if found is None:
        raise rules.UnknownPrinter(field="printer", printer=name[:60])
    return found


def queue(session: Session, printer_id: int, title: str, content: bytes) -> int:
    """Queue bytes for a printer; return the print job's id. They go after the commit, in turn for each printer."""
    job = PrintJob(printer_id=printer_id, title=title, content=content, person_id=session.scalar(select(APP_PERSON)))
    session.add(job)
    session.flush()
    _defer(session, job)
    return job.id


def again(session: Session, print_job_id: int) -> None:
    """Print once more what was printed or failed. Raises UnknownPrint, StillQueued."""
    done = session.execute(
        update(PrintJob)
        .where(PrintJob.id == print_job_id, PrintJob.state != "queued")
        .values(state="queued", tries=0, error=None, printed_at=None)
        .returning(PrintJob.id)
    ).scalar_one_or_none()
    job = session.get(PrintJob, print_job_id, populate_existing=True)
    if job is None:
        raise rules.UnknownPrint(print_job=print_job_id)
    if done is None:
        raise rules.StillQueued(print_job=print_job_id)
    _defer(session, job)


def printed(session: Session, print_job_id: int) -> None:
    """Write down that the printer took it all."""
    session.execute(
        update(PrintJob)
        .where(PrintJob.id == print_job_id, PrintJob.state == "queued")
        .values(state="printed", tries=PrintJob.tries + 1, error=None, printed_at=func.clock_timestamp())
    )


def not_printed(session: Session, print_job_id: int, error: str) -> None:
    """Write down why it failed, and try again later; after the last try it is failed."""
    job = session.get_one(PrintJob, print_job_id, with_for_update=True, populate_existing=True)
    job.tries, job.error = job.tries + 1, error[:500]
    wait_s = rules.wait_s(job.tries)
    if wait_s is None:
        job.state = "failed"
    else:
        _defer(session, job, after_s=wait_s)
    session.flush()


def _defer(session: Session, job: PrintJob, after_s: int = 0) -> None:
    """One job after the other for each printer: two sockets at once would mix their labels."""
    defer(
        session, SEND, lock=f"printer:{job.printer_id}", after_s=after_s, tenant_id=tenant_of(session),
        print_job_id=job.id,
    )  # fmt: skip
