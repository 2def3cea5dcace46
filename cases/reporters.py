"""Who reported: a secret beside the ledger.

The log holds a salted commitment and no name. Name and contact are sealed under the node's master key, bound
to the case; a paper is found again by a code that its filer alone has (of it a keyed digest is kept). Only an
officer of the authority that has the case reads the name, and each reading is entered into the file.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.db import ReadSession, WriteSession
from base.signing import marking_part, unwrap, wrap
from cases import repository
from cases.errors import CaseWrongRole, CodeUnknown
from cases.moving import check_apart, check_own, enter
from cases.states import DESKS
from cases.tables import Case, CaseMessage, CaseReporter
from identity.service import require_identified
from ledger.recording import Act

_MARK: Final = b"databourse/report-code/"
_PURPOSE: Final = "databourse/reporter/"
_CODE_BYTES: Final = 15
READ: Final = "READ_REPORTER"


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who files a paper: anonymous without a name; a member's login is kept with a name only."""

    name: str = ""
    contact: str = ""
    org_id: str | None = None
    user_id: str | None = None

    @property
    def named(self) -> bool:
        return bool(self.name)


def new_code() -> str:
    """A code of 120 bits, in groups that can be written down."""
    text = b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[at : at + 6] for at in range(0, len(text), 6))


def mark_of_code(master: bytes, code: str) -> str:
    """By what a paper is found; however the code is written."""
    plain = "".join(one for one in code.upper() if one.isalnum())
    return hmac.new(marking_part(master), _MARK + plain.encode(), hashlib.sha256).hexdigest()


def committed(case_id: str, reporter: Reporter, salt: str) -> str:
    """What the ledger says of a named reporter."""
    said = {"case_id": case_id, "contact": reporter.contact, "name": reporter.name, "salt": salt}
    return sha256_hex(canonical(said))


def sealed_of(master: bytes, case_id: str, reporter: Reporter, salt: str) -> bytes:
    """The name at rest."""
    document = {
        "name": reporter.name,
        "contact": reporter.contact,
        "org_id": reporter.org_id,
        "user_id": reporter.user_id,
        "salt": salt,
    }
    return wrap(master, orjson.dumps(document), reporter_purpose(case_id))


def opened(master: bytes, row: CaseReporter) -> dict[str, Any] | None:
    """The name; None where it is forgotten."""
    if row.sealed is None:
        return None
    found: dict[str, Any] = orjson.loads(unwrap(master, row.sealed, reporter_purpose(row.case_id)))
    return found


async def read_reporter(s: WriteSession, act: Act, *, case_id: str, master: bytes) -> dict[str, Any] | None:
    """Who reported, for an officer of the authority that has the case; the file says who has asked.

    Raises CaseUnknown, CaseWrongRole, `person-not-identified`.
    """
    case = await repository.claim_case(s, case_id=case_id)
    if act.role not in DESKS:
        raise CaseWrongRole("only the authority that has the case asks", role=act.role, roles=sorted(DESKS))
    check_apart(case, act)
    check_own(case, act.role)
    officer = await require_identified(s, user_id=act.actor.user_id)
    row = await repository.reporter_of(s, case_id=case_id)
    await enter(s, act, case, READ, {"officer_id": officer.user_id}, paper_id=act.new_id("ppr"))
    return None if row is None else opened(master, row)


async def forget_reporter(s: WriteSession, act: Act, *, case_id: str) -> bool:
    """Forget who reported and what was written, when the time is over and the case is (still) closed."""
    case = await repository.claim_case(s, case_id=case_id)
    row = await repository.reporter_of(s, case_id=case_id)
    if row is None or row.sealed is None or case.closed_at is None:
        return False
    row.sealed, row.forgotten_at = None, act.now
    s.add(row)
    for message in await repository.messages_of(s, case_id=case_id):
        await s.delete(message)
    await s.flush()
    return True


@dataclass(frozen=True, slots=True)
class Message:
    """A word between who reported and the officer."""

    from_reporter: bool
    at: datetime
    text: str


async def write_message(
    s: WriteSession, act: Act, *, case_id: str, text: str, from_reporter: bool, master: bytes
) -> None:
    """Keep a word, sealed."""
    s.add(
        CaseMessage(
            message_id=act.new_id("msg"),
            case_id=case_id,
            from_reporter=from_reporter,
            at=act.occurred_at,
            sealed=wrap(master, text.encode(), reporter_purpose(case_id)),
        )
    )
    await s.flush()


async def messages(s: ReadSession, *, case_id: str, master: bytes) -> Sequence[Message]:
    """What was written, first to last."""
    return [
        Message(one.from_reporter, one.at, unwrap(master, one.sealed, reporter_purpose(case_id)).decode())
        for one in await repository.messages_of(s, case_id=case_id)
    ]


async def cases_under(s: ReadSession, *, code: str, master: bytes) -> Sequence[Case]:
    """The cases that a paper became. Raises CodeUnknown."""
    found = await repository.filed_under(s, code_mark=mark_of_code(master, code))
    if not found:
        raise CodeUnknown("no paper was filed under this code")
    return found


def reporter_purpose(case_id: str) -> bytes:
    """What a reporter's name and messages are bound to."""
    return (_PURPOSE + case_id).encode()
