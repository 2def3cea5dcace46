"""Access keys: what data tools carry to exercise a right, issued and revoked by whoever holds it."""

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.responses import JSONResponse

from base.db import WriteSession
from ledger.recording import Act
from market.delivery.access import Declared
from market.delivery.keys import MAX_DAYS, get_live_key, issue_key, keys_of, revoke_key, token_of
from market.delivery.repository import get_entitlement
from market.delivery.tables import AccessKey
from market.listings.conditions import Purpose
from web.acts import ActKind, Args, Asked, Id, kind
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["entitlements"])
_BUYER: Final = frozenset({"BUYER"})


class AccessKeyView(View):
    key_id: str
    entitlement_id: str
    org_id: str
    purpose: str | None
    recipient: str | None
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: AccessKey) -> "AccessKeyView":
        return cls.model_validate(row)


class TokenView(View):
    """What a tool carries. It is derived, not kept: it is the same whenever it is asked for."""

    key_id: str
    token: str
    expires_at: datetime


class IssueForm(Asked):
    """For what the key is, and for how many days; its tools cannot declare a purpose call by call."""

    purpose: Purpose | None = None
    recipient: Id | None = None
    days: int = Field(default=30, ge=1, le=MAX_DAYS)


class IssueArgs(Args, IssueForm):
    entitlement_id: Id


class RevokeArgs(Args):
    key_id: Id


async def _issue(s: WriteSession, act: Act, args: IssueArgs, node: Node) -> Any:
    del node
    declared = Declared(args.purpose, args.recipient)
    return await issue_key(s, act, entitlement_id=args.entitlement_id, declared=declared, days=args.days)


async def _revoke(s: WriteSession, act: Act, args: RevokeArgs, node: Node) -> Any:
    del node
    return await revoke_key(s, act, key_id=args.key_id)


ISSUE = kind(
    ActKind(
        name="entitlement.issue-key",
        event="DLV.ISSUE_KEY",
        args=IssueArgs,
        roles=_BUYER,
        verb=_issue,
        answer=AccessKeyView.of,
        about=lambda args: args.entitlement_id,
        status=201,
    )
)
REVOKE = kind(
    ActKind(
        name="entitlement.revoke-key",
        event="DLV.REVOKE_KEY",
        args=RevokeArgs,
        roles=_BUYER,
        verb=_revoke,
        answer=AccessKeyView.of,
        about=lambda args: args.key_id,
    )
)


@router.post("/entitlements/{entitlement_id}/keys", **answers(ISSUE, AccessKeyView))
async def issue(entitlement_id: Id, form: IssueForm, caller: CallerDep) -> Response:
    """Issue a key; its token is asked for at `GET /keys/{key_id}/token`."""
    args = IssueArgs(entitlement_id=entitlement_id, **dict(form))
    return respond(await caller.do(ISSUE, args))


@router.get("/entitlements/{entitlement_id}/keys")
async def keys(entitlement_id: Id, caller: CallerDep, s: ReadDep) -> list[AccessKeyView]:
    """One's organisation's keys to a right, newest first."""
    await get_entitlement(s, entitlement_id=entitlement_id)
    rows = await keys_of(s, entitlement_id=entitlement_id, org_id=caller.actor.org_id)
    return [AccessKeyView.of(row) for row in rows]


@router.get("/keys/{key_id}/token", response_model=TokenView)
async def token(key_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """What a tool carries for a key that has not ended; for whoever it was issued to."""
    caller.require(*_BUYER)
    now = caller.node.clock.now()
    row = await get_live_key(s, key_id=key_id, org_id=caller.actor.org_id, now=now)
    shown = TokenView(
        key_id=key_id, token=token_of(caller.node.safe.master, key_id), expires_at=row.expires_at
    )
    return JSONResponse(shown.model_dump(mode="json"), headers={"cache-control": "no-store"})


@router.delete("/keys/{key_id}", **answers(REVOKE, AccessKeyView))
async def revoke(key_id: Id, caller: CallerDep) -> Response:
    """End a key, now."""
    return respond(await caller.do(REVOKE, RevokeArgs(key_id=key_id)))
