"""Which passwords are taken: length counts, and nothing that anybody would try first."""

import pytest

from web.auth import passwords
from web.auth.refusals import ObviousPassword, WeakPassword


@pytest.mark.parametrize(
    "password",
    ["seven herons over reeds", "洞庭湖上的七只白鹭飞过芦苇", "k7Qv-ZtW2-m9Lx", "boat reed heron 4", "ααααβγδεζηθικ"],
)
def test_takes_long_uncommon_ones_of_any_script(password: str) -> None:
    passwords.refuse_weak(password, "clerk")


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "ab" * 65])
def test_refuses_too_short_and_too_long(password: str) -> None:
    with pytest.raises(WeakPassword, match="12 to 128"):
        passwords.refuse_weak(password, "clerk")


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "Password!!!!", "P@ssw0rd2026", "dongting2026", "admin1234567", "qwertyuiop12", "abcdefghijkl",
        "123456789012", "210987654321", "aaaaaaaaaaaa", "abcabcabcabc", "abababababab", "1qaz2wsx3edc", "welcome-2026!",
        "clerk-number-7", "chenglingji1", "111122223333",
    ],
)  # fmt: skip
def test_refuses_what_anybody_would_try(password: str) -> None:
    with pytest.raises(ObviousPassword):
        passwords.refuse_weak(password, "clerk")


def test_a_letter_written_in_two_ways_is_one_password() -> None:
    kept = passwords.hashed("caf\u00e9 am See von Dongting")
    assert passwords.matches("cafe\u0301 am See von Dongting", kept)
    assert not passwords.matches("cafe am See von Dongting", kept)


@pytest.mark.parametrize("kept", [None, "", "not a hash", "$argon2id$broken"])
def test_nothing_matches_no_password(kept: str | None) -> None:
    assert not passwords.matches("", kept)
    assert not passwords.matches("nobody has this password", kept)


def test_a_hash_of_weaker_parameters_is_made_anew() -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("seven herons over reeds")
    assert passwords.is_outdated(weak)
    assert passwords.matches("seven herons over reeds", weak)
    assert not passwords.is_outdated(passwords.hashed("seven herons over reeds"))
