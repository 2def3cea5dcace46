"""The acts of assessments, assessors, catalogue rounds and confidential items: who does them, with what."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from base.errors import Malformed
from ledger.recording import Act
from market.listings.repository import get_file
from registry.assessments import assessing, confiding, reviewing, rounds, yearly
from registry.assessments.confiding import Marked
from registry.assessments.rules import MAX_FILE_BYTES
from registry.assessments.seeing import require_seen
from registry.assessments.states import ASSESSORS, AUTHORITIES, KEEPERS
from registry.grading.states import ANYONE, CATALOGUERS, HOLDERS, REVIEWERS
from web.acts import ActKind, Args, kind
from web.assessment_forms import (
    AnswerFindingArgs,
    AnswerRoundArgs,
    AssessmentIdArgs,
    AssessmentReasonArgs,
    AssessorArgs,
    AssessorReasonArgs,
    BeginAssessmentArgs,
    CompleteRiskArgs,
    ConcludeArgs,
    ForwardRiskArgs,
    ItemReasonArgs,
    MarkArgs,
    OpenRoundsArgs,
    OrderRiskArgs,
    PlanRiskArgs,
    QualificationArgs,
    ReadArgs,
    ReaderArgs,
    RectifyRiskArgs,
    RemedyArgs,
    ReviseArgs,
    RiskArgs,
    StartRiskArgs,
    SubmitAssessmentArgs,
)
from web.assessment_views import (
    AccessView,
    FullAssessorView,
    FullRiskView,
    ItemView,
    RoundsOpenedView,
    RoundView,
    SecurityAssessmentView,
)
from web.node import Node
from web.views import View

_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


async def _conclude(s: WriteSession, act: Act, args: ConcludeArgs, node: Node) -> Any:
    del node
    return await reviewing.conclude(s, act, assessment_id=args.assessment_id, **args.value())


async def _apply(s: WriteSession, act: Act, args: QualificationArgs, node: Node) -> Any:
    del node
    return await assessing.apply_as_assessor(s, act, qualification=args.value())


async def _mark(s: WriteSession, act: Act, args: MarkArgs, node: Node) -> Any:
    del node
    if (args.file_id is None) is (args.sha256 is None):
        raise Malformed("an uploaded file or a digest, one of the two", fields=["file_id", "sha256"])
    if args.file_id is None:
        marked = Marked(sha256=args.sha256 or "", object_id=args.object_id)
    else:
        file = await get_file(s, file_id=args.file_id, owner_id=act.actor.org_id)
        if file.bytes > MAX_FILE_BYTES:
            raise Malformed("a confidential file is of 16 MiB at the most", fields=["file_id"])
        marked = Marked(
            sha256=file.sha256, object_id=args.object_id, file_id=file.file_id, file_bytes=file.bytes
        )
    return await confiding.mark(
        s,
        act,
        marked=marked,
        secrecy=args.secrecy,
        title=args.title,
        until=args.until,
        readers=args.readers,
    )


_RECORDS: Final = frozenset({"assessment_id", "risk_id", "assessor_id", "round_id", "item_id"})
_TOLD: Final = frozenset({"CFI.READ"})
"""Nobody tries to read what is secret unseen: that refusal is on the ledger, and the same of no record."""


def _seen(verb: _Carry, about: str) -> _Carry:
    """A step of a record that is there for the actor: of another's it is not told that there is one."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        await require_seen(s, act.actor, getattr(args, about))
        return await verb(s, act, args, node)

    return carry_out


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View],
    about: str,
    status: int = 200,
) -> ActKind[Any]:
    return kind(
        ActKind(
            name=name,
            event=event,
            args=args,
            roles=roles,
            verb=_seen(verb, about) if about in _RECORDS and event not in _TOLD else verb,
            answer=answer,
            about=lambda given: getattr(given, about, about),
            status=status,
        )
    )


_PIA: dict[str, Any] = {"answer": SecurityAssessmentView.of, "about": "assessment_id"}
BEGIN = _kind(
    "assessment.begin",
    "PIA.BEGIN",
    BeginAssessmentArgs,
    HOLDERS,
    _plain(reviewing.begin_assessment),
    answer=SecurityAssessmentView.of,
    about="object_id",
    status=201,
)
REVISE = _kind("assessment.revise", "PIA.REVISE", ReviseArgs, HOLDERS, _plain(reviewing.revise), **_PIA)
SUBMIT = _kind(
    "assessment.submit", "PIA.SUBMIT", SubmitAssessmentArgs, HOLDERS, _plain(reviewing.submit), **_PIA
)
WITHDRAW = _kind(
    "assessment.withdraw", "PIA.WITHDRAW", AssessmentIdArgs, HOLDERS, _plain(reviewing.withdraw), **_PIA
)
SEND_BACK = _kind(
    "assessment.return", "PIA.RETURN", AssessmentReasonArgs, REVIEWERS, _plain(reviewing.send_back), **_PIA
)
CONCLUDE = _kind("assessment.conclude", "PIA.PASS", ConcludeArgs, REVIEWERS, _conclude, **_PIA)
REMEDY = _kind("assessment.remedy", "PIA.REMEDY", RemedyArgs, HOLDERS, _plain(reviewing.remedy), **_PIA)
ANSWER_FINDING = _kind(
    "assessment.finding",
    "PIA.CLOSE",
    AnswerFindingArgs,
    REVIEWERS,
    _plain(reviewing.answer_finding),
    **_PIA,
)
END = _kind("assessment.end", "PIA.END", AssessmentReasonArgs, HOLDERS, _plain(reviewing.end), **_PIA)
REVOKE = _kind(
    "assessment.revoke", "PIA.REVOKE", AssessmentReasonArgs, REVIEWERS, _plain(reviewing.revoke), **_PIA
)

