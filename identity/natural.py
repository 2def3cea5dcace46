"""Natural persons behind logins: who decides with others counts once, with however many logins.

A login is tied to a natural person by the number of the resident identity card (公民身份号码, GB 11643;
that of the permanent residence card has the same form). The number is kept nowhere: what is kept is its
mark, a digest under a key of the house, so that nobody can try numbers against it.
"""

import hashlib
import hmac
import re
from datetime import date
from typing import Final

from base.signing import marking_part
from identity.errors import IdNumberInvalid

LENGTH: Final = 18
_FORM: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_WEIGHTS: Final = tuple(pow(2, LENGTH - place, 11) for place in range(1, LENGTH))
_CHECK: Final = "10X98765432"
_PURPOSE: Final = b"databourse/natural-person/"


def check_digit(body: str) -> str:
    """The 18th character for the first 17 digits (ISO 7064, MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return _CHECK[total % 11]


def parse_id_number(text: str) -> str:
    """An identity number in its one form. Raises IdNumberInvalid, which repeats nothing of it."""
    number = text.strip().upper()
    if _FORM.fullmatch(number) is None:
        raise IdNumberInvalid("an identity number has 17 digits and a digit or X")
    try:
        date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError:
        raise IdNumberInvalid("places 7 to 14 are a date of birth") from None
    if check_digit(number[:-1]) != number[-1]:
        raise IdNumberInvalid("the check digit does not fit")
    return number


def mark_of(id_number: str, *, master: bytes) -> str:
    """What is kept of an identity number: 64 hex digits. Raises IdNumberInvalid."""
    key = hmac.new(marking_part(master), _PURPOSE, hashlib.sha256).digest()
    return hmac.new(key, parse_id_number(id_number).encode(), hashlib.sha256).hexdigest()
