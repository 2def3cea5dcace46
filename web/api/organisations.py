"""Members, their people, keys and payee accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, SecretStr

from base.db import WriteSession
from base.errors import NotFound
from identity.keys import register_key, revoke_key
from identity.passwords import PasswordHash, hash_password
from identity.repository import get_organisation, list_keys, list_organisations
from identity.service import admit_organisation, enrol_person
from ledger.acts import perform
from ledger.recording import Act
from market.settlement.payees import set_payee_account
from web.acts import ActKind, Args, kind
from web.deps import CallerDep, ReadDep, respond
from web.node import Node
from web.views import KeyView, OrganisationView, PayeeAccountView, PersonView

router = APIRouter(tags=["members"])
ANYBODY = frozenset(
    {
        "PROVIDER",
        "BUYER",
        "BROKER",
        "EXCHANGE_OPERATOR",
        "REGISTRAR",
        "DATA_AUTHORITY",
        "SAMR",
        "CAC",
        "AUDITOR",
    }
)


class AdmitArgs(Args):
    name: str = Field(max_length=200)
    uscc: str = Field(max_length=40)
    roles: list[str] = Field(max_length=12)
    region: str | None = Field(default=None, max_length=6)
    controller_id: str | None = Field(default=None, max_length=200)
    is_ciio: bool = False


async def _admit(s: WriteSession, act: Act, args: AdmitArgs, node: Node) -> Any:
    del node
    return await admit_organisation(s, act, **args.model_dump())


ADMIT = kind(
    ActKind(
        name="organisation.admit",
        event="ORG.ADMIT",
        args=AdmitArgs,
        roles=frozenset({"EXCHANGE_OPERATOR"}),
        verb=_admit,
        answer=OrganisationView.of,
        about=lambda args: f"uscc/{args.uscc}",
        status=201,
    )
)


class KeyArgs(Args):
    org_id: str = Field(max_length=40)
    custody: str = Field(max_length=20)
    public_key: str | None = Field(default=None, max_length=60)
    roles: list[str] | None = Field(default=None, max_length=12)
    user_id: str | None = Field(default=None, max_length=40)


async def _register(s: WriteSession, act: Act, args: KeyArgs, node: Node) -> Any:
    return await register_key(s, act, safe=node.safe, **args.model_dump())


REGISTER_KEY = kind(
    ActKind(
        name="key.register",
        event="KEY.REGISTER",
        args=KeyArgs,
        roles=ANYBODY,
        verb=_register,
        answer=KeyView.of,
        about=lambda args: args.org_id,
        status=201,
    )
)


class RevokeKeyArgs(Args):
    key_id: str = Field(max_length=40)
    reason: str = Field(max_length=20)


async def _revoke(s: WriteSession, act: Act, args: RevokeKeyArgs, node: Node) -> Any:
    del node
    return await revoke_key(s, act, **args.model_dump())


REVOKE_KEY = kind(
    ActKind(
        name="key.revoke",
        event="KEY.REVOKE",
        args=RevokeKeyArgs,
        roles=ANYBODY,
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


class PersonForm(BaseModel):
    login: str = Field(max_length=128)
    name: str = Field(max_length=200)
    password: SecretStr = Field(max_length=256)
    roles: list[str] | None = Field(default=None, max_length=12)


class RevokeForm(BaseModel):
    reason: str = Field(max_length=20)


@router.post("/organisations", status_code=201, response_model=OrganisationView)
async def admit(caller: CallerDep, args: AdmitArgs) -> Response:
    """Admit a member, as the operator."""
    return respond(await caller.do(ADMIT, args))


@router.get("/organisations")
async def organisations(
    s: ReadDep,
    after: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[OrganisationView]:
    """The members, by keyset (`after` = the last org_id)."""
    return [OrganisationView.of(org) for org in await list_organisations(s, after=after, limit=limit)]


@router.get("/organisations/{org_id}")
async def organisation(org_id: str, s: ReadDep) -> OrganisationView:
    """One member."""
    found = await get_organisation(s, org_id=org_id)
    if found is None:
        raise NotFound("no such member", org_id=org_id)
    return OrganisationView.of(found)


@router.get("/organisations/{org_id}/keys")
async def keys(org_id: str, s: ReadDep) -> list[KeyView]:
    """A member's registered keys; their private halves are nobody's business."""
    return [KeyView.of(key) for key in await list_keys(s, org_id=org_id)]


@router.post("/organisations/{org_id}/people", status_code=201)
async def enrol(org_id: str, caller: CallerDep, form: PersonForm) -> PersonView:
    """Enrol a person of one's organisation, or of any as the operator. No statement: it is personal data."""
    password: PasswordHash = await hash_password(form.password.get_secret_value(), login=form.login)

    async def enrolled(s: WriteSession, act: Act) -> Any:
        return await enrol_person(
            s, act, org_id=org_id, login=form.login, name=form.name, password=password, roles=form.roles
        )

    node = caller.node
    operator = "EXCHANGE_OPERATOR" in caller.actor.roles
    role = "EXCHANGE_OPERATOR" if operator else min(caller.actor.roles)
    act = node.house.act(caller.actor, role, node.house.exchange.pen)
    return PersonView.of(await perform(node.house, act, enrolled, attempted="PERSON.ENROL", object_id=org_id))


@router.post("/keys", status_code=201, response_model=KeyView)
async def register(caller: CallerDep, args: KeyArgs) -> Response:
    """Register a key: `self-held` answers 202 with what both keys have to sign."""
    return respond(await caller.do(REGISTER_KEY, args))


@router.post("/keys/{key_id}/revoke", response_model=KeyView)
async def revoke(key_id: str, caller: CallerDep, form: RevokeForm) -> Response:
    """Revoke a key for good: `lost`, `compromised` or `superseded`."""
    return respond(await caller.do(REVOKE_KEY, RevokeKeyArgs(key_id=key_id, reason=form.reason)))


@router.put("/payee-account", response_model=PayeeAccountView)
async def account(caller: CallerDep, args: AccountArgs) -> Response:
    """Say where one's organisation is paid."""
    return respond(await caller.do(SET_ACCOUNT, args))
