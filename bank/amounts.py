"""Money as the messages write it, and account numbers. Exact: digits in, digits out."""

import re
from typing import Final

from base.errors import Malformed

CURRENCY: Final = "CNY"
MAX_MINOR: Final = 10**13
"""100 thousand million yuan: far from 64 bits even when many accounts are summed."""

_BANK: Final = "DBSB"
_FORM: Final = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,2}))?")
_MODULUS: Final = 97


def decimal_text(minor: int) -> str:
    """Fen as the messages' decimal yuan: `68000000` → `680000.00`. Refuses negative amounts."""
    if minor < 0:
        raise Malformed("an amount in a message has no sign", minor=str(minor))
    whole, fen = divmod(minor, 100)
    return f"{whole}.{fen:02d}"


def minor_units(text: str) -> int:
    """The reverse of `decimal_text`; one or no decimal is read too. Refuses everything else."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise Malformed("an amount is digits with at most two decimals", amount=text[:40])
    whole, fen = found.groups()
    return int(whole) * 100 + int((fen or "").ljust(2, "0"))


def account_number(serial: int) -> str:
    """An IBAN-like number: `CN`, two check digits (ISO 7064 MOD 97-10), bank code, 12 digits.

    China has no IBAN, so messages carry it in `Othr/Id`.
    """
    body = f"{_BANK}{serial:012d}"
    return f"CN{98 - _number(body + 'CN00') % _MODULUS:02d}{body}"


def is_account_number(text: str) -> bool:
    """Whether form and check digits hold."""
    return (
        re.fullmatch(rf"CN[0-9]{{2}}{_BANK}[0-9]{{12}}", text) is not None
        and _number(text[4:] + text[:4]) % _MODULUS == 1
    )


def _number(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text))
