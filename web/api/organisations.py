"""Members, their people, keys and payee accounts."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, SecretStr

from base.db import WriteSession
from base.errors import NotFound
from identity.contesting import bearers, open_contests
from identity.control import MAX_REASON, controls_of
from identity.errors import UsccInvalid
from identity.keys import register_key, revoke_key
from identity.repository import get_organisation, list_keys, list_organisations
from identity.rules import RevocationReason, Role
from identity.service import admit_organisation
from identity.uscc import parse_uscc
from ledger.recording import Act
from market.customs.regrouping import change_controller
from market.settlement.payees import set_payee_account
from web import people
from web.acts import ActKind, Args, Asked, Id, kind
from web.api.trades import SUPERVISORS
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import (
    BearerView,
    ContestView,
    KeyView,
    OpenContestView,
    OrganisationView,
    PayeeAccountView,
    PersonView,
    View,
    done_view,
)

router = APIRouter(tags=["members"])


class AdmitArgs(Args):
    name: str = Field(min_length=1, max_length=200)
    uscc: str = Field(max_length=40)
    roles: list[Role] = Field(min_length=1, max_length=12)
    region: str | None = Field(default=None, pattern=r"^[0-9]{6}$")
    controller_id: str | None = Field(default=None, max_length=200)
    is_ciio: bool = False


async def _admit(s: WriteSession, act: Act, args: AdmitArgs, node: Node) -> Any:
    del node
    return await admit_organisation(s, act, **args.model_dump())


def _applicant(args: AdmitArgs) -> str:
    """Who is refused, if that is refused: a credit code, and no other text, goes onto the ledger."""
    try:
        return f"uscc/{parse_uscc(args.uscc)}"
    except UsccInvalid:
        return "uscc/invalid"


ADMIT = kind(
    ActKind(
        name="organisation.admit",
        event="ORG.ADMIT",
        args=AdmitArgs,
        roles=frozenset({"EXCHANGE_OPERATOR"}),
        verb=_admit,
        answer=OrganisationView.of,
        about=_applicant,
        status=201,
    )
)


class ControllerForm(Asked):
    """Who controls a member from now on, a member by its id; null: nobody does any more."""

    controller_id: str | None = Field(max_length=200)
    reason: str = Field(min_length=1, max_length=MAX_REASON)


class ControllerArgs(ControllerForm, Args):
    org_id: Id


async def _control(s: WriteSession, act: Act, args: ControllerArgs, node: Node) -> Any:
    del node
    return await change_controller(s, act, **args.model_dump())


CONTROL = kind(
    ActKind(
        name="organisation.control",
        event="ORG.CONTROL",
        args=ControllerArgs,
        roles=frozenset({"EXCHANGE_OPERATOR"}),
        verb=_control,
        answer=OrganisationView.of,
        about=lambda args: args.org_id,
    )
)


class ControlView(View):
    """Under whose control a member was from a moment on; `known` is false where that was erased."""

    controller_id: str | None
    since: datetime
    known: bool
    statement_id: str


class KeyArgs(Args):
    org_id: Id
    custody: Literal["self-held", "custodial"]
    public_key: str | None = Field(default=None, max_length=100)
    roles: list[Role] | None = Field(default=None, max_length=12)
    user_id: Id | None = None


async def _register(s: WriteSession, act: Act, args: KeyArgs, node: Node) -> Any:
    return await register_key(s, act, safe=node.safe, **args.model_dump())


REGISTER_KEY = kind(
    ActKind(
        name="key.register",
        event="KEY.REGISTER",
        args=KeyArgs,
        roles=people.ANYBODY,
        verb=_register,
        answer=KeyView.of,
        about=lambda args: args.org_id,
        status=201,
    )
)


class RevokeKeyArgs(Args):
    key_id: Id
    reason: RevocationReason


async def _revoke(s: WriteSession, act: Act, args: RevokeKeyArgs, node: Node) -> Any:
    del node
    return await revoke_key(s, act, **args.model_dump())


REVOKE_KEY = kind(
    ActKind(
        name="key.revoke",
        event="KEY.REVOKE",
        args=RevokeKeyArgs,
        roles=people.ANYBODY,
        verb=_revoke,
        answer=KeyView.of,
        about=lambda args: args.key_id,
    )
)


class AccountArgs(Args):
    account: str = Field(max_length=40)
    holder: str = Field(max_length=140)


async def _account(s: WriteSession, act: Act, args: AccountArgs, node: Node) -> Any:
    del node
    return await set_payee_account(s, act, **args.model_dump())


SET_ACCOUNT = kind(
    ActKind(
        name="payee-account.set",
        event="PAY.ACCOUNT",
        args=AccountArgs,
        roles=frozenset({"PROVIDER", "BUYER", "BROKER"}),
        verb=_account,
        answer=PayeeAccountView.of,
        about=lambda _: "payee-account",
    )
)


class StrikeForm(Asked):
    """The logins that are found to be somebody else's."""

    struck: list[Id] = Field(max_length=100)


class IdentityForm(Asked):
    """Which natural person a login belongs to."""

    id_number: SecretStr = Field(max_length=40, description="Of the resident identity card; kept nowhere")


