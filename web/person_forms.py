"""What data subjects, holders and receivers say of persons' data, and what they are answered: both doors."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header, Request
from pydantic import Field

from base.db import ReadSession
from base.errors import Unauthenticated
from base.signing import Envelope, Signature
from market.listings.conditions import Purpose
from registry.subjects import asking, repository
from registry.subjects.entering import SubjectDesk, signed_in
from registry.subjects.errors import SubjectSignInFailed
from registry.subjects.roots import Node as TreeNode
from registry.subjects.roots import Path, entry_of
from registry.subjects.rules import (
    MAX_NAMES,
    MAX_TEXT,
    MAX_TOLD,
    PAYLOAD_TYPE,
    PSEUDONYM,
    AskedKind,
    ConsentKind,
    RefusalReason,
    Wanted,
)
from registry.subjects.rules import Asked as AskedOf
from registry.subjects.tables import AskedRow, DeletionRow, GivenRow, ShownRow, TieRow, WordingRow
from web.acts import Args, Asked, Id, Moment, Sha256
from web.node import Node
from web.views import View

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


class TieView(View):
    """A person as a holder knows it; what the person signs carries the challenge."""

    tie_id: str
    holder_id: str
    pseudonym: str
    did: str | None
    status: str
    invited_at: datetime
    due_at: datetime

    @classmethod
    def of(cls, row: TieRow) -> "TieView":
        return cls.model_validate(row)


class OwnTieView(TieView):
    challenge: str


class WordingView(View):
    wording_id: str
    holder_id: str
    object_id: str
    kind: str
    version: int
    status: str
    words: str
    told: dict[str, str]
    purposes: list[str]
    recipients: list[str]
    months: int
    sha256: str
    published_at: datetime

    @classmethod
    def of(cls, row: WordingRow) -> "WordingView":
        return cls.model_validate(row)


class ShownView(View):
    consent_id: str
    present: bool
    shown_at: datetime


class GivenView(View):
    """One consent of one person."""

    given_id: str
    tie_id: str
    holder_id: str
    object_id: str
    wording_id: str
    kind: str
    status: str
    purposes: list[str]
    recipients: list[str]
    valid_from: datetime
    valid_until: datetime
    fallen_at: datetime | None
    settle_by: datetime | None
    overdue: bool
    settled_at: datetime | None

    @classmethod
    def of(cls, row: GivenRow) -> "GivenView":
        return cls.model_validate(row)


class FullGivenView(GivenView):
    """With the proof: the signed word as a DSSE envelope, the entry, and what was shown of it in records."""

    envelope: dict[str, Any]
    withdrawal: dict[str, Any] | None
    entry: str
    salt: str
    shown: list[ShownView]
    told: list["DeletionView"]


class DeletionView(View):
    """Who was told to delete. The entry is HMAC-SHA256 of the person's pseudonym under the entry key."""

    deletion_id: str
    given_id: str
    holder_id: str
    receiver_id: str
    object_id: str
    trade_id: str
    status: str
    told_at: datetime
    due_at: datetime
    confirmed_at: datetime | None
    rows_deleted: int | None
    proof_sha256: str | None

    @classmethod
    def of(cls, row: DeletionRow) -> "DeletionView":
        return cls.model_validate(row)


class ToldView(DeletionView):
    """As its receiver sees it."""

    entry_key: str
    entry: str


class RequestView(View):
    """A request with its words, for who asked and who was asked."""

    request_id: str
    tie_id: str
    holder_id: str
    object_id: str | None
    kind: str
    status: str
    reason: str | None
    submitted_at: datetime
    due_at: datetime
    answered_at: datetime | None
    done_at: datetime | None
    case_id: str | None


class FullRequestView(RequestView):
    text: str
    answer: str
    late: bool


class MyDataView(View):
    """All that a person has here."""

    ties: list[OwnTieView]
    wordings: list[WordingView]
    consents: list[GivenView]
    requests: list[FullRequestView]


class SessionView(View):
    """A session of half an hour, to be sent as a bearer token."""

    session: str
    seconds: int


class AcceptedView(SessionView):
    """The code is told once: with it the person signs in."""

    code: str
    tie_id: str


class ComplainedView(View):
    """The case, and the code with which to follow it up (`POST /reports/follow-up`)."""

    request_id: str
    case_id: str
    code: str


def request_view(desk: SubjectDesk, row: AskedRow, now: datetime) -> FullRequestView:
    """A request opened, for who may read it."""
    return FullRequestView(
        **RequestView.model_validate(row).model_dump(),
        text=desk.open(row.request_id, row.sealed),
        answer=desk.open(f"{row.request_id}/answer", row.sealed_answer),
        late=asking.is_late(row, now),
    )


def envelope_of(keyid: str, word: bytes, sig: bytes) -> dict[str, Any]:
    """A signed word as anybody checks it."""
    return Envelope(PAYLOAD_TYPE, word, (Signature(keyid, sig),)).document()


async def given_view(s: ReadSession, row: GivenRow) -> FullGivenView:
    """A consent with its proof, for the person and for the holder."""
    tie = await repository.get_tie(s, tie_id=row.tie_id)
    keyid = tie.keyid or ""
    withdrawn = (row.withdrawn_word, row.withdrawn_sig)
    shown: list[ShownRow] = list(await repository.shown_of(s, given_ids=[row.given_id]))
    told = await repository.deletions(s, given_ids=[row.given_id])
    return FullGivenView(
        **GivenView.of(row).model_dump(),
        envelope=envelope_of(keyid, row.word, row.sig),
        withdrawal=None if withdrawn[0] is None else envelope_of(keyid, withdrawn[0], withdrawn[1] or b""),
        entry=entry_of(tie.pseudonym, row.salt),
        salt=row.salt,
        shown=[ShownView.model_validate(one) for one in shown],
        told=[DeletionView.of(one) for one in told],
    )


async def my_data(node: Node, s: ReadSession, subject_id: str) -> MyDataView:
    """All that a person has here."""
    desk, now = desk_of(node), node.clock.now()
    ties = await repository.ties(s, subject_id=subject_id)
    asked = await repository.wordings(s, holder_ids=sorted({one.holder_id for one in ties}))
    return MyDataView(
        ties=[OwnTieView.model_validate(one) for one in ties],
        wordings=[WordingView.of(one) for one in asked],
        consents=[GivenView.of(one) for one in await repository.givens(s, subject_id=subject_id)],
        requests=[request_view(desk, one, now) for one in await repository.asked(s, subject_id=subject_id)],
    )
