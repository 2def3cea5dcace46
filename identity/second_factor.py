"""A second factor at sign-in: codes of an app (`identity.totp`), and recovery codes for the day it is lost.

Optional for members; `required` names the roles whose people have one. The secret rests sealed under the
master key; of a recovery code, 80 random bits, only a keyed digest is kept. A code is good once: the step it
is of is claimed in the UPDATE, so of two who send it at once one is refused. A wrong code counts as a failed
sign-in.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import func, or_
from sqlmodel import col, delete, select, update

from base.db import ReadSession, WriteSession
from base.errors import Conflict, Malformed
from base.signing import marking_part
from identity.rules import Role
from identity.safe import Safe
from identity.tables import RecoveryCodeRow, SecondFactorRow
from identity.totp import SECRET_BYTES, address_of, matching_step, shown

RECOVERY_CODES: Final = 10
_CODE_BYTES: Final = 10
_LABEL: Final = b"databourse/recovery-code/"


class SecondFactorInPlace(Conflict):
    code = "second-factor-in-place"
    title = "A second factor is in place already: end it first"


class SecondFactorAbsent(Conflict):
    code = "second-factor-absent"
    title = "There is no second factor to confirm or to end"


class SecondFactorWrong(Malformed):
    """At enrolment, where the person is proved otherwise; at sign-in a wrong code is a failed sign-in."""

    code = "second-factor-wrong"
    title = "The code is wrong, or its half minute is over"


@dataclass(frozen=True, slots=True)
class Factors:
    """What checks second factors: the safe, and the roles whose people must have one."""

    safe: Safe = field(repr=False)
    required: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Offered:
    """A secret to be put into an app; it counts once a code of it came back."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's second factor: since when it is on, and how many recovery codes are left."""

    since: datetime | None
    codes_left: int


async def standing(s: ReadSession, *, user_id: str) -> Standing:
    """Whether there is one."""
    row = await s.get(SecondFactorRow, user_id)
    left = select(func.count()).where(
        col(RecoveryCodeRow.user_id) == user_id, col(RecoveryCodeRow.used_at).is_(None)
    )
    return Standing(None if row is None else row.confirmed_at, (await s.exec(left)).one())


async def is_on(s: ReadSession, *, user_id: str) -> bool:
    """Whether a code is asked for at sign-in."""
    query = select(SecondFactorRow.confirmed_at).where(SecondFactorRow.user_id == user_id)
    return (await s.exec(query)).first() is not None


async def offer(
    s: WriteSession, factors: Factors, *, user_id: str, login: str, issuer: str, now: datetime
) -> Offered:
    """A new secret for a person who has just proved the password. Raises SecondFactorInPlace."""
    row = await s.get(SecondFactorRow, user_id, with_for_update=True)
    if row is not None and row.confirmed_at is not None:
        raise SecondFactorInPlace("end the present one first")
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = factors.safe.seal_document(name=factor_name(user_id), document=secret)
    if row is None:
        row = SecondFactorRow(user_id=user_id, sealed_secret=sealed, offered_at=now)
    row.sealed_secret, row.offered_at = sealed, now
    s.add(row)
    await s.flush()
    return Offered(shown(secret), address_of(secret, login=login, issuer=issuer))


async def confirm(
    s: WriteSession, factors: Factors, *, user_id: str, code: str, now: datetime
) -> tuple[str, ...]:
    """The first code of the app: from now on one is asked for. Answers the recovery codes, shown once.

    Raises SecondFactorAbsent, SecondFactorInPlace, SecondFactorWrong.
    """
    row = await s.get(SecondFactorRow, user_id)
    if row is None:
        raise SecondFactorAbsent("ask for a secret first")
    step = _step(factors, row, code, now)
    if row.confirmed_at is not None:
        raise SecondFactorInPlace("it is confirmed already")
    if step is None:
        raise SecondFactorWrong("not the code of this half minute")
    claimed = await s.exec(
        update(SecondFactorRow)
        .where(
            col(SecondFactorRow.user_id) == user_id,
            col(SecondFactorRow.confirmed_at).is_(None),
            col(SecondFactorRow.sealed_secret) == row.sealed_secret,
        )
        .values(confirmed_at=now, last_step=step)
    )
    if claimed.rowcount != 1:
        raise SecondFactorInPlace("it was confirmed, or offered anew, a moment ago")
    codes = tuple(_new_code() for _ in range(RECOVERY_CODES))
    await s.exec(delete(RecoveryCodeRow).where(col(RecoveryCodeRow.user_id) == user_id))
    for one in codes:
        s.add(RecoveryCodeRow(digest=_digest(factors, user_id, one), user_id=user_id))
    await s.flush()
    return codes


async def spend(s: WriteSession, factors: Factors, *, user_id: str, code: str, now: datetime) -> bool:
    """Whether a code of the app, or a recovery code, is good; it is good for nobody afterwards."""
    row = await s.get(SecondFactorRow, user_id, populate_existing=True)
    if row is None or row.confirmed_at is None:
        return False
    step = _step(factors, row, _plain(code), now)
    if step is not None:
        claimed = await s.exec(
            update(SecondFactorRow)
            .where(
                col(SecondFactorRow.user_id) == user_id,
                or_(col(SecondFactorRow.last_step).is_(None), col(SecondFactorRow.last_step) < step),
            )
            .values(last_step=step)
        )
        return claimed.rowcount == 1
    used = await s.exec(
        update(RecoveryCodeRow)
        .where(
            col(RecoveryCodeRow.digest) == _digest(factors, user_id, code),
            col(RecoveryCodeRow.user_id) == user_id,
            col(RecoveryCodeRow.used_at).is_(None),
        )
        .values(used_at=now)
    )
    return used.rowcount == 1


async def end(s: WriteSession, *, user_id: str) -> None:
    """No code is asked for any more. Raises SecondFactorAbsent."""
    await s.exec(delete(RecoveryCodeRow).where(col(RecoveryCodeRow.user_id) == user_id))
    gone = await s.exec(delete(SecondFactorRow).where(col(SecondFactorRow.user_id) == user_id))
    if gone.rowcount != 1:
        raise SecondFactorAbsent("there is none")


def _step(factors: Factors, row: SecondFactorRow, code: str, now: datetime) -> int | None:
    secret = factors.safe.open_document(name=factor_name(row.user_id), sealed=row.sealed_secret)
    return matching_step(secret, _plain(code), now=now, after=row.last_step)


def factor_name(user_id: str) -> str:
    """What a person's secret is bound to."""
    return f"second-factor/{user_id}"


def _new_code() -> str:
    """Sixteen letters in four groups."""
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _digest(factors: Factors, user_id: str, code: str) -> str:
    said = _LABEL + f"{user_id}/{_plain(code).upper()}".encode("utf-8", "replace")
    return hmac.new(marking_part(factors.safe.master), said, hashlib.sha256).hexdigest()


def _plain(code: str) -> str:
    """A code as people type it: with spaces or hyphens between."""
    return "".join(char for char in code if char not in " -\u3000")
