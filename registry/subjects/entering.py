"""How a natural person comes in and speaks: by an invitation, a code, and one key for each holder.

A holder invites under the pseudonym by which it knows the person, and hands the invitation over in its own
way: it has identified the person, the exchange never does. The person answers with a code that nobody else
has; of both codes a keyed mark is kept. What the person says to a holder is signed by a key of the person's
own, or by a wallet's key that rests sealed here.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from base.canonical import sha256_hex
from base.credential.multikey import did_key, public_of
from base.db import ReadSession, WriteSession
from base.signing import (
    SigningKey,
    keyid_of,
    marking_part,
    pre_authentication,
    sealing_part,
    signature_holds,
)
from identity.safe import Safe
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.subjects import repository
from registry.subjects.errors import (
    InvitationInvalid,
    InvitationTaken,
    SubjectRecordUnknown,
    SubjectSignInFailed,
    SubjectTiedBefore,
    SubjectWordForged,
)
from registry.subjects.moving import begin, check_holder, step, wind
from registry.subjects.rules import PAYLOAD_TYPE, word_of
from registry.subjects.states import TieEvent, TieState
from registry.subjects.tables import SubjectRow, TieRow
from registry.subjects.terms import due_after

SESSION: Final = timedelta(minutes=30)
_CODE_BYTES: Final = 15
_DIGITS: Final = 15
_MARK: Final = b"databourse/subject-code/"
_SESSION: Final = b"databourse/subject-session/"


@dataclass(frozen=True, slots=True)
class SubjectDesk:
    """What opens sealed keys and words, and whose words these are: this node's origin."""

    safe: Safe
    origin: str

    def mark(self, code: str) -> str:
        """By what a code is found again."""
        return self.mark_of(digest_of_code(code))

    def mark_of(self, code_sha256: str) -> str:
        """The same, from the digest of a code that somebody else made."""
        key = marking_part(self.safe.master)
        return hmac.new(key, _MARK + code_sha256.encode(), hashlib.sha256).hexdigest()

    def seal(self, name: str, text: str) -> bytes:
        return self.safe.seal_document(name=subject_name(name), document=text.encode())

    def open(self, name: str, sealed: bytes | None) -> str:
        if sealed is None:
            return ""
        return self.safe.open_document(name=subject_name(name), sealed=sealed).decode()

    def session_for(self, subject_id: str, now: datetime) -> str:
        """A session of half an hour."""
        since = _ms(now)
        return f"{subject_id}.{since}.{self._tag(subject_id, since)}"

    def subject_of(self, session: str, now: datetime) -> tuple[str, int]:
        """Whose session this is, and since when (ms). Raises SubjectSignInFailed."""
        subject_id, _, rest = session.partition(".")
        since, _, tag = rest.partition(".")
        if since.isascii() and since.isdigit() and len(since) <= _DIGITS:
            held = hmac.compare_digest(tag.encode(), self._tag(subject_id, int(since)).encode())
            if held and _ms(now - SESSION) < int(since):
                return subject_id, int(since)
        raise SubjectSignInFailed("the session is over")

    def _tag(self, subject_id: str, since: int) -> str:
        said = _SESSION + f"{subject_id}.{since}".encode()
        return hmac.new(sealing_part(self.safe.master), said, hashlib.sha256).hexdigest()


def subject_name(name: str) -> str:
    """What a person's word at rest is bound to."""
    return f"subject/{name}"


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A person's word to one holder: the tie, the bytes, the signature."""

    tie: TieRow
    word: bytes
    sig: bytes

    @property
    def subjects(self) -> dict[str, str]:
        """As a statement names it."""
        return {"word": sha256_hex(self.word)}


def digest_of_code(code: str) -> str:
    """SHA-256 of a code's letters and digits, in capitals: however it is written."""
    return sha256_hex("".join(one for one in code.upper() if one.isalnum()).encode())


def new_code() -> str:
    """A code of 120 bits, in groups that can be written down."""
    text = b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[at : at + 6] for at in range(0, len(text), 6))


async def invite(s: WriteSession, act: Act, *, pseudonym: str, code_mark: str) -> TieRow:
    """Invite a person whom a holder knows by a pseudonym (SBT.INVITE).

    A code is one invitation's, whoever made it. Raises SubjectTiedBefore, InvitationTaken.
    """
    await require_member(s, org_id=act.actor.org_id)
    known = await repository.tie_of(s, holder_id=act.actor.org_id, pseudonym=pseudonym)
    if known is not None:
        raise SubjectTiedBefore("another pseudonym for another invitation", status=known.status.value)
    due = due_after(act.now, "SUB-TIE", "invitation")
    row = TieRow(
        tie_id=act.new_id("sbt"),
        holder_id=act.actor.org_id,
        pseudonym=pseudonym,
        code_mark=code_mark,
        challenge=act.nonce(),
        status=TieState.INVITED,
        invited_at=act.occurred_at,
        due_at=due,
    )
    taken = InvitationTaken("make another code, at random: this one is another invitation's")
    await begin(s, act, row, TieEvent.INVITE, taken=taken)
    await wind(s, row.tie_id, due)
    return row


