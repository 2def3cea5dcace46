"""The acts of registration: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act
from registry.registration import answering, applying, holding, noting, recognising, reviewing
from registry.registration.seats import RegistrarFacts
from registry.registration.states import ANYONE, HOLDERS, REGISTRAR
from web.acts import ActKind, Args, kind
from web.node import Node
from web.registrar_forms import (
    AssessYearArgs,
    EndArgs,
    LeavingArgs,
    PaperView,
    RecogniseArgs,
    RegistrarView,
    TellArgs,
    YearArgs,
)
from web.registration_forms import (
    ApplyArgs,
    DeclineArgs,
    DismissArgs,
    GapsArgs,
    NoteArgs,
    NoteView,
    NoticeArgs,
    ObjectionArgs,
    OfWishArgs,
    ReasonArgs,
    RefusalArgs,
    RegistrationArgs,
    RegistrationObjectionView,
    RegistrationView,
    ReleaseArgs,
    ResolveArgs,
    ResubmitArgs,
    RevokeArgs,
    UpholdArgs,
    WishArgs,
    WishView,
)
from web.views import View

AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


async def _apply(s: WriteSession, act: Act, args: ApplyArgs, node: Node) -> Any:
    del node
    about: dict[str, Any] = {"kind": args.kind, "registrar_id": args.registrar_id, "data_id": args.data_id}
    return await applying.apply(s, act, **about, **args.values())


async def _resubmit(s: WriteSession, act: Act, args: ResubmitArgs, node: Node) -> Any:
    del node
    return await applying.resubmit(s, act, registration_id=args.registration_id, **args.values())


async def _ask(s: WriteSession, act: Act, args: WishArgs, node: Node) -> Any:
    del node
    said = dict(args) | {"changes": args.changes.model_dump(mode="json", exclude_none=True)}
    return await holding.ask(s, act, **said)


async def _recognise(s: WriteSession, act: Act, args: RecogniseArgs, node: Node) -> Any:
    del node
    facts = RegistrarFacts(**args.model_dump(exclude={"org_id", "region", "agency"}))
    seat = {"org_id": args.org_id, "region": args.region, "agency": args.agency}
    return await recognising.recognise(s, act, **seat, facts=facts)


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View] = RegistrationView.of,
    about: Callable[[Any], str] = lambda args: args.registration_id,
    status: int = 200,
) -> ActKind[Any]:
    full = f"registration.{name}"
    return kind(
        ActKind(
            name=full,
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=answer,
            about=about,
            status=status,
        )
    )


APPLY = _kind("apply", "REG.APPLY", ApplyArgs, HOLDERS, _apply, about=lambda _: "registration", status=201)
CONFIRM = _kind("confirm", "REG.CONFIRM", RegistrationArgs, HOLDERS, _plain(applying.confirm))
ACCEPT = _kind("accept", "REG.ACCEPT", RegistrationArgs, REGISTRAR, _plain(applying.accept))
SUPPLEMENT = _kind("supplement", "REG.SUPPLEMENT", GapsArgs, REGISTRAR, _plain(applying.ask_supplement))
RESUBMIT = _kind("resubmit", "REG.RESUBMIT", ResubmitArgs, HOLDERS, _resubmit)
WITHDRAW = _kind("withdraw", "REG.WITHDRAW", RegistrationArgs, HOLDERS, _plain(applying.withdraw))
EXTEND = _kind("extend", "REG.EXTEND", ReasonArgs, REGISTRAR, _plain(reviewing.extend))
REFUSE = _kind("refuse", "REG.REFUSE", RefusalArgs, REGISTRAR, _plain(reviewing.refuse))
PUBLISH = _kind("publish", "REG.PUBLISH", NoticeArgs, REGISTRAR, _plain(reviewing.publish))
OBJECT = _kind(
    "object",
    "REG.OBJECT",
    ObjectionArgs,
    ANYONE,
    _plain(reviewing.object_to),
    answer=RegistrationObjectionView.of,
    status=201,
)
UPHOLD = _kind("uphold", "REG.UPHOLD", UpholdArgs, REGISTRAR, _plain(reviewing.uphold))
DISMISS = _kind("dismiss", "REG.DISMISS", DismissArgs, REGISTRAR, _plain(reviewing.dismiss))
ISSUE = _kind(
    "issue", "REG.DEPOSIT_AND_ISSUE", RegistrationArgs, REGISTRAR, _plain(reviewing.issue), status=201
)
ASK = _kind("ask", "REG.ASK", WishArgs, HOLDERS, _ask, answer=WishView.of, status=201)
AGREE = _kind("agree", "REG.AGREE", OfWishArgs, HOLDERS, _plain(holding.agree), answer=WishView.of)
DECLINE = _kind("decline", "REG.DECLINE", DeclineArgs, REGISTRAR, _plain(holding.decline), answer=WishView.of)
GRANT = _kind("grant", "REG.CHANGE", OfWishArgs, REGISTRAR, _plain(holding.grant))
NOTE = _kind("note", "REG.ANNOTATE", NoteArgs, REGISTRAR, _plain(noting.note), answer=NoteView.of, status=201)
RELEASE = _kind("release", "REG.RELEASE", ReleaseArgs, REGISTRAR, _plain(noting.release), answer=NoteView.of)
RESOLVE = _kind("resolve", "REG.RESOLVE_KEEP", ResolveArgs, REGISTRAR, _plain(holding.resolve))
REVOKE = _kind("revoke", "REG.REVOKE", RevokeArgs, REGISTRAR, _plain(holding.revoke))
RECOGNISE = _kind(
    "recognise",
    "RGR.RECOGNISE",
    RecogniseArgs,
    AUTHORITY,
    _recognise,
    answer=RegistrarView.of,
    about=lambda args: args.org_id,
    status=201,
)
REPORT_YEAR = _kind(
    "report_year",
    "RGR.REPORT",
    YearArgs,
    REGISTRAR,
    _plain(answering.report_year),
    answer=PaperView.of,
    about=lambda _: "registrar",
    status=201,
)
ASSESS_YEAR = _kind(
    "assess_year",
    "RGR.ASSESS",
    AssessYearArgs,
    AUTHORITY,
    _plain(answering.assess_year),
    answer=PaperView.of,
    about=lambda args: args.org_id,
    status=201,
)
TELL = _kind(
    "tell_ahead",
    "RGR.TELL",
    TellArgs,
    REGISTRAR,
    _plain(answering.tell_ahead),
    answer=PaperView.of,
    about=lambda _: "registrar",
    status=201,
)
DECIDE_LEAVING = _kind(
    "decide_leaving",
    "RGR.DECIDE",
    LeavingArgs,
    AUTHORITY,
    _plain(answering.decide_leaving),
    answer=PaperView.of,
    about=lambda args: args.paper_id,
)
END = _kind(
    "end_recognition",
    "RGR.END",
    EndArgs,
    AUTHORITY,
    _plain(recognising.end_recognition),
    answer=RegistrarView.of,
    about=lambda args: args.org_id,
)