class RevokeForm(Asked):
    reason: RevocationReason


@router.post("/organisations", **answers(ADMIT, OrganisationView))
async def admit(caller: CallerDep, args: AdmitArgs) -> Response:
    """Admit a member, as the operator."""
    return respond(await caller.do(ADMIT, args))


@router.get("/organisations")
async def organisations(
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[OrganisationView]:
    """The members, by keyset (`after` = the last org_id)."""
    return [OrganisationView.of(org) for org in await list_organisations(s, after=after, limit=limit)]


@router.get("/organisations/{org_id}")
async def organisation(org_id: Id, s: ReadDep) -> OrganisationView:
    """One member."""
    found = await get_organisation(s, org_id=org_id)
    if found is None:
        raise NotFound("no such member", org_id=org_id)
    return OrganisationView.of(found)


@router.post("/organisations/{org_id}/controller", **answers(CONTROL, OrganisationView))
async def control(org_id: Id, caller: CallerDep, form: ControllerForm) -> Response:
    """Enter under whose control a member is from now on, as the operator; its group is counted anew."""
    return respond(await caller.do(CONTROL, ControllerArgs(org_id=org_id, **form.model_dump())))


@router.get("/organisations/{org_id}/controllers")
async def controllers(org_id: Id, caller: CallerDep, s: ReadDep) -> list[ControlView]:
    """Under whose control a member was, the first first; for itself, the operator and the authorities."""
    if caller.actor.org_id != org_id:
        caller.require(*SUPERVISORS)
    return [ControlView.model_validate(one) for one in await controls_of(s, org_id=org_id)]


@router.get("/organisations/{org_id}/keys")
async def keys(org_id: Id, s: ReadDep) -> list[KeyView]:
    """A member's registered keys; their private halves are nobody's business."""
    return [KeyView.of(key) for key in await list_keys(s, org_id=org_id)]


@router.post("/organisations/{org_id}/people", status_code=201, response_model=done_view(PersonView))
async def enrol(org_id: Id, caller: CallerDep, form: people.PersonForm) -> Response:
    """Enrol a person of one's organisation, or of any as the operator; stated without saying who it is."""
    return respond(await people.enrol(caller, org_id, form))


@router.post("/people/{user_id}/identity", response_model=done_view(PersonView))
async def identify(user_id: Id, caller: CallerDep, form: IdentityForm) -> Response:
    """Say which natural person a login belongs to; the same said again by another person confirms it."""
    return respond(await people.identify(caller, user_id, form.id_number.get_secret_value()))


@router.post("/people/{user_id}/close", response_model=done_view(PersonView))
async def close(user_id: Id, caller: CallerDep) -> Response:
    """Close a login: who has left acts no more."""
    return respond(await people.close(caller, user_id))


@router.post("/people/{user_id}/reset-second-factor", response_model=done_view(PersonView))
async def reset_second_factor(user_id: Id, caller: CallerDep) -> Response:
    """End a second factor whose owner has lost it, as another officer of the operator."""
    return respond(await people.reset_factor(caller, user_id))


@router.post("/identity-contests", status_code=201, response_model=done_view(ContestView))
async def contest(caller: CallerDep) -> Response:
    """Object that another organisation has a login under one's own identity number."""
    return respond(await people.contest(caller))


@router.get("/identity-contests")
async def contests(caller: CallerDep, s: ReadDep) -> list[OpenContestView]:
    """The objections that wait, with the logins under each number, for the operator."""
    caller.require("EXCHANGE_OPERATOR")
    return [
        OpenContestView(
            contest_id=row.contest_id,
            contested_at=row.contested_at,
            decided_at=None,
            struck=None,
            logins=[BearerView.model_validate(one) for one in await bearers(s, mark=row.mark)],
        )
        for row in await open_contests(s)
    ]


@router.post("/identity-contests/{contest_id}/decide", response_model=done_view(ContestView))
async def decide(contest_id: Id, caller: CallerDep, form: StrikeForm) -> Response:
    """Strike the number from the logins that are somebody else's; none dismisses the objection."""
    return respond(await people.decide(caller, contest_id, form.struck))


@router.post("/keys", **answers(REGISTER_KEY, KeyView))
async def register(caller: CallerDep, args: KeyArgs) -> Response:
    """Register a key: `self-held` answers 202 with what both keys have to sign."""
    return respond(await caller.do(REGISTER_KEY, args))


@router.post("/keys/{key_id}/revoke", **answers(REVOKE_KEY, KeyView))
async def revoke(key_id: Id, caller: CallerDep, form: RevokeForm) -> Response:
    """Revoke a key for good: `lost`, `compromised` or `superseded`."""
    return respond(await caller.do(REVOKE_KEY, RevokeKeyArgs(key_id=key_id, reason=form.reason)))


@router.put("/payee-account", **answers(SET_ACCOUNT, PayeeAccountView))
async def account(caller: CallerDep, args: AccountArgs) -> Response:
    """Say where one's organisation is paid."""
    return respond(await caller.do(SET_ACCOUNT, args))
