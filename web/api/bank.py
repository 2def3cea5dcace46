"""Where the escrow bank's messages come in. The bank's signature is its only credential."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from base.errors import Unauthenticated
from market.settlement.bank import read_bank_envelope
from market.settlement.inbox import hear_bank
from market.settlement.messages import NOTIFICATION
from web.deps import NodeDep

router = APIRouter(tags=["bank"])


@router.post(
    "/bank/notifications",
    response_model=dict[str, Any],
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {}}}},
)
async def notification(node: NodeDep, request: Request) -> Response:
    """A signed camt.054: a credit funds its trade or is refused, a debit settles what was instructed."""
    if node.bank is None or node.escrow is None:
        raise Unauthenticated("no bank is configured, so none is believed")
    body = await request.body()
    node.batch.require_room()  # before anything is verified: who is sent away costs little
    envelope = read_bank_envelope(body, node.bank.bank_key, NOTIFICATION)
    outcome = await hear_bank(node.house, envelope=envelope, escrow=node.escrow, batch=node.batch)
    return Response(orjson.dumps(outcome), media_type="application/json")
