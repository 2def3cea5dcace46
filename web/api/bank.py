"""Where the escrow bank's messages come in. The bank's signature is its only credential."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request

from base.db import WriteSession
from base.errors import TooLarge, Unauthenticated
from ledger.acts import perform
from ledger.batch import Command
from ledger.recording import Act
from market.settlement.bank import open_bank_envelope
from market.settlement.errors import BankMessageMalformed
from market.settlement.messages import MAX_BYTES, NOTIFICATION, read_notification
from market.settlement.service import receive_notification
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
    if node.bank is None:
        raise Unauthenticated("no bank is configured, so none is believed")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BankMessageMalformed("not a DSSE envelope") from None
    envelope = open_bank_envelope(document, node.bank.bank_key, NOTIFICATION)
    notified = read_notification(envelope.payload)

    async def take_in(s: WriteSession, act: Act) -> dict[str, Any]:
        return await receive_notification(s, act, envelope=envelope)

    act = node.house.exchange_act()
    reference = next((m.reference for m in notified.movements if m.reference), notified.message_id)
    if notified.movements and not any(movement.credit for movement in notified.movements):
        settled: dict[str, Any] = await node.batch.submit(Command(act, take_in, "TRD.SETTLE", reference))
        return settled
    return await perform(node.house, act, take_in, attempted="TRD.FUND", object_id=reference)
