"""The document of a mandate, and what a client or a broker does with a mandate later."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import ReadSession, WriteSession
from base.errors import NotFound
from brokers import service
from brokers.mandates.repository import terms_of
from brokers.repository import get_mandate
from identity.prepared import Document
from ledger.recording import Act
from market.trade.taking_over import take_over
from web.acts import ActKind, Args, Asked, Id, kind
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import MandateView

router = APIRouter(tags=["brokers"])
Place = Annotated[str, Field(pattern=r"^([A-Z]{2}|[0-9]{6})$", max_length=6)]
_JSON = "application/json"


class DocumentGone(NotFound):
    code = "mandate-document-gone"
    title = "The mandate has no document here"


async def signed_document(s: ReadSession, args: Any) -> list[Document]:
    """What the client signed: shown to the broker before it signs the same."""
    terms = await terms_of(s, mandate_id=args.mandate_id)
    if terms is None or terms.document is None:
        return []
    return [Document("mandate", _JSON, terms.document)]


class MandateOnlyArgs(Args):
    mandate_id: Id


async def _take_over(s: WriteSession, act: Act, args: MandateOnlyArgs, node: Node) -> Any:
    del node
    return await take_over(s, act, mandate_id=args.mandate_id)


TAKE_OVER = kind(
    ActKind(
        name="mandate.take_over",
        event="MND.TAKE_OVER",
        args=MandateOnlyArgs,
        roles=frozenset({"PROVIDER", "BUYER"}),
        verb=_take_over,
        answer=MandateView.of,
        about=lambda args: args.mandate_id,
    )
)


class HandOverForm(Asked):
    successor_id: Id


class HandOverArgs(MandateOnlyArgs, HandOverForm):
    pass


async def _hand_over(s: WriteSession, act: Act, args: HandOverArgs, node: Node) -> Any:
    del node
    return await service.hand_over_mandate(s, act, mandate_id=args.mandate_id, successor_id=args.successor_id)


HAND_OVER = kind(
    ActKind(
        name="mandate.hand_over",
        event="MND.HAND_OVER",
        args=HandOverArgs,
        roles=frozenset({"BROKER"}),
        verb=_hand_over,
        answer=MandateView.of,
        about=lambda args: args.mandate_id,
    )
)


@router.get("/mandates/{mandate_id}/document", response_class=Response)
async def document(mandate_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """The mandate as both sides sign it, for these two: canonical JSON, whose digest is on the ledger."""
    row = await get_mandate(s, mandate_id=mandate_id)
    terms = await terms_of(s, mandate_id=mandate_id)
    own = caller.actor.org_id in {row.broker_id, row.client_id}
    if not own or terms is None or terms.document is None:
        raise DocumentGone("no document of this mandate for you", mandate_id=mandate_id)
    return Response(terms.document, media_type=_JSON)


@router.post("/mandates/{mandate_id}/take-over", **answers(TAKE_OVER, MandateView))
async def take_over_mandate(mandate_id: Id, caller: CallerDep) -> Response:
    """Take over from the broker what it negotiates for you, as the client; the mandate ends."""
    return respond(await caller.do(TAKE_OVER, MandateOnlyArgs(mandate_id=mandate_id)))


@router.post("/mandates/{mandate_id}/hand-over", **answers(HAND_OVER, MandateView))
async def hand_over_mandate(mandate_id: Id, caller: CallerDep, form: HandOverForm) -> Response:
    """Hand a mandate over to another broker's that the client has given, as the broker."""
    return respond(await caller.do(HAND_OVER, HandOverArgs(mandate_id=mandate_id, **form.model_dump())))
