"""Which passwords are accepted, and how they are kept: argon2id, parameters of RFC 9106 section 4 (second choice)."""

import string
import unicodedata
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from web.auth.refusals import ObviousPassword, WeakPassword

LEAST, MOST = 12, 128  # characters; ASVS 5.0 V6.2.1 asks for 8, recommends 15, and wants at least 64 to be possible
HASHER = PasswordHasher()

# What is left of a password after digits and signs are taken off; the words people of this place would try first.
OBVIOUS = frozenset(resources.files("web.auth").joinpath("obvious.csv").read_text(encoding="utf-8").split())
LEET = str.maketrans("01345789@$!", "oleastbgasi")
RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn")


def normal(password: str) -> str:
    """Return the password as it is hashed: NFKC, so that one keyboard's é is another's."""
    return unicodedata.normalize("NFKC", password)


def refuse_weak(password: str, login_name: str) -> None:
    """Raise :class:`WeakPassword` or :class:`ObviousPassword` naming the rule that is broken.

    Length counts, not character classes (ASVS 5.0 V6.2.5 forbids composition rules).
    """
    if not LEAST <= len(password) <= MOST:
        raise WeakPassword(field="new_password", least=LEAST, most=MOST)
    folded = password.casefold()
    letters = "".join(c for c in folded if c.isalpha())
    core = folded.strip(string.digits + string.punctuation + " ")  # P@ssw0rd2026! is the word and its trimmings
    leet = "".join(c for c in core.translate(LEET) if c.isalpha())
    if {letters, leet} & OBVIOUS or (not letters and _is_run(folded)):
        raise ObviousPassword(field="new_password")
    if len(set(folded)) < 5 or _repeats(folded) or _is_run(folded) or (login_name and folded.startswith(login_name)):
        raise ObviousPassword(field="new_password")


def _repeats(text: str) -> bool:
    """Whether the text is a shorter piece said again and again, like abc123abc123."""
    return text in (text + text)[1:-1]


def _is_run(text: str) -> bool:
    """Whether the text walks along the alphabet, the digits or the keyboard, either way."""
    return any(text in run * 2 or text[::-1] in run * 2 for run in RUNS)


def hashed(password: str) -> str:
    """Return the argon2id hash; takes some 30 ms on purpose."""
    return HASHER.hash(normal(password))


NOBODY = HASHER.hash("nobody has this password")  # checked for unknown names, so that they take as long as known ones


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one that was hashed; None takes the same time and says no."""
    try:
        return HASHER.verify(password_hash or NOBODY, normal(password)) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)
