"""Every refusal of Dongting has one root: a code, a kind and a sentence in the user's words.

A refusal that the business cares about is a fact, not an accident: its code is stable, its text is an English
msgid that the front of house translates, and it names the field and the rule that was broken.
"""

from enum import StrEnum
from typing import Any, ClassVar


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """Mark ``text`` for translation without translating it; the room that shows it does."""
    return text


class Kind(StrEnum):
    """What a refusal means to the caller; the web room maps it to an HTTP status."""

    INVALID = "invalid"  # the request is badly formed: mend it and send it again
    REFUSED = "refused"  # well formed, but a rule of the trade forbids it
    CONFLICT = "conflict"  # somebody or something else was first
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"  # not now; the same request may be sent again


class WmsError(Exception):
    """A refusal. Subclasses give ``code``, ``kind`` and ``text`` (with ``%(name)s`` places for ``values``).

    ``parts``: where a whole is refused for its parts, the refusal of each.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = Kind.REFUSED
    text: ClassVar[str] = N_("This is not allowed.")

    def __init__(self, *, field: str | None = None, **values: Any) -> None:
        self.field = field
        self.values = values
        self.parts: tuple[WmsError, ...] = ()
        super().__init__(self.text % values if values else self.text)


class NotFound(WmsError):
    """Nothing by that number exists, or the caller may not know that it does."""

    code = "not_found"
    kind = Kind.NOT_FOUND
    text = N_("Nothing was found under %(what)s.")


class Forbidden(WmsError):
    """The person's role does not allow it."""

    code = "forbidden"
    kind = Kind.FORBIDDEN
    text = N_("Your role does not allow this.")


class InvalidField(WmsError):
    """One field of a request breaks a rule that needs no code of its own."""

    code = "invalid_field"
    kind = Kind.INVALID
    text = N_("%(name)s: %(rule)s")


class Unavailable(WmsError):
    """The database, the disk or another part is away for now; nothing was changed."""

    code = "unavailable"
    kind = Kind.UNAVAILABLE
    text = N_("The system cannot take this just now; nothing was changed. Please send it again.")
