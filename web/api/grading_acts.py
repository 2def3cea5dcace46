"""The acts of grading, of the important-data catalogue and of the records: who does them, with what."""

from collections.abc import Awaitable, Callable
from typing import Any

from base.db import WriteSession
from ledger.recording import Act
from registry.grading import cataloguing, declaring, keeping
from registry.grading.states import AUTHORITY, CATALOGUERS, CONFIRMERS, HOLDERS, OFFICERS
from web.acts import ActKind, Args, kind
from web.grading_forms import (
    AskChangeArgs,
    ConsentRecordArgs,
    ConsentRecordView,
    DecideLevelArgs,
    DeclareLevelArgs,
    EndConsentArgs,
    FullGradingView,
    GradingArgs,
    GradingOpinionArgs,
    IdentifyArgs,
    ImportantEntryArgs,
    ImportantEntryView,
    ImportantMatchView,
    ImportantReasonArgs,
    MatchArgs,
    WithdrawConsentArgs,
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


async def _declare(s: WriteSession, act: Act, args: DeclareLevelArgs, node: Node) -> Any:
    del node
    return await declaring.declare(s, act, object_id=args.object_id, declared=args.value())


async def _identify(s: WriteSession, act: Act, args: IdentifyArgs, node: Node) -> Any:
    del node
    return await cataloguing.identify(s, act, content=args.value())


async def _ask(s: WriteSession, act: Act, args: AskChangeArgs, node: Node) -> Any:
    del node
    content = None if args.content is None else args.content.value()
    return await cataloguing.ask_change(s, act, entry_id=args.entry_id, content=content)


async def _record_consents(s: WriteSession, act: Act, args: ConsentRecordArgs, node: Node) -> Any:
    del node
    return await keeping.record_consents(s, act, object_id=args.object_id, consents=args.value())


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View] = FullGradingView.of,
    about: str = "grading_id",
    status: int = 200,
) -> ActKind[Any]:
    return kind(
        ActKind(
            name=name,
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=answer,
            about=lambda given: getattr(given, about, about),
            status=status,
        )
    )


DECLARE = _kind(
    "grading.declare", "GRD.DECLARE", DeclareLevelArgs, HOLDERS, _declare, about="object_id", status=201
)
WITHDRAW = _kind("grading.withdraw", "GRD.WITHDRAW", GradingArgs, HOLDERS, _plain(declaring.withdraw))
RETURN = _kind("grading.return", "GRD.RETURN", GradingOpinionArgs, OFFICERS, _plain(declaring.send_back))
DECIDE = _kind("grading.decide", "GRD.DECIDE", DecideLevelArgs, OFFICERS, _plain(declaring.decide))
CONFIRM = _kind("grading.confirm", "GRD.CONFIRM", GradingArgs, AUTHORITY, _plain(declaring.confirm))
DECLINE = _kind("grading.decline", "GRD.DECLINE", GradingOpinionArgs, AUTHORITY, _plain(declaring.decline))

_ENTRY: dict[str, Any] = {"answer": ImportantEntryView.of, "about": "entry_id"}
IDENTIFY = _kind(
    "important.identify",
    "IMP.IDENTIFY",
    IdentifyArgs,
    CATALOGUERS,
    _identify,
    answer=ImportantEntryView.of,
    about="important",
    status=201,
)
REPORT = _kind(
    "important.report",
    "IMP.REPORT",
    ImportantEntryArgs,
    CATALOGUERS,
    _plain(cataloguing.report),
    **_ENTRY,
)
SEND_BACK = _kind(
    "important.return",
    "IMP.SEND_BACK",
    ImportantReasonArgs,
    CONFIRMERS,
    _plain(cataloguing.return_entry),
    **_ENTRY,
)
CONFIRM_ENTRY = _kind(
    "important.confirm",
    "IMP.CONFIRM",
    ImportantEntryArgs,
    CONFIRMERS,
    _plain(cataloguing.confirm_entry),
    **_ENTRY,
)
ASK = _kind("important.ask", "IMP.ASK", AskChangeArgs, CATALOGUERS, _ask, **_ENTRY)
DECLINE_CHANGE = _kind(
    "important.decline",
    "IMP.DECLINE",
    ImportantReasonArgs,
    CONFIRMERS,
    _plain(cataloguing.decline_change),
    **_ENTRY,
)
ENTER = _kind(
    "important.enter",
    "IMP.CHANGE",
    ImportantEntryArgs,
    CONFIRMERS,
    _plain(cataloguing.enter_change),
    **_ENTRY,
)
DECIDE_MATCH = _kind(
    "important.match",
    "IMM.UPHOLD",
    MatchArgs,
    CONFIRMERS,
    _plain(cataloguing.decide_match),
    answer=ImportantMatchView.of,
    about="match_id",
)

_CONSENT: dict[str, Any] = {"answer": ConsentRecordView.of, "about": "consent_id"}
RECORD_CONSENTS = _kind(
    "consent.record",
    "CNS.RECORD",
    ConsentRecordArgs,
    HOLDERS,
    _record_consents,
    answer=ConsentRecordView.of,
    about="object_id",
    status=201,
)
WITHDRAW_CONSENTS = _kind(
    "consent.withdraw",
    "CNS.WITHDRAW",
    WithdrawConsentArgs,
    HOLDERS,
    _plain(keeping.withdraw_consents),
    **_CONSENT,
)
END_CONSENTS = _kind(
    "consent.end", "CNS.END", EndConsentArgs, HOLDERS, _plain(keeping.end_consents), **_CONSENT
)
