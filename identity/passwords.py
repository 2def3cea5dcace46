"""Passwords: argon2id, in threads of their own, and nothing in plain text."""

import asyncio
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from identity.errors import PasswordTooWeak
from identity.guessing import is_guessable

Result = TypeVar("Result")

SHORTEST: Final = 12
LONGEST: Final = 128
FEWEST_KINDS: Final = 5


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """An argon2id hash in PHC form. A type of its own, so that no plain text is stored by mistake."""

    phc: str = field(repr=False)


# 19 MiB, two passes, one lane: OWASP's figures for argon2id. Two threads bound memory and CPU.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Nobody's password, hashed at the same cost: an unknown login takes as long as a known one.
_DECOY: Final = PasswordHash(
    "$argon2id$v=19$m=19456,t=2,p=1$bS+jlqf6DU5BMF3L7+0GSA$T8pO00OLTaxyQQnrjLLrsjMwmNMwIIEiXB0IApwfXsc"
)
_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


def check_password(password: str, *, login: str, known: Iterable[str] = ()) -> None:
    """The policy: 12 to 128 characters, five different ones, not built on the login, not easily guessed.

    `known` is what else is known of the person (`identity.guessing`). Raises
    PasswordTooWeak, which never repeats the password.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordTooWeak("a password has 12 to 128 characters", shortest=SHORTEST, longest=LONGEST)
    if len(set(password)) < FEWEST_KINDS:
        raise PasswordTooWeak("a password has at least five different characters")
    if login in password.casefold():
        raise PasswordTooWeak("a password does not contain the login")
    if is_guessable(password, known=(login, *known)):
        raise PasswordTooWeak("this is among the passwords that are tried first")


async def hash_password(password: str, *, login: str, known: Iterable[str] = ()) -> PasswordHash:
    """Check the policy, then hash; takes some 50 ms in a thread, so never inside a transaction."""
    check_password(password, login=login, known=known)
    return PasswordHash(await _in_thread(_HASHER.hash, _normal(password)))


async def password_fits(password: str, stored: PasswordHash | None) -> bool:
    """Whether the password is the one hashed.

    Without a hash (an unknown login) the same work is done on a decoy, so that the time tells nothing.
    """
    if len(password) > LONGEST:
        password, stored = "", None
    fits = await _in_thread(_fits, _normal(password), (stored or _DECOY).phc)
    return fits and stored is not None


def _fits(password: str, phc: str) -> bool:
    try:
        return _HASHER.verify(phc, password)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """One form for what people type on unlike keyboards (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


async def _in_thread(work: Callable[..., Result], *args: str) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work, *args)