async def recall(s: WriteSession, act: Act, *, tie_id: str) -> TieRow:
    """Take an invitation back (SBT.RECALL)."""
    row = await repository.claim_tie(s, tie_id=tie_id)
    check_holder(act, row)
    await step(s, act, row, TieEvent.RECALL)
    return row


async def accept(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    invitation: str,
    subject_id: str | None = None,
    code: str | None = None,
    did: str | None = None,
) -> TieRow:
    """Answer an invitation (SBT.TIE): as who is signed in, or as a new person under a new `code`.

    `did` is a key of the person's own for this holder; without one a wallet's is made and sealed here.
    Raises InvitationInvalid, which tells no reason.
    """
    row = await repository.claim_invitation(s, code_mark=desk.mark(invitation))
    if row is None or row.status is not TieState.INVITED or act.now > row.due_at:
        raise InvitationInvalid("no invitation of this code is open")
    if subject_id is None:
        assert code is not None
        subject = SubjectRow(
            subject_id=act.new_id("sub"), code_mark=desk.mark(code), opened_at=act.occurred_at
        )
        s.add(subject)
        await s.flush()
        subject_id = subject.subject_id
    wallet = None if did is not None else SigningKey.from_bytes(bytes.fromhex(act.nonce()))
    public = wallet.public if wallet is not None else public_of(did or "")
    values = {
        "subject_id": subject_id,
        "did": did_key(public),
        "keyid": keyid_of(public),
        "sealed_key": None if wallet is None else desk.safe.seal_key(wallet),
    }
    await step(s, act, row, TieEvent.TIE, Said(public={"own_key": wallet is None}), values=values)
    return row


async def lapse(s: WriteSession, act: Act, *, tie_id: str) -> bool:
    """The clock's end of an invitation that nobody has answered (SBT.LAPSE)."""
    row = await repository.claim_tie(s, tie_id=tie_id)
    if row.status is not TieState.INVITED or act.now <= row.due_at:
        return False
    await step(s, act, row, TieEvent.LAPSE)
    return True


async def sign_in(s: ReadSession, *, desk: SubjectDesk, code: str) -> SubjectRow:
    """The person of a code. Raises SubjectSignInFailed."""
    found = await repository.subject_marked(s, code_mark=desk.mark(code))
    if found is None:
        raise SubjectSignInFailed("nobody has this code")
    return found


async def signed_in(s: ReadSession, *, desk: SubjectDesk, session: str, now: datetime) -> str:
    """Who is signed in by a session that was not ended. Raises SubjectSignInFailed."""
    subject_id, since = desk.subject_of(session, now)
    row = await s.get(SubjectRow, subject_id, populate_existing=True)
    if row is None or (row.signed_out_at is not None and since <= _ms(row.signed_out_at)):
        raise SubjectSignInFailed("the session is over")
    return subject_id


async def sign_out(s: WriteSession, *, subject_id: str, now: datetime) -> None:
    """End every session that a person has; nothing is stated of it."""
    row = await s.get(SubjectRow, subject_id, populate_existing=True)
    if row is not None:
        row.signed_out_at = now
        s.add(row)
        await s.flush()


async def speak(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    tie_id: str,
    subject_id: str,
    says: str,
    args: Mapping[str, Any],
    signature: str | None = None,
) -> Spoken:
    """Take a person's word to a holder; the next one carries another challenge.

    Raises SubjectRecordUnknown, and SubjectWordForged where a key of the person's own did not sign this.
    """
    row = await repository.claim_tie(s, tie_id=tie_id)
    if row.subject_id != subject_id or row.did is None or row.keyid is None:
        raise SubjectRecordUnknown("no such record")
    word = word_of(
        act=says,
        args=args,
        challenge=row.challenge,
        did=row.did,
        holder_id=row.holder_id,
        origin=desk.origin,
    )
    message = pre_authentication(PAYLOAD_TYPE, word)
    if row.sealed_key is not None:
        sig = desk.safe.open_key(keyid=row.keyid, sealed=row.sealed_key).sign(message)
    else:
        sig = _raw(signature)
        if not signature_holds(public_of(row.did), message, sig):
            raise SubjectWordForged("sign these words with the key that the holder knows", tie_id=tie_id)
    row.challenge = act.nonce()
    s.add(row)
    await s.flush()
    return Spoken(row, word, sig)


def _raw(signature: str | None) -> bytes:
    """The bytes of a signature in hex; none for what is no hex."""
    try:
        return bytes.fromhex(signature or "")
    except ValueError:
        return b""
