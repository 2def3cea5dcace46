"""How the interface of a listing is answered: its own table, or an endpoint of the seller's."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from base.settings import hosts_of
from ledger.recording import Act
from market.delivery.gateway.repository import latest_interface, read_interface
from market.delivery.gateway.rules import (
    MAX_ANSWER_BYTES,
    MAX_CONTENT_TYPES,
    MAX_PATHS,
    MAX_PER_MINUTE,
    MAX_SECRET,
    MAX_TIMEOUT_MS,
    METHODS,
    OWN_TABLE,
    AnsweredBy,
)
from market.delivery.gateway.service import declare_interface, keep_secret
from market.delivery.gateway.tables import InterfaceRow, InterfaceSecret
from market.listings.repository import get_listing
from web.acts import ActKind, Args, Asked, Id, kind
from web.deps import WAITING, CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View, done_view

router = APIRouter(tags=["listings"])
_PROVIDER: Final = frozenset({"PROVIDER"})
_EVENT: Final = "DLV.INTERFACE"
Text = Annotated[str, Field(max_length=500)]


class InterfaceView(View):
    """What a buyer calls; where it goes to is told to its seller alone."""

    listing_id: str
    number: int
    answered_by: AnsweredBy
    base_url: str | None
    paths: list[str]
    methods: list[str]
    secret_id: str | None
    content_types: list[str]
    timeout_ms: int
    max_answer_bytes: int
    per_minute: int
    declared_at: datetime | None


class SecretView(View):
    secret_id: str
    header: str
    kept_at: datetime

    @classmethod
    def of(cls, row: InterfaceSecret) -> "SecretView":
        return cls.model_validate(row)


class SecretForm(Asked):
    """The header that an endpoint asks for. Its value is never shown again, and on no ledger."""

    header: str = Field(max_length=60)
    value: str = Field(max_length=MAX_SECRET)


class InterfaceForm(Asked):
    """The members of an endpoint stay away where the product's own table answers."""

    answered_by: AnsweredBy = AnsweredBy.TABLE
    base_url: str | None = Field(default=None, max_length=500)
    paths: list[Text] | None = Field(default=None, max_length=MAX_PATHS)
    methods: list[Text] | None = Field(default=None, max_length=len(METHODS))
    secret_id: Id | None = None
    content_types: list[Text] | None = Field(default=None, max_length=MAX_CONTENT_TYPES)
    timeout_ms: int | None = Field(default=None, ge=1, le=MAX_TIMEOUT_MS)
    max_answer_bytes: int | None = Field(default=None, ge=1, le=MAX_ANSWER_BYTES)
    per_minute: int | None = Field(default=None, ge=1, le=MAX_PER_MINUTE)


class InterfaceArgs(Args, InterfaceForm):
    listing_id: Id


SecretDone = done_view(SecretView)


def _shown(row: InterfaceRow) -> InterfaceView:
    told = {"listing_id": row.listing_id, "number": row.number, "declared_at": row.declared_at}
    return InterfaceView.model_validate(told | read_interface(row).document())


async def _declare(s: WriteSession, act: Act, args: InterfaceArgs, node: Node) -> Any:
    document = args.model_dump(mode="json", exclude={"listing_id"})
    hosts = hosts_of(node.settings.gateway_hosts)
    return await declare_interface(s, act, listing_id=args.listing_id, document=document, hosts=hosts)


DECLARE = kind(
    ActKind(
        name="listing.interface",
        event=_EVENT,
        args=InterfaceArgs,
        roles=_PROVIDER,
        verb=_declare,
        answer=_shown,
        about=lambda args: args.listing_id,
        status=201,
    )
)


@router.post("/listings/{listing_id}/interface", **answers(DECLARE, InterfaceView))
async def declare(listing_id: Id, caller: CallerDep, form: InterfaceForm) -> Response:
    """Say how the interface is answered from now on, as its seller; running rights are answered so too."""
    return respond(await caller.do(DECLARE, InterfaceArgs(listing_id=listing_id, **form.model_dump())))


@router.get("/listings/{listing_id}/interface")
async def interface(listing_id: Id, caller: CallerDep, s: ReadDep) -> InterfaceView:
    """How the interface of a listing is called; the product's own table where nothing was declared."""
    listing = await get_listing(s, listing_id=listing_id)
    row = await latest_interface(s, listing_id=listing_id)
    if row is None:
        told = {"listing_id": listing_id, "number": 0, "declared_at": None}
        return InterfaceView.model_validate(told | OWN_TABLE.document())
    shown = _shown(row)
    if caller.actor.org_id == listing.seller_id:
        return shown
    return shown.model_copy(update={"base_url": None, "secret_id": None})


@router.post("/interface-secrets", status_code=201, response_model=SecretDone, openapi_extra=WAITING)
async def secret(form: SecretForm, caller: CallerDep) -> Response:
    """Keep the secret header of an endpoint under the node's master key, to be named by its id."""
    caller.require(*_PROVIDER)
    node = caller.node

    async def kept(s: WriteSession, act: Act) -> InterfaceSecret:
        return await keep_secret(s, act, header=form.header, value=form.value, master=node.safe.master)

    return respond(
        await caller.perform(
            kept,
            SecretView.of,
            route="interface-secrets",
            args=form.model_dump(mode="json"),
            act=node.house.act(caller.actor, "PROVIDER", node.house.exchange.pen),
            attempted=_EVENT,
            object_id=caller.actor.org_id,
        )
    )
