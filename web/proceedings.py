"""What people file, how they follow it up, and what a party of a case reads and says: for both doors.

None of this is signed by who does it: the exchange states it, and the log names neither who reported nor
whom a case is about (`docs/cases.md`).
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from base.db import ReadSession, WriteSession
from base.idempotency import Answer
from cases import filing, repository
from cases.appealing import ways_open
from cases.deadlines import basis_of
from cases.filing import MOST_TEXT, Filed, Paper
from cases.moving import Speaker
from cases.reading import case_of_party, limits_for, may_say, status_for, terms_of, told_to
from cases.reporters import Reporter, cases_under, messages, read_reporter
from cases.rules import CaseEvent, CaseState, Matter
from cases.states import DESKS, PARTY, REPORTER
from cases.tables import Case, CaseDeadline
from ledger.acts import perform
from ledger.recording import Act
from web.acts import Asked, Id
from web.deps import Caller
from web.node import Node
from web.views import View

Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
Code = Annotated[str, Field(min_length=10, max_length=60)]


class PaperForm(Asked):
    """A complaint (a dispute to be mediated), a report (a clue), or both; without a name it is anonymous."""

    complaint: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    report: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    matter: Matter = Matter.MARKET_RULE
    about: list[Id] = Field(default=[], max_length=20)
    objects: list[Id] = Field(default=[], max_length=20)
    acted_on: date | None = None
    grave: bool = False
    name: Annotated[str, Field(max_length=100)] = ""
    contact: Annotated[str, Field(max_length=200)] = ""


class FiledView(View):
    """The code is told once: with it one follows up."""

    code: str
    case_ids: list[str]


class CodeForm(Asked):
    code: Code


class WordForm(CodeForm):
    text: Text


class TermsForm(CodeForm):
    case_id: Id
    terms: Text


class MessageView(View):
    from_reporter: bool
    at: datetime
    text: str


class FollowedView(View):
    """How far a paper has come, and what was written."""

    case_id: str
    kind: str
    status: str
    matter: str
    authority: str | None
    filed_at: datetime
    closed_at: datetime | None
    messages: list[MessageView]
    deadlines: list["DeadlineView"]
    terms: list[str]
    """What the other side of a mediation consents to."""


class ReporterView(View):
    """Who filed it; nothing where it is anonymous, was found by supervision, or is forgotten."""

    name: str
    contact: str
    org_id: str | None


class PaperView(View):
    """A paper of the file; who has spoken for a party or reported is not named."""

    number: int
    event: str
    org_id: str
    at: datetime
    document: dict[str, Any]


class DeadlineView(View):
    """A time limit, and the law it rests on: not to be quoted where it is marked `unverified`."""

    matter: str
    due_at: datetime
    met_at: datetime | None
    overdue_at: datetime | None
    legal_basis: str | None = None
    source_status: str | None = None

    @classmethod
    def of(cls, row: CaseDeadline, way: str = "") -> "DeadlineView":
        found = basis_of(row.matter, row.set_at, way=way)
        view = cls.model_validate(row)
        if found is None:
            return view
        known = {"legal_basis": found.row.legal_basis, "source_status": found.row.source_status}
        return view.model_copy(update=known)


class SayView(View):
    """What a party can say now; `until` is the last moment for it, nothing where no time runs."""

    event: str
    until: datetime | None


class PartyCaseView(View):
    """A case as a party sees it: what it was told, what it has said itself, and what it can say now."""

    case_id: str
    kind: str
    status: str
    matter: str
    authority: str | None
    papers: list[PaperView]
    deadlines: list[DeadlineView]
    terms: list[str]
    may_say: list[SayView]
    appeals: dict[str, datetime]


class PublishedView(View):
    """A published decision. One that was changed or revoked on appeal names nobody any more."""

    case_id: str
    rule_id: str
    document: dict[str, Any]
    published_at: datetime
    under_appeal: bool = False
    withdrawn_by: str | None = None


class WordsForm(Asked):
    text: Text


class AppealForm(WordsForm):
    """To a review within 60 days, or to a court within six months, or within 15 days of a review's ruling."""

    way: Annotated[str, Field(pattern=r"^(REVIEW|LAWSUIT)$")]


async def file_paper(node: Node, form: PaperForm, reporter: Reporter) -> Filed:
    """Take in a paper, as the exchange. Raises Malformed."""
    paper = Paper(
        complaint=form.complaint,
        report=form.report,
        about=tuple(form.about),
        objects=tuple(form.objects),
        matter=form.matter,
        acted_on=form.acted_on,
        grave=form.grave,
        reporter=reporter,
    )

    async def received(s: WriteSession, act: Act) -> Filed:
        return await filing.receive_paper(s, act, paper=paper, master=node.safe.master)

    act = node.house.exchange_act()
    return await perform(
        node.house, act, received, attempted="CSE.FILE", object_id=node.house.exchange.actor.org_id
    )


async def followed(node: Node, code: str) -> list[FollowedView]:
    """What became of a paper. Raises CodeUnknown."""
    async with node.database.read() as s:
        found = await cases_under(s, code=code, master=node.safe.master)
        return [
            FollowedView(
                **{name: getattr(case, name) for name in _FOLLOWED},
                messages=[
                    MessageView.model_validate(one)
                    for one in await messages(s, case_id=case.case_id, master=node.safe.master)
                ],
                deadlines=[
                    DeadlineView.of(one)
                    for one in await repository.deadlines_of(s, case_id=case.case_id)
                    if one.matter in _FOR_FILER
                ],
                terms=await terms_of(s, case_id=case.case_id, side=PARTY),
            )
            for case in found
        ]


