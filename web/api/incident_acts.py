"""The acts of incidents, warnings and bulletins: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from cases.bulletins import issuing
from cases.bulletins.states import ISSUERS, READERS
from cases.incidents import alarming, containing, detecting, ending, reporting
from cases.incidents.states import CLOSERS, OPERATOR, ORDERERS, OWNERS, PROTECTION, RECEIVERS
from ledger.recording import Act
from web.acts import ActKind, Args, kind
from web.incident_forms import (
    BulletinArgs,
    BulletinWhyArgs,
    CloseArgs,
    DetectArgs,
    EscalateArgs,
    ForwardArgs,
    GradeArgs,
    GroundsArgs,
    IssueArgs,
    LiftArgs,
    MeasureArgs,
    NothingArgs,
    OfReportArgs,
    ProofArgs,
    ReadingArgs,
    RegradeArgs,
    ReportArgs,
    SaidArgs,
    SubjectsArgs,
    SubscribeArgs,
    SummaryArgs,
    WarningArgs,
    WarningWhyArgs,
    WhyArgs,
)
from web.incident_views import (
    AddresseeView,
    BulletinView,
    IncidentView,
    MeasureView,
    ProofView,
    ReportView,
    SubscriptionView,
    ToldView,
    WarningView,
)
from web.node import Node
from web.views import View

_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]
_EXCHANGE: Final = frozenset({OPERATOR})
_CAC: Final = frozenset({"CAC"})


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are, but for facts and address."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        said = dict(args)
        said |= {name: said[name].value() for name in ("facts", "address") if name in said}
        return await verb(s, act, **said)

    return carry_out


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: Callable[..., Awaitable[Any]],
    *,
    answer: Callable[[Any], View] = IncidentView.of,
    about: Callable[[Any], str] = lambda args: args.incident_id,
    status: int = 200,
) -> ActKind[Any]:
    made = ActKind(
        name=name,
        event=event,
        args=args,
        roles=roles,
        verb=_plain(verb),
        answer=answer,
        about=about,
        status=status,
    )
    return kind(made)


def _incident(
    name: str,
    args: type[Args],
    verb: Callable[..., Awaitable[Any]],
    roles: frozenset[str] = OWNERS,
    **more: Any,
) -> ActKind[Any]:
    event = f"INC.{name.upper().replace('-', '_')}"
    return _kind(f"incident.{name}", event, args, roles, verb, **more)


DETECT = _incident("detect", DetectArgs, detecting.detect, about=lambda _: "incident", status=201)
GRADE = _incident("grade", GradeArgs, detecting.grade_incident)
REGRADE = _incident("regrade", RegradeArgs, detecting.regrade)
DISMISS = _incident("dismiss", WhyArgs, detecting.dismiss_incident, _EXCHANGE)
EVIDENCE = _incident("evidence", ProofArgs, detecting.add_evidence, answer=ProofView.of, status=201)
REPORT = _incident("report", ReportArgs, reporting.report, answer=ReportView.of, status=201)
RECEIVE = _incident("receive", OfReportArgs, reporting.receive_report, RECEIVERS, answer=ReportView.of)
FORWARD = _incident(
    "forward", ForwardArgs, reporting.forward_report, PROTECTION, answer=ReportView.of, status=201
)
MEASURE = _incident(
    "measure", MeasureArgs, containing.order_measure, ORDERERS, answer=MeasureView.of, status=201
)
LIFT = _incident("lift", LiftArgs, containing.lift_measure, ORDERERS, answer=MeasureView.of)
CONTAIN = _incident("contain", SaidArgs, containing.contain)
NOTIFY = _incident("notify_subjects", SubjectsArgs, ending.notify_subjects)
SPARE = _incident("spare_subjects", GroundsArgs, ending.spare_subjects)
ORDER_NOTICE = _incident("order_notice", WhyArgs, ending.order_notice, _CAC)
ERADICATE = _incident("eradicate", SaidArgs, ending.eradicate)
REVIEW = _incident("review", SummaryArgs, ending.review)
CLOSE = _incident("close", CloseArgs, ending.close, CLOSERS)


def _warning(name: str, args: type[Args], verb: Callable[..., Awaitable[Any]], **more: Any) -> ActKind[Any]:
    about: Any = more.pop("about", lambda args: args.warning_id)
    answer: Any = more.pop("answer", WarningView.of)
    event = f"WRN.{name.upper()}"
    return _kind(f"warning.{name}", event, args, _EXCHANGE, verb, answer=answer, about=about, **more)


TELL = _warning(
    "raise", ReadingArgs, alarming.tell_reading, about=lambda _: "warning", answer=ToldView.of_row
)
ACKNOWLEDGE = _warning("acknowledge", WarningArgs, alarming.acknowledge)
DISMISS_WARNING = _warning("dismiss", WarningWhyArgs, alarming.dismiss_warning)
ESCALATE = _warning("escalate", EscalateArgs, alarming.escalate, answer=IncidentView.of, status=201)


def _bulletin(
    name: str, args: type[Args], verb: Callable[..., Awaitable[Any]], roles: frozenset[str], **more: Any
) -> ActKind[Any]:
    about: Any = more.pop("about", lambda args: args.bulletin_id)
    answer: Any = more.pop("answer", BulletinView.of)
    event = f"BUL.{name.upper()}"
    return _kind(f"bulletin.{name}", event, args, roles, verb, answer=answer, about=about, **more)


ISSUE = _bulletin("issue", IssueArgs, issuing.issue, ISSUERS, about=lambda _: "bulletin", status=201)
RECEIVE_BULLETIN = _bulletin("receive", BulletinArgs, issuing.receive, READERS, answer=AddresseeView.of)
WITHDRAW_BULLETIN = _bulletin("withdraw", BulletinWhyArgs, issuing.withdraw, ISSUERS)
SUBSCRIBE = _bulletin(
    "subscribe",
    SubscribeArgs,
    issuing.subscribe,
    READERS,
    about=lambda _: "subscription",
    answer=SubscriptionView.of,
)
UNSUBSCRIBE = _bulletin(
    "unsubscribe",
    NothingArgs,
    issuing.unsubscribe,
    READERS,
    about=lambda _: "subscription",
    answer=SubscriptionView.of,
)
