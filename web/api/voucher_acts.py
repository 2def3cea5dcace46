"""The acts of asset certificates: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act
from registry.vouchers import approving, generating, holding, requesting, using
from registry.vouchers.states import AUTHORITY, MEMBERS, PROVIDERS
from web.acts import ActKind, Args, kind
from web.node import Node
from web.views import View
from web.voucher_forms import (
    AppointKeyArgs,
    AuthoriseArgs,
    CorrectArgs,
    DecideArgs,
    GenerateArgs,
    PaperArgs,
    PresentArgs,
    ProposeArgs,
    RequestArgs,
    RevokeArgs,
    RevokeTypeArgs,
    VerifyArgs,
    VoucherArgs,
    VoucherIssuerView,
    VoucherTypeView,
    VoucherUseView,
    VoucherView,
    desk_of,
)

REVOKERS: Final = MEMBERS | {"COURT"}
_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


def _written(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that also needs the desk."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        return await verb(s, act, **dict(args), desk=desk_of(node))

    return carry_out


async def _propose(s: WriteSession, act: Act, args: ProposeArgs, node: Node) -> Any:
    del node
    return await approving.propose(s, act, terms=args.value())


async def _generate(s: WriteSession, act: Act, args: GenerateArgs, node: Node) -> Any:
    desk = desk_of(node)
    return await generating.generate(s, act, voucher_id=args.voucher_id, goods=args.goods(), desk=desk)


async def _correct(s: WriteSession, act: Act, args: CorrectArgs, node: Node) -> Any:
    about = {"voucher_id": args.voucher_id, "reason": args.reason}
    return await generating.correct(s, act, **about, goods=args.goods(), desk=desk_of(node))


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View] = VoucherView.of,
    about: Callable[[Any], str] = lambda args: args.voucher_id,
    status: int = 200,
) -> ActKind[Any]:
    return kind(
        ActKind(
            name=f"voucher.{name}",
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=answer,
            about=about,
            status=status,
        )
    )


PROPOSE = _kind(
    "propose_type",
    "CTY.PROPOSE",
    ProposeArgs,
    PROVIDERS,
    _propose,
    answer=VoucherTypeView.of,
    about=lambda _: "voucher-type",
    status=201,
)
DECIDE = _kind(
    "decide_type",
    "CTY.APPROVE",
    DecideArgs,
    AUTHORITY,
    _plain(approving.decide),
    answer=VoucherTypeView.of,
    about=lambda args: args.type_id,
)
REVOKE_TYPE = _kind(
    "revoke_type",
    "CTY.REVOKE",
    RevokeTypeArgs,
    AUTHORITY,
    _plain(approving.revoke_type),
    answer=VoucherTypeView.of,
    about=lambda args: args.type_id,
)
APPOINT = _kind(
    "appoint_key",
    generating.APPOINT_EVENT,
    AppointKeyArgs,
    PROVIDERS,
    _written(generating.appoint_key),
    answer=VoucherIssuerView.of,
    about=lambda _: "voucher-issuer",
    status=201,
)
REQUEST = _kind(
    "request",
    "CRT.REQUEST",
    RequestArgs,
    MEMBERS,
    _plain(requesting.request),
    about=lambda args: args.type_id,
    status=201,
)
DECLINE = _kind("decline", "CRT.DECLINE", PaperArgs, MEMBERS, _plain(requesting.decline))
CANCEL = _kind("cancel", "CRT.CANCEL", VoucherArgs, MEMBERS, _plain(requesting.cancel))
AUTHORISE = _kind("authorise", "CRT.AUTHORISE", AuthoriseArgs, MEMBERS, _written(requesting.authorise))
GENERATE = _kind("generate", "CRT.GENERATE", GenerateArgs, PROVIDERS, _generate)
CORRECT = _kind("correct", "CRT.SUPERSEDE", CorrectArgs, PROVIDERS, _correct, status=201)
STORE = _kind("store", "CRT.STORE", PaperArgs, MEMBERS, _plain(holding.store))
PRESENT = _kind("present", "CRT.PRESENT", PresentArgs, MEMBERS, _written(holding.present))
VERIFY = _kind(
    "verify", "CRT.VERIFY", VerifyArgs, MEMBERS, _plain(using.verify), answer=VoucherUseView.of, status=201
)
REVOKE = _kind("revoke", "CRT.REVOKE", RevokeArgs, REVOKERS, _plain(holding.revoke))
