"""The acts of opening: who does them, with what, and what they answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act
from registry.opening import agreeing, listing, planning
from registry.opening.states import AGENCY, AUTHORITIES, USERS
from web.acts import ActKind, Args, kind
from web.node import Node
from web.opening_forms import (
    AgreementArgs,
    AgreementTextArgs,
    EntryArgs,
    NotOpenArgs,
    OfferArgs,
    OpenAgreementView,
    OpenEntryView,
    OpenPlanView,
    OpenUserView,
    PlanArgs,
    ProposeArgs,
    SignArgs,
    SuspendArgs,
    TextArgs,
    UnnameArgs,
    UserArgs,
)
from web.views import View

_Carry = Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]


def _plain(verb: Callable[..., Awaitable[Any]]) -> _Carry:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


async def _propose(s: WriteSession, act: Act, args: ProposeArgs, node: Node) -> Any:
    del node
    return await listing.propose(s, act, data_id=args.data_id, proposal=args.proposal())


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: _Carry,
    *,
    answer: Callable[[Any], View] = OpenEntryView.of,
    about: Callable[[Any], str] = lambda args: args.open_id,
    status: int = 200,
) -> ActKind[Any]:
    return kind(
        ActKind(
            name=f"opening.{name}",
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=answer,
            about=about,
            status=status,
        )
    )


def _agreement(name: str, event: str, args: type[AgreementArgs], verb: _Carry) -> ActKind[Any]:
    return _kind(
        name,
        event,
        args,
        USERS,
        verb,
        answer=OpenAgreementView.of,
        about=lambda said: said.agreement_id,
    )


PROPOSE: Final = _kind(
    "propose", "OPN.PROPOSE", ProposeArgs, AGENCY, _propose, about=lambda args: args.data_id, status=201
)
REVIEW: Final = _kind("review", "OPN.REVIEW", EntryArgs, AGENCY, _plain(listing.review))
PUBLISH: Final = _kind("publish", "OPN.OPEN", EntryArgs, AGENCY, _plain(listing.publish))
REFUSE: Final = _kind("refuse", "OPN.REFUSE", NotOpenArgs, AGENCY, _plain(listing.refuse))
SUSPEND: Final = _kind("suspend", "OPN.SUSPEND", SuspendArgs, AGENCY | AUTHORITIES, _plain(listing.suspend))
RELEASE: Final = _kind("release", "OPN.RELEASE", TextArgs, AUTHORITIES, _plain(listing.release))
RETIRE: Final = _kind("retire", "OPN.RETIRE", TextArgs, AGENCY, _plain(listing.retire))
NAME: Final = _kind(
    "name", "OPN.NAME", UserArgs, AGENCY, _plain(agreeing.name_user), answer=OpenUserView.of, status=201
)
UNNAME: Final = _kind(
    "unname", "OPN.UNNAME", UnnameArgs, AGENCY, _plain(agreeing.unname_user), answer=OpenUserView.of
)
OFFER: Final = _kind(
    "offer", "OPA.OFFER", OfferArgs, AGENCY, _plain(agreeing.offer), answer=OpenAgreementView.of, status=201
)
SIGN: Final = _agreement("sign", "OPA.SIGN", SignArgs, _plain(agreeing.sign))
DECLINE: Final = _agreement("decline", "OPA.DECLINE", AgreementTextArgs, _plain(agreeing.decline))
END: Final = _agreement("end_agreement", "OPA.END", AgreementTextArgs, _plain(agreeing.end))
PUBLISH_PLAN: Final = _kind(
    "publish_plan",
    "OPP.PUBLISH",
    PlanArgs,
    AGENCY,
    _plain(planning.publish_plan),
    answer=OpenPlanView.of,
    about=lambda _: "opening-plan",
    status=201,
)
REVISE_PLAN: Final = _kind(
    "revise_plan",
    "OPP.REVISE",
    PlanArgs,
    AGENCY,
    _plain(planning.revise_plan),
    answer=OpenPlanView.of,
    about=lambda _: "opening-plan",
)
