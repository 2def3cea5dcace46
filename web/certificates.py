"""A trade certificate as anyone sees it, the same to the API's callers and on its page."""

from typing import Any, Final

import orjson

from base.db import ReadSession
from base.signing import parse_envelope
from market.filing.tables import TradeCertificate
from market.orders.repository import get_trade
from market.orders.rules import TradeState
from web.node import Node
from web.receipts import with_receipts
from web.views import View

_STANDS: Final = frozenset({TradeState.CERTIFIED, TradeState.CLOSED})


class TradeCertificateView(View):
    """A trade certificate: what it says, the exchange's signature over it, and its place in the ledger.

    `status` is WITHDRAWN when the trade was taken back afterwards. `receipt` is a tlog-proof of the statement
    that carries the certificate's digest, once a checkpoint holds it.
    """

    certificate_no: str
    status: str
    certificate_sha256: str
    certificate: dict[str, Any]
    envelope: dict[str, Any]
    statement_id: str
    seq: int | None
    receipt: str | None


async def certificate_shown(s: ReadSession, node: Node, row: TradeCertificate) -> TradeCertificateView:
    """A certificate with its signature and its receipt, as they are now."""
    document = orjson.loads(row.envelope)
    trade = await get_trade(s, trade_id=row.trade_id)
    (said,) = await with_receipts(node, [row.statement_id])
    return TradeCertificateView(
        certificate_no=row.certificate_no,
        status="STANDS" if trade.status in _STANDS else "WITHDRAWN",
        certificate_sha256=row.certificate_sha256,
        certificate=orjson.loads(parse_envelope(document).payload),
        envelope=document,
        statement_id=row.statement_id,
        seq=said.seq,
        receipt=said.receipt,
    )
