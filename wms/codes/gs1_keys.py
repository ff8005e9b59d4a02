"""GS1 identification keys: GTIN, SSCC and GLN with the check digit of the GS1 General Specifications, 7.9."""

GTIN_LENGTHS = (8, 12, 13, 14)
SSCC_LENGTH = 18
GLN_LENGTH = 13


def check_digit(payload: str) -> int:
    """Return the modulo-10 check digit (weights 3 and 1 from the right) of digits without their check digit."""
    return -(3 * sum(map(int, payload[-1::-2])) + sum(map(int, payload[-2::-2]))) % 10


def has_check_digit(number: str) -> bool:
    """Whether the last digit is the check digit of the ones before it. Anything but ASCII digits is refused."""
    if len(number) < 2 or not (number.isascii() and number.isdigit()):
        return False
    return check_digit(number[:-1]) == int(number[-1])


def is_gtin(number: str) -> bool:
    """Whether the text is a GTIN-8, -12, -13 or -14 with its check digit."""
    return len(number) in GTIN_LENGTHS and has_check_digit(number)


def gtin14(number: str) -> str:
    """Return the GTIN filled with leading zeros to 14 digits, the form in which GTINs are compared.

    Raises ValueError when it is no GTIN: callers ask :func:`is_gtin` of what comes from outside.
    """
    if not is_gtin(number):
        raise ValueError(f"{number!r} is no GTIN")
    return number.zfill(14)


def gtin_spellings(number: str) -> tuple[str, ...]:
    """Return every length in which the same GTIN may have been written down, longest first."""
    full = gtin14(number)
    return tuple(full[-length:] for length in reversed(GTIN_LENGTHS) if not full[:-length].strip("0"))


def is_sscc(number: str) -> bool:
    """Whether the text is an 18-digit serial shipping container code with its check digit."""
    return len(number) == SSCC_LENGTH and has_check_digit(number)


def make_sscc(extension: int, company_prefix: str, serial: int) -> str:
    """Return the SSCC of one unit: extension digit, GS1 company prefix (4 to 12 digits), serial, check digit.

    Raises ValueError when the serial does not fit beside the prefix or a part is out of range.
    """
    places = SSCC_LENGTH - 2 - len(company_prefix)
    if not (0 <= extension <= 9 and company_prefix.isdigit() and 4 <= len(company_prefix) <= 12):
        raise ValueError("an SSCC needs one extension digit and a company prefix of 4 to 12 digits")
    if not 0 <= serial < 10**places:
        raise ValueError(f"the serial {serial} does not fit into {places} digits")
    payload = f"{extension}{company_prefix}{serial:0{places}d}"
    return f"{payload}{check_digit(payload)}"


def is_gln(number: str) -> bool:
    """Whether the text is a 13-digit global location number with its check digit."""
    return len(number) == GLN_LENGTH and has_check_digit(number)
