"""Refusals of printing."""

from wms.errors import N_, Kind, WmsError


class UnknownPrinter(WmsError):
    """There is no such printer, or it is out of use."""

    code = "unknown_printer"
    kind = Kind.NOT_FOUND
    text = N_("There is no printer %(printer)s in use.")


class PrinterExists(WmsError):
    """Two printers would answer to one name."""

    code = "printer_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a printer %(printer)s.")


class UnknownPrint(WmsError):
    """No print job has this number."""

    code = "unknown_print"
    kind = Kind.NOT_FOUND
    text = N_("There is no print job %(print_job)s.")


class StillQueued(WmsError):
    """The job waits already; asking again would print it twice."""

    code = "still_queued"
    kind = Kind.CONFLICT
    text = N_("Print job %(print_job)s waits for its printer already.")


class CannotPrint(WmsError):
    """The address is no label or paper."""

    code = "cannot_print"
    kind = Kind.INVALID
    text = N_("%(address)s is neither a label nor a paper of ours.")


class NoPaperInZpl(WmsError):
    """A list was sent to a label printer."""

    code = "no_paper_in_zpl"
    kind = Kind.INVALID
    text = N_("%(printer)s prints labels only; send lists to a printer that takes PDF.")


def wait_s(tries: int) -> int | None:
    """Return after how many seconds a printer that did not answer is tried again; None: no more."""
    waits = (5, 15, 60, 300, 900)
    return waits[tries - 1] if tries <= len(waits) else None
