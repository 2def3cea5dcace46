"""Where the escrow bank's messages come in. The bank's signature is its only credential."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from base.errors import TooLarge, Unauthenticated
from market.settlement.bank import read_bank_envelope
from market.settlement.inbox import hear_bank
from market.settlement.messages import MAX_BYTES, NOTIFICATION
from web.deps import NodeDep

router = APIRouter(tags=["bank"])


async def body_of(request: Request) -> bytes:
    """The body, up to its limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > 2 * MAX_BYTES:
            raise TooLarge("the message is too large", limit_bytes=2 * MAX_BYTES)
    return bytes(body)


@router.post("/bank/notifications")
async def notification(node: NodeDep, body: Annotated[bytes, Depends(body_of)]) -> dict[str, Any]:
    """A signed camt.054: a credit funds its trade or is refused, a debit settles what was instructed."""
    if node.bank is None or node.escrow is None:
        raise Unauthenticated("no bank is configured, so none is believed")
    envelope = read_bank_envelope(body, node.bank.bank_key, NOTIFICATION)
    return await hear_bank(node.house, envelope=envelope, escrow=node.escrow, batch=node.batch)
