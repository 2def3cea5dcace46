"""Before the contract a broker records that it has checked the source and who both parties are (BR3)."""

from typing import Final

from base.db import ReadSession, WriteSession
from brokers.conduct.errors import SourceStatementDiffers
from brokers.conduct.records import Papers, record_check
from brokers.conduct.tables import SourceCheckRow
from brokers.practising import require_practitioner
from brokers.service import require_certified
from ledger.reader import statements_about
from ledger.recording import Act
from market.orders.consenting import OPEN
from market.orders.errors import NotAParty, TradeMovedOn
from market.orders.repository import claim_trade_of
from market.orders.statements import named
from market.orders.states import TradeState
from registry.rules import Level

BEFORE: Final = (*OPEN, TradeState.CONTRACT_READY)


async def check_source(s: WriteSession, act: Act, *, trade_id: str, papers: Papers) -> SourceCheckRow:
    """Record the papers of a trade as its broker, at the latest before signing the contract.

    The source statement is the one the provider filed when the listing was last submitted. A contract rests
    on the check, so it is an act of a certified broker by a practitioner of its own. Raises TradeUnknown,
    NotAParty, TradeMovedOn, BrokerNotCertified (BR1), PractitionerNeeded, `person-not-identified`,
    SourceStatementDiffers, and what `record_check` raises.
    """
    trade = await claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    if trade.broker_id != act.actor.org_id:
        raise NotAParty("the trade's broker records this", role=act.role)
    if trade.status not in BEFORE:
        raise TradeMovedOn("the contract is made, or the trade over", status=trade.status.value)
    held = await require_certified(
        s, org_id=act.actor.org_id, at=act.now, sector=trade.category, level=Level(trade.level)
    )
    await require_practitioner(s, act, cert_id=held.cert_id)
    if papers.source_sha256 != await filed_source(s, listing_id=trade.listing_id):
        raise SourceStatementDiffers("another source statement was filed", listing_id=trade.listing_id)
    return await record_check(s, act, parties=named(trade), papers=papers)


async def filed_source(s: ReadSession, *, listing_id: str) -> str | None:
    """The digest of the source statement with which a listing was last submitted."""
    said = await statements_about(s, object_ids=[listing_id], events=["LST.SUBMIT"])
    subjects = said[-1].payload["subject"] if said else []
    return next((str(one["digest"]["sha256"]) for one in subjects if one["name"] == "source-statement"), None)
