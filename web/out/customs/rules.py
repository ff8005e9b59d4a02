"""Which answers a message waits for, and when it is sent once more. No database, no network."""

from collections.abc import Collection

# The receipt of each message of the CEB set.
RECEIPTS = {
    "CEB311": "CEB312", "CEB411": "CEB412", "CEB511": "CEB512", "CEB513": "CEB514", "CEB621": "CEB622",
    "CEB623": "CEB624", "CEB625": "CEB626", "CEB711": "CEB712", "CEB303": "CEB304", "CEB403": "CEB404",
    "CEB505": "CEB506", "CEB507": "CEB508", "CEB509": "CEB510", "CEB603": "CEB604", "CEB605": "CEB606",
    "CEB607": "CEB608", "CEB701": "CEB702", "CEB213": "CEB214", "CEB215": "CEB216",
}  # fmt: skip
# Statuses after which a document moves no more (customs reference, 2.6); all others are steps on the way.
LAST = {
    "CEB621": {"800", "899", "700", "501", "502", "503", "599"},
    "CEB603": {"899", "700", "501", "502", "503", "599"},
    **{kind: {"399"} for kind in ("CEB623", "CEB625", "CEB711", "CEB605", "CEB507", "CEB509", "CEB213", "CEB215")},
}
# A document that customs agreed to cancel gets no other last word.
CANCELS = {"CEB621": "CEB624=399", "CEB603": "CEB606=399"}
STORED = {"120", "399"}
RETURNED = "100"
FIRST_WAITS_S = (1, 2, 5, 10, 30, 60, 300)  # after each try that did not reach the other side; then the last, again


def settles(kind: str, heard: Collection[str]) -> bool:
    """Whether a document that was sent as ``kind`` waits for nothing more; ``heard`` are answers as "CEB622=800"."""
    if "CommonResponeMessage=-1" in heard or _refused(kind, heard) or CANCELS.get(kind) in heard:
        return True
    if kind == "CEB621" and "CEB622=800" in heard:
        return any(one.startswith("CEB816=") for one in heard)  # the tax bill belongs to the release
    if kind == "CEB701" and "CEB702=100" not in heard:
        # The result may come first; without the receipt, which tells the summary's number, it says nothing to us.
        is_stored = any(f"CEB702={status}" in heard for status in STORED)
        return is_stored and any(one.startswith("CEB792=") for one in heard)
    if kind in RECEIPTS:
        last = LAST.get(kind, STORED) | {RETURNED}
        return any(one.partition("=")[::2] == (RECEIPTS[kind], status) for status in last for one in heard)
    return bool(_bonded_last(kind) & set(heard))


def _refused(kind: str, heard: Collection[str]) -> bool:
    """An exception code is an answer, and the last one; what another document about the same list is told is not."""
    return any(one.startswith((f"{RECEIPTS.get(kind, kind)}=-", "CEB900=")) for one in heard)


def _bonded_last(kind: str) -> set[str]:
    if kind == "INV101":
        return {"INV211=2", "INV211=1", "INV201=3", "INV201=3/deleted", "INV201=1/deleted", "INV211=2/deleted"}
    if kind == "SAS121":
        return {"SAS221=3", "SAS223=1", "SAS221=1/void", "SAS221=1/deleted"}
    return {"SAS223=1"} if kind == "SAS223" else set()


def wait_s(tries: int) -> int:
    """How long to wait after ``tries`` that did not reach the other side."""
    return FIRST_WAITS_S[min(tries, len(FIRST_WAITS_S)) - 1]


def remind_s(sendings: int, heard_any: bool, patience: dict[str, int]) -> int:
    """How long to wait for an answer after ``sendings`` of a message before it is sent again.

    ``patience`` is dated data in seconds: ``first_s`` until anything at all was heard, ``last_s`` until the last
    answer; both double with each sending up to ``longest_s``.
    """
    base = patience["last_s"] if heard_any else patience["first_s"]
    return int(min(patience["longest_s"], base * 2 ** min(sendings - 1, 20)))
