"""Document numbers of our own: a short prefix and the row's number, so that a clerk can type and scan them."""

DIGITS = 8


def document_no(prefix: str, row_id: int) -> str:
    """Return ``prefix`` and the row's id with leading zeros: ``WV00000012``."""
    return f"{prefix}{row_id:0{DIGITS}d}"
