"""A reward that a trade owes to a broker without a seat (BR-BYPASS): stated, contested, decided, given up.

Seller or buyer says before the contract is concluded why nothing is owed; the broker answers; an officer of
the exchange, of none of their sides, decides within the period of the rule. Until then, or until the period
is over, the contract is not concluded. What is found not to be owed is drawn up anew without it; and so is,
with nothing to decide, what has fallen before the contract is concluded: with the broker's certificate, or
with its claim. The exchange does that soon by itself, and at once for who contests it.
"""

from typing import Final

from base.calendar import deadline_after
from base.db import WriteSession
from base.errors import Refusal
from brokers.rule_table import in_force as rules_of
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.service import require_listed
from market.orders import repository as trades
from market.orders.contests import claim_contest, contests_in
from market.orders.errors import ContestClosed, NotAParty, NothingToContest, OfferMalformed, RewardContested
from market.orders.officers import require_unrelated
from market.orders.rewarding import RULE, Shown, claim_seen, fell, introductions_to, reward_shown
from market.orders.rules import TradeState, check_note
from market.orders.tables import RewardContest, Trade
from market.trade.accepting import draw_up_again

OPEN: Final = (TradeState.INQUIRED, TradeState.NEGOTIATING, TradeState.CONTRACT_READY)


async def contest_reward(s: WriteSession, act: Act, *, trade_id: str, reasons: str) -> RewardContest:
    """Say, as seller or buyer, why the broker is owed nothing in this trade (RWD.CONTEST).

    Once for each broker, before the contract is concluded. One that has fallen needs no decision: the
    contract is drawn up anew without it (RWD.FALL). Raises TradeUnknown, NotAParty, NothingToContest,
    RewardContested, OfferMalformed.
    """
    trade = await trades.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    own = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id}.get(act.role)
    if own != act.actor.org_id:
        raise NotAParty("seller and buyer contest, each for itself", role=act.role)
    claim = await _standing(s, act, trade)
    contested = any(one.broker_id == claim.broker_id for one in await contests_in(s, trade_id=trade_id))
    if contested and claim.fallen is None:
        raise RewardContested("it was contested in this trade before", trade_id=trade_id)
    due = deadline_after(act.occurred_at, rules_of(act.occurred_at).whole(RULE, "contest"))
    row = RewardContest(
        contest_id=act.new_id("rwd"),
        trade_id=trade_id,
        broker_id=claim.broker_id,
        mandate_id=claim.mandate_id,
        contester_id=act.actor.org_id,
        opened_at=act.occurred_at,
        due_at=due.at,
    )
    s.add(row)
    await s.flush()
    await record(s, act, _said("RWD.CONTEST", row, {"reasons": _text(reasons)}))
    if claim.fallen is not None:
        await _drop(s, act.as_exchange(), trade, claim)
    return row


async def answer_contest(s: WriteSession, act: Act, *, contest_id: str, text: str) -> RewardContest:
    """Say, as the broker, why it is owed (RWD.ANSWER). Raises ContestUnknown, ContestClosed, NotAParty."""
    row = await _open(s, contest_id)
    if (act.role, act.actor.org_id) != ("BROKER", row.broker_id):
        raise NotAParty("the broker answers", role=act.role)
    if row.answered_at is not None:
        raise ContestClosed("it was answered", contest_id=contest_id)
    row.answered_at = act.occurred_at
    s.add(row)
    await s.flush()
    await record(s, act, _said("RWD.ANSWER", row, {"text": _text(text)}))
    return row


async def withdraw_contest(s: WriteSession, act: Act, *, contest_id: str) -> RewardContest:
    """Take one's contest back (RWD.WITHDRAW): the reward stands. Raises ContestUnknown, ContestClosed."""
    row = await _open(s, contest_id)
    if act.actor.org_id != row.contester_id:
        raise NotAParty("who contests it takes it back", role=act.role)
    row.withdrawn, row.upheld, row.decided_at = True, False, act.occurred_at
    s.add(row)
    await s.flush()
    await record(s, act, _said("RWD.WITHDRAW", row))
    return row


async def decide_contest(
    s: WriteSession, act: Act, *, contest_id: str, upheld: bool, reasons: str
) -> RewardContest:
    """Decide, as an officer of the exchange of none of the sides (RWD.DECIDE).

    Upheld, what the broker introduced of these two over this product is no claim any more, and a contract
    that shows the reward is drawn up anew. Raises ContestUnknown, ContestClosed, NotAParty, OfficerRelated,
    NothingToContest, OfferMalformed.
    """
    row = await _open(s, contest_id)
    if act.role != "EXCHANGE_OPERATOR":
        raise NotAParty("an officer of the exchange decides", role=act.role)
    trade = await trades.claim_trade(s, trade_id=row.trade_id)
    await require_unrelated(s, act, trade, also=[row.broker_id])
    if trade.status not in OPEN:
        raise NothingToContest("the trade is concluded or over", trade_id=trade.trade_id)
    row.upheld, row.decided_at = upheld, act.occurred_at
    s.add(row)
    await s.flush()
    reward = {"reasons": _text(reasons)}
    await record(s, act, _said("RWD.DECIDE", row, reward, upheld=upheld))
    if upheld:
        await _let_go(s, act, trade, row.broker_id)
    return row


