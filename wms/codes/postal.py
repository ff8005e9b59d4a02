"""Item numbers of the Universal Postal Union (standard S10): two letters, eight digits, check digit, country."""

import re

_SHAPE = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}", re.ASCII)
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
# ISO 3166-1 codes in use, and the ones the UPU reserves beside them.
_LISTED = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA"
    " CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA"
    " GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP"
    " KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS"
    " MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS"
    " RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW"
    " TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW AN AC TA YU EU"
)
_COUNTRIES = frozenset(_LISTED.split())


def normalise(text: str) -> str:
    """Return the number in capitals without spaces."""
    return re.sub(r"\s+", "", text).upper()


def check_digit(eight_digits: str) -> int:
    """Return the S10 check digit: 11 - weighted sum modulo 11, where 10 becomes 0 and 11 becomes 5."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(eight_digits, _WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def is_postal_item(text: str) -> bool:
    """Whether shape, country and check digit of the item number hold."""
    number = normalise(text)
    return (
        _SHAPE.fullmatch(number) is not None
        and number[-2:] in _COUNTRIES
        and check_digit(number[2:10]) == int(number[10])
    )
