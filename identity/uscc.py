"""The Unified Social Credit Code (统一社会信用代码), GB 32100-2015.

18 characters: registration department (1), kind of organisation (1), administrative division (6
digits), organisation code (9) and a check character: a weighted sum with powers of 3, modulo 31, over
an alphabet without I, O, S, V and Z. 31 is prime, so every single wrong character and every swap of
neighbours shows.

The ninth character of the organisation code has a check digit of its own (GB 11714). It is not
asked for here: the whole code is protected already, and codes given out before 2015 may deviate.
"""

from typing import Final

from identity.errors import UsccInvalid

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH: Final = 18
DEPARTMENTS: Final = frozenset("123456789ANY")  # GB 32100-2015, table 1
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(LENGTH - 1))
_REGION: Final = slice(2, 8)


def check_character(body: str) -> str:
    """The 18th character for the first 17.

    Raises UsccInvalid for a length other than 17 or a character outside the alphabet.
    """
    if len(body) != LENGTH - 1:
        raise UsccInvalid("the check character is computed over 17 characters", length=len(body))
    _prove_alphabet(body)
    total = sum(_VALUES[character] * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def parse_uscc(text: str) -> str:
    """The code itself, trimmed and in capitals.

    Raises UsccInvalid that names the place and what is expected there.
    """
    code = text.strip().upper()
    if len(code) != LENGTH:
        raise UsccInvalid("a credit code has 18 characters", length=len(code), expected=LENGTH)
    _prove_alphabet(code)
    if code[0] not in DEPARTMENTS:
        raise UsccInvalid(
            "place 1 names the registration department",
            place=1,
            found=code[0],
            expected="".join(sorted(DEPARTMENTS)),
        )
    for place, character in enumerate(code[_REGION], start=3):
        if not character.isdigit():
            raise UsccInvalid(
                "places 3 to 8 are the six digits of the administrative division",
                place=place,
                found=character,
                expected="0123456789",
            )
    expected = check_character(code[:-1])
    if code[-1] != expected:
        raise UsccInvalid(
            f"the check character should be {expected}", place=LENGTH, found=code[-1], expected=expected
        )
    return code


def region_of(code: str) -> str:
    """The six digits of the administrative division (GB/T 2260) of a valid code."""
    return code[_REGION]


def _prove_alphabet(text: str) -> None:
    for place, character in enumerate(text, start=1):
        if character not in _VALUES:
            raise UsccInvalid(
                "a credit code has digits and capitals without I, O, S, V and Z",
                place=place,
                found=character,
                expected=ALPHABET,
            )