_FOR_FILER = {"triage", "first_answer", "answer", "verification", "mediation", "telling", "mediation_telling"}
_FOLLOWED = ("case_id", "kind", "status", "matter", "authority", "filed_at", "closed_at")


async def write_word(node: Node, form: WordForm) -> None:
    """Keep a further word of who filed a paper. Raises CodeUnknown."""

    async def written(s: WriteSession, act: Act) -> None:
        await filing.write_as_reporter(s, act, code=form.code, text=form.text, master=node.safe.master)

    exchange = node.house.exchange.actor.org_id
    await perform(node.house, node.house.exchange_act(), written, attempted="CSE.TELL", object_id=exchange)


async def consent_to(node: Node, form: "TermsForm") -> None:
    """Consent to the terms of a mediation, as who complained. Raises CodeUnknown, CaseWrongState."""

    async def agreed(s: WriteSession, act: Act) -> Case:
        return await filing.consent_as_reporter(
            s, act, code=form.code, case_id=form.case_id, terms=form.terms, master=node.safe.master
        )

    act = node.house.exchange_act()
    await perform(node.house, act, agreed, attempted="CSE.CONSENT", object_id=form.case_id)


async def on_display(s: ReadSession, *, now: datetime) -> list[PublishedView]:
    """What is published of each case on display; then what was withdrawn, with the reason, and no names."""
    shown = [
        PublishedView(
            case_id=case.case_id,
            rule_id=case.rule_id,
            document=paper.document,
            published_at=paper.at,
            under_appeal=case.status is CaseState.APPEALED_PUBLISHED,
        )
        for case, paper in await repository.displayed(s, now=now)
    ]
    again = {one.case_id for one in shown}
    return shown + [
        PublishedView(
            case_id=case.case_id,
            rule_id=case.rule_id,
            document={"org_ids": [], "fines": {}},
            published_at=ruling.at,
            withdrawn_by=ruling.event,
        )
        for case, ruling in await repository.withdrawn(s, now=now)
        if case.case_id not in again
    ]


async def write_note(caller: Caller, case_id: str, text: str) -> None:
    """Keep a note of the caller. Raises CaseUnknown, CaseWrongRole."""

    async def noted(s: WriteSession, act: Act) -> Case:
        return await filing.write_note(s, act, case_id=case_id, text=text)

    (role,) = sorted(caller.actor.roles & DESKS)[:1] or ("",)
    act = caller.node.house.act(caller.actor, role, caller.node.house.exchange.pen)
    await perform(caller.node.house, act, noted, attempted="CSE.TELL", object_id=case_id)


async def party_view(s: ReadSession, *, case_id: str, org_id: str, now: datetime) -> PartyCaseView:
    """A case as this party sees it. Raises CaseUnknown."""
    case = await case_of_party(s, case_id=case_id, org_id=org_id)
    return await for_party(s, case, org_id, now=now)


async def for_party(s: ReadSession, case: Case, org_id: str, *, now: datetime) -> PartyCaseView:
    """A case as this party sees it, which was told of it."""
    told = await told_to(s, case=case, org_id=org_id)
    running = limits_for(told)
    may = await may_say(s, case=case, org_id=org_id, told=told, now=now)
    return PartyCaseView(
        case_id=case.case_id,
        kind=case.kind.value,
        status=status_for(case, told).value,
        matter=case.matter.value,
        authority=case.authority,
        papers=[PaperView.model_validate(one) for one in told],
        deadlines=[
            DeadlineView.of(one)
            for one in await repository.deadlines_of(s, case_id=case.case_id)
            if one.matter in running
        ],
        terms=await terms_of(s, case_id=case.case_id, side=REPORTER),
        may_say=[SayView(event=event.value, until=until) for event, until in may.items()],
        appeals=await ways_open(s, case=case, org_id=org_id, now=now) if CaseEvent.APPEAL in may else {},
    )


_Verb = Callable[..., Awaitable[Case]]


async def speak(caller: Caller, verb: _Verb, event: str, case_id: str, **said: Any) -> Answer:
    """Say something as a party: the exchange states it, once for a key. Raises what the verb raises."""
    node, org_id = caller.node, caller.actor.org_id
    party = Speaker(PARTY, org_id, caller.actor.user_id)

    async def spoken(s: WriteSession, act: Act) -> PartyCaseView:
        await verb(s, act, case_id=case_id, **{"party": party, **said})
        return await party_view(s, case_id=case_id, org_id=org_id, now=act.now)

    return await caller.perform(
        spoken,
        lambda made: made,
        route=f"party/cases/{case_id}/{event}",
        args=said,
        act=node.house.exchange_act(),
        attempted=f"CSE.{event}",
        object_id=case_id,
    )


async def consents(s: WriteSession, act: Act, *, case_id: str, party: Speaker, terms: str) -> Case:
    """A party's consent to the terms of a mediation."""
    return await filing.consent(s, act, case_id=case_id, terms=terms, speaker=party)


async def reads_reporter(caller: Caller, case_id: str) -> Any:
    """Who filed it, for an officer. Raises CaseUnknown, CaseWrongRole, `person-not-identified`."""

    async def reads(s: WriteSession, act: Act) -> Any:
        return await read_reporter(s, act, case_id=case_id, master=caller.node.safe.master)

    (role,) = sorted(caller.actor.roles & DESKS)[:1] or ("",)
    act = caller.node.house.act(caller.actor, role, caller.node.house.exchange.pen)
    return await perform(caller.node.house, act, reads, attempted="CSE.TELL", object_id=case_id)


def held_up(request: Request) -> None:
    """Papers from one address come at a pace. Raises TooManyAttempts."""
    state = request.app.state
    state.attempts.count(state.addresses.of(request))
