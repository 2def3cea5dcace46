"""The acts of customs: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from identity.rules import Role
from ledger.recording import Act
from market.customs import carrying, deciding, declaring, entering, networks, scanning
from market.customs.states import EXPORTERS, OFFICER
from web.acts import ActKind, Args, kind
from web.customs_forms import (
    CodedArgs,
    CustomsDocumentView,
    DeclarationArgs,
    DeclarationView,
    DeclareArgs,
    DocumentArgs,
    EndDocumentArgs,
    EndpointArgs,
    EndpointView,
    ListArgs,
    NegativeListView,
    NetworksArgs,
    NetworksView,
    PapersArgs,
    PassArgs,
    RedeclareArgs,
    RenewArgs,
    RerouteArgs,
    ShowArgs,
    WhyArgs,
)
from web.node import Node
from web.views import View

_MEMBERS: Final = frozenset(role.value for role in Role if role is not Role.AUDITOR)  # who only reads
_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


def _valued(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes a declaration."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **args.values())

    return carry_out


def _shown(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes a document that is shown."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **(dict(args) | {"shown": args.shown.value()}))

    return carry_out


async def _enter(s: WriteSession, act: Act, args: DocumentArgs, node: Node) -> Any:
    del node
    return await entering.enter_document(s, act, document=args.document.value())


async def _list(s: WriteSession, act: Act, args: ListArgs, node: Node) -> Any:
    del node
    lines = [one.model_dump(mode="json") for one in args.entries]
    return await entering.enter_list(s, act, **(dict(args) | {"entries": lines}))


async def _networks(s: WriteSession, act: Act, args: NetworksArgs, node: Node) -> Any:
    del node
    lines = [one.model_dump(mode="json") for one in args.entries]
    return await networks.enter_networks(s, act, entries=lines, source=args.source)


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View] = DeclarationView.of,
    about: Callable[[Any], str] = lambda args: args.declaration_id,
    status: int = 200,
) -> ActKind[Any]:
    made = ActKind(
        name=f"customs.{name}",
        event=event,
        args=args,
        roles=roles,
        verb=verb,
        answer=answer,
        about=about,
        status=status,
    )
    return kind(made)


DECLARE = _kind(
    "declare",
    "XBD.DECLARE",
    DeclareArgs,
    EXPORTERS,
    _valued(declaring.declare),
    about=lambda _: "declaration",
    status=201,
)
REDECLARE = _kind("redeclare", "XBD.REDECLARE", RedeclareArgs, EXPORTERS, _valued(declaring.redeclare))
ATTACH = _kind("attach", "XBD.ATTACH_EVIDENCE", ShowArgs, EXPORTERS, _shown(carrying.attach_evidence))
SUBMIT = _kind("submit", "XBD.SUBMIT_ASSESSMENT", PapersArgs, EXPORTERS, _plain(carrying.submit_assessment))
RENEW = _kind("renew", "XBD.RENEW", RenewArgs, EXPORTERS, _shown(carrying.renew))
COMPLETE = _kind("complete", "XBD.COMPLETE", DeclarationArgs, EXPORTERS, _plain(carrying.complete))
WITHDRAW = _kind("withdraw", "XBD.WITHDRAW", WhyArgs, EXPORTERS, _plain(carrying.withdraw))
TAKE = _kind("take", "XBD.TAKE", DeclarationArgs, OFFICER, _plain(deciding.take))
UNTAKE = _kind("untake", "XBD.UNTAKE", DeclarationArgs, OFFICER, _plain(deciding.give_back))
SCAN = _kind("scan", "XBD.SCAN", DeclarationArgs, OFFICER, _plain(scanning.scan))
CLEAR = _kind("clear", "XBD.CLEAR", WhyArgs, OFFICER, _plain(deciding.clear))
RETURN = _kind("return", "XBD.RETURN", WhyArgs, OFFICER, _plain(deciding.send_back))
REJECT = _kind("reject", "XBD.REJECT", CodedArgs, OFFICER, _plain(deciding.reject))
REROUTE = _kind("reroute", "XBD.REROUTE", RerouteArgs, OFFICER, _plain(deciding.reroute))
PASS = _kind("pass", "XBD.PASS", PassArgs, OFFICER, _plain(deciding.pass_assessment))
FAIL = _kind("fail", "XBD.FAIL", WhyArgs, OFFICER, _plain(deciding.fail_assessment))
HALT = _kind("halt", "XBD.HALT", CodedArgs, OFFICER, _plain(deciding.halt))
RESUME = _kind("resume", "XBD.RESUME", WhyArgs, OFFICER, _plain(deciding.resume))
REVOKE = _kind("revoke", "XBD.REVOKE", CodedArgs, OFFICER, _plain(deciding.revoke))
ENTER = _kind(
    "enter",
    "XBR.ENTER",
    DocumentArgs,
    OFFICER,
    _enter,
    answer=CustomsDocumentView.of,
    about=lambda _: "document",
    status=201,
)
END = _kind(
    "end_document",
    "XBR.END",
    EndDocumentArgs,
    OFFICER,
    _plain(entering.end_document),
    answer=CustomsDocumentView.of,
    about=lambda args: args.document_id,
)
LIST = _kind(
    "enter_list",
    "XBR.LIST",
    ListArgs,
    OFFICER,
    _list,
    answer=NegativeListView.of,
    about=lambda _: "zone",
    status=201,
)
NETWORKS = _kind(
    "enter_networks",
    "XBR.NETWORKS",
    NetworksArgs,
    OFFICER,
    _networks,
    answer=NetworksView.of,
    about=lambda _: "networks",
    status=201,
)
ENDPOINT = _kind(
    "endpoint",
    "XBR.ENDPOINT",
    EndpointArgs,
    _MEMBERS,
    _plain(entering.declare_endpoint),
    answer=EndpointView.of,
    about=lambda _: "endpoint",
)