async def release_reward(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """Give one's claim up, as the broker (RWD.RELEASE). Raises TradeUnknown, NothingToContest."""
    trade = await trades.claim_trade(s, trade_id=trade_id)
    claim = await _standing(s, act, trade)
    if (act.role, act.actor.org_id) != ("BROKER", claim.broker_id):
        raise NothingToContest("no reward of yours", trade_id=trade_id)
    said = {"trade_id": trade_id, "broker_id": claim.broker_id, "mandate_id": claim.mandate_id}
    await record(s, act, Draft("RWD.RELEASE", trade_id, public=said))
    await _close(s, act, trade, claim.broker_id)
    await _let_go(s, act, trade, claim.broker_id)
    return trade


async def draw_up_without_fallen(s: WriteSession, act: Act, *, broker_id: str | None = None) -> None:
    """Draw up anew the contracts to be signed whose reward has fallen, of one broker or of any (RWD.FALL).

    All trades are locked before the first certificate is.
    """
    ready = await trades.ready_with_reward(s, broker_id=broker_id)
    for trade in [await trades.claim_trade(s, trade_id=trade_id) for trade_id in ready]:
        if trade.status is not TradeState.CONTRACT_READY:
            continue
        shown = await reward_shown(s, act, trade)
        if shown is not None and shown.fallen is not None:
            await _drop(s, act, trade, shown)


async def _drop(s: WriteSession, act: Act, trade: Trade, shown: Shown) -> None:
    """The exchange states that the reward has fallen; there is nothing left to decide about it.

    Not while its listing is off offer, or a party suspended: what is drawn up then fails its checks for good,
    and nobody can sign anyhow. The next round comes by again.
    """
    try:
        await require_listed(s, listing_id=trade.listing_id, now=act.now)
        for org_id in (trade.seller_id, trade.buyer_id):
            await require_member(s, org_id=org_id)
    except Refusal:
        return
    await record(s, act, fell(trade, shown))
    await _close(s, act, trade, shown.broker_id)
    await draw_up_again(s, act, trade)


async def _close(s: WriteSession, act: Act, trade: Trade, broker_id: str) -> None:
    for one in await contests_in(s, trade_id=trade.trade_id):
        if one.decided_at is None and one.broker_id == broker_id:
            one.upheld, one.decided_at = True, act.occurred_at
            s.add(one)
    await s.flush()


async def _standing(s: WriteSession, act: Act, trade: Trade) -> Shown:
    """What its contract shows, or what is claimed in a trade that has none. Raises NothingToContest."""
    if trade.status is TradeState.CONTRACT_READY and trade.reward_to is not None:
        shown = await reward_shown(s, act, trade)
        if shown is not None:
            return shown
    elif trade.status in OPEN:
        claim = await claim_seen(s, trade, at=act.now, price_minor=trade.price_minor)
        if claim is not None:
            return Shown(broker_id=claim.broker_id, mandate_id=claim.mandate_id, fallen=None)
    raise NothingToContest("no reward is claimed in this trade", trade_id=trade.trade_id)


async def _open(s: WriteSession, contest_id: str) -> RewardContest:
    """A contest to be closed, its trade locked first: whoever draws up anew closes contests by that lock."""
    seen = await s.get(RewardContest, contest_id)
    if seen is not None:
        await trades.claim_trade(s, trade_id=seen.trade_id)
    row = await claim_contest(s, contest_id=contest_id)
    if row.decided_at is not None:
        raise ContestClosed("it is decided", contest_id=contest_id)
    return row


async def _let_go(s: WriteSession, act: Act, trade: Trade, broker_id: str) -> None:
    """What the broker introduced of these two is no claim; a contract that shows it is drawn up anew."""
    for one in await introductions_to(s, trade):
        if one.broker_id == broker_id:
            one.released_at = act.occurred_at
            s.add(one)
    await s.flush()
    if trade.status is TradeState.CONTRACT_READY and trade.reward_to == broker_id:
        await draw_up_again(s, act.as_exchange(), trade)


def _text(text: str) -> str:
    said = check_note(text)
    if said is None:
        raise OfferMalformed("it says why", member="reasons")
    return said


def _said(event: str, row: RewardContest, opening: dict[str, str] | None = None, **said: bool) -> Draft:
    public = {
        "contest_id": row.contest_id,
        "trade_id": row.trade_id,
        "broker_id": row.broker_id,
        "contester_id": row.contester_id,
        **said,
    }
    return Draft(event, row.contest_id, public=public, opening=opening)
