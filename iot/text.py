"""Text from outside as the database can hold it."""


def storable(value: str) -> str:
    """``value`` as PostgreSQL text can hold it: NUL and lone surrogates become visible escapes, the rest is kept."""
    return value.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