_ASR: dict[str, Any] = {"answer": FullAssessorView.of, "about": "assessor_id"}
APPLY = _kind(
    "assessor.apply",
    "ASR.APPLY",
    QualificationArgs,
    ASSESSORS,
    _apply,
    answer=FullAssessorView.of,
    about="assessor",
    status=201,
)
WITHDRAW_APPLICATION = _kind(
    "assessor.withdraw",
    "ASR.WITHDRAW",
    AssessorArgs,
    ASSESSORS,
    _plain(assessing.withdraw_application),
    **_ASR,
)
REGISTER = _kind(
    "assessor.register",
    "ASR.REGISTER",
    AssessorArgs,
    AUTHORITIES,
    _plain(assessing.register_assessor),
    **_ASR,
)
REFUSE = _kind(
    "assessor.refuse",
    "ASR.REFUSE",
    AssessorReasonArgs,
    AUTHORITIES,
    _plain(assessing.refuse_assessor),
    **_ASR,
)
SUSPEND = _kind(
    "assessor.suspend",
    "ASR.SUSPEND",
    AssessorReasonArgs,
    AUTHORITIES,
    _plain(assessing.suspend_assessor),
    **_ASR,
)
RESUME = _kind(
    "assessor.resume",
    "ASR.RESUME",
    AssessorReasonArgs,
    AUTHORITIES,
    _plain(assessing.resume_assessor),
    **_ASR,
)
END_ASSESSOR = _kind(
    "assessor.end",
    "ASR.END",
    AssessorReasonArgs,
    ASSESSORS | AUTHORITIES,
    _plain(assessing.end_assessor),
    **_ASR,
)

_RKA: dict[str, Any] = {"answer": FullRiskView.of, "about": "risk_id"}
PLAN = _kind(
    "risk.plan",
    "RKA.PLAN",
    PlanRiskArgs,
    AUTHORITIES,
    _plain(yearly.plan),
    answer=FullRiskView.of,
    about="handler_id",
    status=201,
)
START = _kind("risk.start", "RKA.START", StartRiskArgs, HOLDERS, _plain(yearly.start), **_RKA)
COMPLETE = _kind(
    "risk.complete", "RKA.COMPLETE", CompleteRiskArgs, HOLDERS | ASSESSORS, _plain(yearly.complete), **_RKA
)
REPORT = _kind("risk.report", "RKA.REPORT", RiskArgs, HOLDERS, _plain(yearly.report), **_RKA)
FORWARD = _kind("risk.forward", "RKA.FORWARD", ForwardRiskArgs, AUTHORITIES, _plain(yearly.forward), **_RKA)
ORDER = _kind("risk.order", "RKA.ORDER", OrderRiskArgs, AUTHORITIES, _plain(yearly.order), **_RKA)
FINISH = _kind("risk.finish", "RKA.FINISH", RiskArgs, HOLDERS, _plain(yearly.finish), **_RKA)
RECTIFY = _kind("risk.rectify", "RKA.RECTIFY", RectifyRiskArgs, HOLDERS, _plain(yearly.rectify), **_RKA)
RETURN_RISK = _kind(
    "risk.return", "RKA.SEND_BACK", OrderRiskArgs, AUTHORITIES, _plain(yearly.send_back), **_RKA
)
ARCHIVE = _kind("risk.archive", "RKA.ARCHIVE", RiskArgs, AUTHORITIES, _plain(yearly.archive), **_RKA)

OPEN_ROUNDS = _kind(
    "rounds.open",
    "ICR.OPEN",
    OpenRoundsArgs,
    AUTHORITIES,
    _plain(rounds.open_this_year),
    answer=RoundsOpenedView.of,
    about="rounds",
    status=201,
)
ANSWER_ROUND = _kind(
    "rounds.answer",
    "ICR.ANSWER",
    AnswerRoundArgs,
    CATALOGUERS,
    _plain(rounds.answer_round),
    answer=RoundView.of,
    about="round_id",
)

_CFI: dict[str, Any] = {"answer": ItemView.of, "about": "item_id"}
MARK = _kind(
    "confidential.mark",
    "CFI.MARK",
    MarkArgs,
    KEEPERS,
    _mark,
    answer=ItemView.of,
    about="confidential",
    status=201,
)
ADMIT = _kind("confidential.admit", "CFI.ADMIT", ReaderArgs, KEEPERS, _plain(confiding.admit), **_CFI)
EXCLUDE = _kind("confidential.exclude", "CFI.EXCLUDE", ReaderArgs, KEEPERS, _plain(confiding.exclude), **_CFI)
READ = _kind(
    "confidential.read",
    "CFI.READ",
    ReadArgs,
    ANYONE,
    _plain(confiding.read),
    answer=AccessView.of,
    about="item_id",
    status=201,
)
LIFT = _kind("confidential.lift", "CFI.LIFT", ItemReasonArgs, KEEPERS, _plain(confiding.lift), **_CFI)
