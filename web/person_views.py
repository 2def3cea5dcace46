"""What data subjects, holders and receivers are shown of persons' data: for both doors."""

from datetime import datetime
from typing import Any

from base.db import ReadSession
from base.signing import Envelope, Signature
from registry.subjects import asking, repository
from registry.subjects.entering import SubjectDesk
from registry.subjects.roots import entry_of
from registry.subjects.rules import PAYLOAD_TYPE
from registry.subjects.tables import AskedRow, DeletionRow, GivenRow, ShownRow, TieRow, WordingRow
from web.node import Node
from web.person_forms import desk_of
from web.views import View


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
