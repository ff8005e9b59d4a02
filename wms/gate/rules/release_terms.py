"""On which terms an officer may let a held vehicle go: reasons of a list, kinds that need a picture or a second person.

Dated data (``gate.manual_release``). The holds marked in :mod:`wms.gate.rules.holds` always need a second person; an
installation may mark further ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wms.errors import N_, Kind, WmsError
from wms.gate.rules.holds import Words, hold_of

OTHER = "other"


class UnknownReason(WmsError):
    code = "unknown_release_reason"
    kind = Kind.INVALID
    text = N_("%(reason_code)s is no reason for a release; known are %(known)s.")


class PictureNeeded(WmsError):
    code = "picture_needed"
    kind = Kind.INVALID
    text = N_("A release of this hold needs a picture of the vehicle: add one first.")


@dataclass(frozen=True)
class ReleaseTerms:
    """``reasons`` by code with their words; hold codes that need a picture, and that need a second person besides."""

    reasons: Mapping[str, Words]
    picture_for: frozenset[str]
    also_second_for: frozenset[str]

    def check_reason(self, code: str) -> None:
        """Raise UnknownReason for one that is not on the list."""
        if code not in self.reasons:
            raise UnknownReason(field="reason_code", reason_code=code, known=", ".join(self.reasons))

    def needs_second(self, codes: Iterable[str]) -> bool:
        """Whether any of these holds needs two persons: also one that did not decide, but would have held."""
        return any(code in self.also_second_for or hold_of(code).needs_second for code in codes)

    def needs_picture(self, codes: Iterable[str]) -> bool:
        """Whether any of these holds needs a picture."""
        return any(code in self.picture_for for code in codes)


def release_terms(value: Mapping[str, Any]) -> ReleaseTerms:
    """The terms of a dated value."""
    reasons = {str(one["code"]): Words(str(one["zh"]), str(one["en"])) for one in value["reasons"]}
    return ReleaseTerms(reasons, frozenset(value["picture_for"]), frozenset(value["also_second_for"]))
