"""What data subjects, holders and receivers say of persons' data: for both doors."""

from typing import Annotated, Final

from fastapi import Header, Request
from pydantic import Field

from base.errors import Unauthenticated
from market.listings.conditions import Purpose
from registry.subjects.entering import SubjectDesk, signed_in
from registry.subjects.errors import SubjectSignInFailed
from registry.subjects.roots import Node as TreeNode
from registry.subjects.roots import Path
from registry.subjects.rules import (
    MAX_NAMES,
    MAX_TEXT,
    MAX_TOLD,
    PSEUDONYM,
    AskedKind,
    ConsentKind,
    RefusalReason,
    Wanted,
)
from registry.subjects.rules import Asked as AskedOf
from web.acts import Args, Asked, Id, Moment, Sha256
from web.node import Node

COOKIE: Final = "databourse_person"
Code = Annotated[str, Field(min_length=10, max_length=60)]
Pseudonym = Annotated[str, Field(pattern=PSEUDONYM)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Did = Annotated[str, Field(pattern=r"^did:key:z[1-9A-HJ-NP-Za-km-z]{20,100}$")]
Sig = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Purposes = Annotated[list[Purpose], Field(max_length=len(Purpose))]
Recipients = Annotated[list[Id], Field(max_length=MAX_NAMES)]
ObjectId = Annotated[str, Field(pattern=r"^(prd|dat)_[0-9a-hjkmnp-tv-z]{26}$")]


def desk_of(node: Node) -> SubjectDesk:
    """Where persons speak on this node."""
    return SubjectDesk(node.safe, node.settings.origin)


async def person_of(
    request: Request, authorization: Annotated[str | None, Header(max_length=300)] = None
) -> str:
    """Who calls as a data subject, by a session's token; a cookie reads alone. Raises Unauthenticated."""
    node: Node = request.app.state.node
    scheme, _, token = (authorization or "").partition(" ")
    if authorization is None and request.method in {"GET", "HEAD"}:
        scheme, token = "bearer", request.cookies.get(COOKIE, "")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("a person's session is asked for")
    try:
        async with node.database.read() as s:
            return await signed_in(s, desk=desk_of(node), session=token, now=node.clock.now())
    except SubjectSignInFailed:
        raise Unauthenticated("the session is over: sign in with your code again") from None


class SignedForm(Asked):
    """Who keeps its own key signs the word (`GET /my-data` tells the challenge); a wallet signs by itself."""

    signature: Sig | None = None


class InvitationForm(Asked):
    """The code that the holder has handed over; `did` is a key of one's own for this holder."""

    invitation: Code
    did: Did | None = None


class CodeForm(Asked):
    code: Code


class OfGivenForm(SignedForm):
    given_id: Id


class OfRequestForm(SignedForm):
    request_id: Id


class GiveForm(SignedForm):
    """All that is asked where nothing is said, or less."""

    tie_id: Id
    wording_id: Id
    purposes: Purposes = Field(default=[])
    recipients: Recipients = Field(default=[])
    valid_until: Moment | None = None

    def wanted(self) -> Wanted:
        return Wanted(
            purposes=tuple(one.value for one in self.purposes),
            recipients=tuple(self.recipients),
            valid_until=self.valid_until,
        )


class SiblingForm(Asked):
    hash: Hex
    count: Annotated[int, Field(ge=0, le=10**10)]


class PathForm(Asked):
    """A Merkle path from the root down, and what lies at its end (`docs/subjects.md`)."""

    consent_id: Id
    siblings: Annotated[list[SiblingForm], Field(max_length=256)]
    found: Hex | None = None

    def path(self) -> Path:
        siblings = tuple(TreeNode(bytes.fromhex(one.hash), one.count) for one in self.siblings)
        return Path(siblings, self.found)


class RequestForm(SignedForm):
    tie_id: Id
    kind: AskedKind
    text: Words
    object_id: ObjectId | None = None


class ComplaintForm(SignedForm):
    text: Words


class InviteArgs(Args):
    """How the holder knows the person: a salted digest of its own, 64 hex digits.

    `invitation_sha256` is that of a code's letters and digits in capitals. Who invites makes the code, of 120
    bits at least, and hands it over: the exchange has never seen it.
    """

    pseudonym: Pseudonym
    invitation_sha256: Sha256


class TieArgs(Args):
    tie_id: Id


class WordingArgs(Args):
    """One thing is asked, and all is told that the law wants told of it."""

    kind: ConsentKind
    object_id: ObjectId
    text: Words
    told: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^[a-z_]{1,30}$")],
            Annotated[str, Field(min_length=1, max_length=MAX_TOLD)],
        ],
        Field(max_length=20),
    ]
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=len(Purpose))]
    recipients: Recipients = Field(default=[])
    months: Annotated[int, Field(ge=1, le=120)] = 12

    def value(self) -> AskedOf:
        return AskedOf(
            kind=self.kind,
            object_id=self.object_id,
            text=self.text,
            told=self.told,
            purposes=tuple(one.value for one in self.purposes),
            recipients=tuple(self.recipients),
            months=self.months,
        )


class OfWordingArgs(Args):
    wording_id: Id


class ShowArgs(Args, PathForm):
    given_id: Id


class TextForm(Asked):
    text: Words


class AnswerArgs(Args, TextForm):
    request_id: Id


class RefuseForm(TextForm):
    reason: RefusalReason


class RefuseArgs(Args, RefuseForm):
    request_id: Id


class OfRequestArgs(Args):
    request_id: Id


class ConfirmForm(Asked):
    """How many rows went, none may have been there; and the digest of one's own record of it."""

    rows_deleted: Annotated[int, Field(ge=0, le=10**9)]
    proof_sha256: Sha256


class ConfirmArgs(Args, ConfirmForm):
    deletion_id: Id
