"""One trade, and everybody at once: settlement, refund, freeze, void, dispute, the bank and the clock.

Over the real application, with the bank's notifications going through the batch writer. Whatever comes of it
is what would have come of it one after the other: the ledger's order is a path of the table of states, every
act that was answered is on it once, the others are told by a stable code what stood in their way, and the
money is all there.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest
from sqlalchemy import func
from sqlmodel import col, select

from bank.messages import camt054
from bank.messages.entries import Entry
from base.ids import Seed
from base.signing import Envelope, sign_envelope
from cli.audit_database import rows_of
from cli.exporting import export_bundle
from identity.pens import HeldPen
from ledger.acts import perform
from ledger.balances import totals
from ledger.bundle import Edition
from ledger.recording import Actor
from ledger.tables import PostingRow
from market.orders.repository import get_trade
from market.settlement.messages import NOTIFICATION, payload_type
from market.settlement.refunding import take_up
from market.settlement.repository import instructions_of
from supervision.audit import audit
from supervision.audit_moves import MOVES
from tests.cases.opening import investigate
from tests.cases.test_orders import FINDING
from tests.identity.unmoved import statements
from tests.web.api.desk import Desk
from tests.web.market import Market, _trade, small_market
from tests.web.nodes import ESCROW, Served

PRICE: Final = 68_000_000
HOLDING: Final = frozenset(
    {"FUNDED", "DELIVERING", "DELIVERED", "DISPUTED", "ACCEPTED_GOODS", "PARTIAL_SETTLE", "REFUND_PENDING"}
)
# What may stand in an act's way, by its status.
REASONS: Final = {
    409: {
        "trade-wrong-state",
        "payment-under-way",
        "payment-in-doubt",
        "nothing-to-pay-again",
        "nothing-released",
        "settlement-not-instructed",
        "escrow-funded-already",
        "trade-frozen",
        "bank-entry-known-already",
        "claim-paid-already",
        "posting-resolved-before",
        "refund-beyond-paid",
        "trade-moved-on",
        "prepared-used",
        "prepared-changed",
        "invoice-there-already",
    },
    422: {"order-malformed"},
    503: {"busy", "payments-cross"},
}
Answer = httpx.Response
Call = Callable[[], Awaitable[Answer]]


@dataclass
class Crowd:
    """A market, a trade in it, and what everybody does to that trade at the same moment."""

    market: Market
    http: httpx.AsyncClient
    dice: random.Random
    desks: dict[str, Desk] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)

    @property
    def served(self) -> Served:
        return self.market.served

    async def play(self, upto: str) -> None:
        """One round: a trade is brought to a state, then a dozen acts happen at once beside the clock."""
        trade_id = await self.bring(upto)
        if "samr-2" not in self.market.people:
            self.market.people["samr-2"] = await self.served.colleague(self.market.samr, "samr-2")
        self.seat()
        before = len(await self.said(trade_id))
        state = await self.state(trade_id)
        calls = await self.calls(trade_id, upto)
        self.dice.shuffle(calls)
        chosen = calls[:12]
        for name, _ in chosen:
            await self.prove(name)
        jobs = [self.served.node.run_lane() for _ in range(2)]
        answers = (await asyncio.gather(*(call() for _, call in chosen), *jobs))[: len(chosen)]
        events = [name for name, _ in chosen]
        self.judge(events, answers)
        path = (await self.said(trade_id))[before:]
        assert follow(state, path) == await self.state(trade_id)
        self.once(events, answers, path)
        await self.money(trade_id)

    def seat(self) -> None:
        """Everybody has a token of this moment."""
        for name, person in self.market.people.items():
            token = self.served.token(person)
            self.desks[name] = Desk(self.http, person.login, person.org_id, person.key, token=token)

    # -- the stage

    async def bring(self, upto: str) -> str:
        served = self.served
        paid = upto in {"ACCEPTED", "INSTRUCTED", "SETTLED"}
        trade_id = await _trade(self.market, "DELIVERED" if paid else upto)
        if not paid:
            return trade_id
        await served.api(self.market.buyer, "POST", f"/trades/{trade_id}/accept-goods", {})
        async with served.node.database.read() as s:
            due = (await get_trade(s, trade_id=trade_id)).settle_at
        assert due is not None
        served.clock.move_to(due)
        if upto != "ACCEPTED":
            await self.instruct(trade_id)
        if upto == "SETTLED":
            told = await self.debits(trade_id)
            assert told is not None
            assert (await self.tell(told)()).json()["outcome"] == "settled"
        return trade_id

    async def instruct(self, trade_id: str) -> None:
        node = self.served.node

        async def taken_up(s: Any, act: Any) -> Any:
            assert node.escrow is not None
            return await take_up(s, act, trade_id=trade_id, escrow=node.escrow)

        act = node.house.exchange_act()
        await perform(node.house, act, taken_up, attempted="PAY.INSTRUCT", object_id=trade_id)

    async def order(self, trade_id: str, measure: str, **more: Any) -> Call | None:
        """A signed order in an investigation of its own; the authority's key is at home.

        None where the trade as it stands does not take it: nobody may propose it then.
        """
        desk, house = self.desks["samr"], self.served.node.house
        assert desk.key is not None
        finding = FINDING | {"finding_id": f"fnd_{self.dice.randbytes(32).hex()}", "objects": [trade_id]}

        async def investigation(s: Any, act: Any) -> Any:
            return await investigate(s, act, finding=finding)

        act = house.act(Actor(desk.org_id, frozenset({"SAMR"})), "SAMR", HeldPen(desk.key))
        case = await perform(house, act, investigation, attempted="CSE.FILE", object_id=trade_id)
        body = {"measure": measure, "object_id": trade_id, "reason_code": "QUALITY"} | more

        prepared = await desk.call("POST", f"/cases/{case.case_id}/orders", body)
        if prepared.status_code == HTTPStatus.CONFLICT:
            assert prepared.json()["code"] == "trade-wrong-state"
            return None
        proposed = await desk.submit(prepared.content)
        second = self.desks["samr-2"]

        async def ordered() -> Answer:
            prepared = await second.call("POST", f"/orders/{proposed.json()['order_id']}/confirm")
            return await second.submit(prepared.content) if prepared.status_code == 202 else prepared

        return ordered

    def act(self, name: str, path: str, body: Any = None) -> Call:
        return lambda: self.desks[name].call("POST", path, body)

    async def calls(self, trade_id: str, upto: str) -> list[tuple[str, Call]]:
        """Everything that anybody could try now, by the event that it would be."""
        path = f"/trades/{trade_id}"
        complaint = {"ground": "QUALITY", "text": "三个字段为空"}
        back = {"ground": "QUALITY", "refund_minor": PRICE // 2}
        wrong = await self.debits(trade_id, more=100)
        right = await self.debits(trade_id)
        again = await self.debits(trade_id)
        money = self.credit(trade_id)
        orders = [
            ("TRD.FREEZE", await self.order(trade_id, "FREEZE_TRADE")),
            ("TRD.VOID", await self.order(trade_id, "VOID_TRADE")),
            ("TRD.POST_REFUND", await self.order(trade_id, "REFUND_TRADE", refund_minor=PRICE)),
        ]
        found = [
            *((name, call) for name, call in orders if call is not None),
            ("TRD.POST_REFUND by the exchange", self.act("operator", f"{path}/post-refund", back)),
            ("TRD.DISPUTE by the buyer", self.act("buyer", f"{path}/dispute", complaint)),
            ("TRD.DISPUTE by the provider", self.act("provider", f"{path}/dispute", complaint)),
            ("TRD.ACCEPT_GOODS", self.act("buyer", f"{path}/accept-goods", {})),
            ("TRD.DELIVERED", self.act("buyer", f"{path}/confirm-receipt")),
            ("TRD.FUND", self.tell(money)),
            ("TRD.FUND again", self.tell(money)),
            ("TRD.FUND as another", self.tell(self.credit(trade_id))),
        ]
        if right is not None and again is not None and wrong is not None:
            found += [
                ("TRD.SETTLE", self.tell(right)),
                ("TRD.SETTLE again", self.tell(right)),
                ("TRD.SETTLE as another", self.tell(again)),
                ("TRD.SETTLE otherwise", self.tell(wrong)),
            ]
        return found if upto != "DELIVERED" else [one for one in found if "SETTLE" not in one[0]]

    # -- the bank

    def credit(self, trade_id: str) -> Envelope:
        return self.notice([self.entry(trade_id, PRICE, credit=True, end_to_end_id="NOTPROVIDED")])

    async def debits(self, trade_id: str, *, more: int = 0) -> Envelope | None:
        """What the bank says of the last instruction; None where there is none."""
        async with self.served.node.database.read() as s:
            given = await instructions_of(s, trade_id=trade_id)
        if not given:
            return None
        first, *others = [
            (p["end_to_end_id"], int(p["amount_minor"]), p["account"]) for p in given[-1].payouts
        ]
        paid = [(first[0], first[1] + more, first[2]), *others]
        return self.notice(
            [
                self.entry(
                    trade_id,
                    amount,
                    credit=False,
                    end_to_end_id=name,
                    account=account,
                    about=given[-1].message_id,
                )
                for name, amount, account in paid
            ]
        )

    def entry(
        self,
        trade_id: str,
        amount: int,
        *,
        credit: bool,
        end_to_end_id: str,
        account: str = "CN25BANK0000000005",
        about: str | None = None,
    ) -> Entry:
        day = self.served.clock.now().date().isoformat()
        return Entry(
            entry_id=Seed().new_id("ent", self.served.clock.now()),
            credit=credit,
            amount_minor=amount,
            booked_on=day,
            valued_on=day,
            end_to_end_id=end_to_end_id,
            party_name="湾区普惠银行",
            party_account=account,
            reference=trade_id,
            message_id=about,
        )

    def notice(self, entries: Sequence[Entry]) -> Envelope:
        now = self.served.clock.now()
        message_id = Seed().new_id("msg", now)
        xml = camt054.notification(message_id=message_id, at=now, escrow=ESCROW, entries=list(entries))
        return sign_envelope(payload_type(NOTIFICATION), xml, self.served.bank_key)

    def tell(self, envelope: Envelope) -> Call:
        content = orjson.dumps(envelope.document())
        return lambda: self.http.post("/api/v1/bank/notifications", content=content)

    # -- what is asked afterwards

    async def prove(self, event: str) -> None:
        """Each grave act spends a proof of its person."""
        for name in ("buyer", "provider", "operator"):
            if event in _BY[name]:
                await self.served.prove(self.market.people[name])

    async def said(self, trade_id: str) -> list[dict[str, Any]]:
        """What the ledger says of the trade's steps, in its order; everything queued is sealed."""
        await self.served.node.seal()
        found = [said["predicate"] for said in await statements(self.served.node.database)]
        return [one for one in found if one["object"] == trade_id and one["event"].startswith("TRD.")]

    async def state(self, trade_id: str) -> str:
        async with self.served.node.database.read() as s:
            return (await get_trade(s, trade_id=trade_id)).status.value

    def judge(self, events: Sequence[str], answers: Sequence[Answer]) -> None:
        """Done, or refused for a reason that everybody can look up; nothing else."""
        for event, answer in zip(events, answers, strict=True):
            if answer.is_success:
                self.told[event] += 1
                continue
            assert answer.headers["content-type"] == "application/problem+json"
            code = answer.json()["code"]
            assert code in REASONS.get(answer.status_code, ()), (event, answer.text)
            if answer.status_code == 503:
                assert answer.headers["retry-after"]
            self.told[code] += 1

    def once(self, events: Sequence[str], answers: Sequence[Answer], path: Sequence[dict[str, Any]]) -> None:
        """What was answered is what was stated: each act once, and of one message one statement."""
        done: set[str] = set()
        messages: dict[str, set[bytes]] = {}
        for event, answer in zip(events, answers, strict=True):
            name = event.removesuffix(" again")
            if answer.is_success and answer.json().get("outcome") not in {"mismatch", "known"}:
                done.add(name)
                messages.setdefault(name, set()).add(answer.content)
        assert all(len(told) == 1 for told in messages.values())  # the same message, the same answer
        stated = Counter(one["event"] for one in path)
        assert stated == Counter(name.partition(" ")[0] for name in done)

    async def money(self, trade_id: str) -> None:
        """All of it is there: on the trade while its state holds it, else with whom it was paid to."""
        async with self.served.node.database.read() as s:
            trade = await get_trade(s, trade_id=trade_id)
            cash, on_trades = await totals(s)
            query = select(func.sum(PostingRow.amount_minor)).where(PostingRow.account == f"held:{trade_id}")
            held = -int((await s.exec(query.where(col(PostingRow.booked)))).one() or 0)
            crooked = select(PostingRow.batch_id).group_by(PostingRow.batch_id)
            assert (await s.exec(crooked.having(func.sum(PostingRow.amount_minor) != 0))).all() == []
        assert cash == -on_trades
        kept = trade.frozen_from or trade.status.value
        released = trade.settled_at is not None
        assert held == (PRICE if not released and kept in HOLDING | {"VOIDED"} else 0)


_BY: Final = {
    "buyer": {"TRD.DISPUTE by the buyer", "TRD.ACCEPT_GOODS", "TRD.DELIVERED"},
    "provider": {"TRD.DISPUTE by the provider"},
    "operator": {"TRD.POST_REFUND by the exchange"},
}


def follow(state: str | None, path: Sequence[dict[str, Any]]) -> str | None:
    """Where the statements lead from a state, by the table an auditor has."""
    stood: str | None = None
    for said in path:
        roles, to = MOVES[state, said["event"]]
        assert said["role"] in roles
        stood = state if said["event"] == "TRD.FREEZE" else stood
        assert (said["from"], said["to"]) == (state, to or stood)
        state = said["to"]
    return state


@pytest.fixture
async def crowd(both: Served) -> Any:
    roles = {
        "authority": "DATA_AUTHORITY",
        "samr": "SAMR",
        "provider": "PROVIDER",
        "buyer": "BUYER",
        "broker": "BROKER",
    }
    market = await small_market(both, roles, at_home="samr")
    async with both.client() as http:
        yield Crowd(market, http, random.Random(0))


async def hold(crowd: Crowd, seed: int, rounds: int, folder: Path) -> Counter[str]:
    crowd.dice = random.Random(seed)
    for number in range(rounds):
        upto = ("INSTRUCTED", "DELIVERED", "ACCEPTED", "SETTLED", "DELIVERING")[number % 5]
        crowd.served.clock.advance(timedelta(minutes=1))
        await crowd.play(upto)
    node = crowd.served.node
    size = await export_bundle(node, folder / "bundle", Edition.REGULATOR)
    rows, moved = await rows_of(node.settings.database_url, size=size)
    report = audit(folder / "bundle", [node.publisher.signer.vkey], rows=rows)
    assert (report.clean, report.pinned, moved) == (True, True, 0), report.document()
    return crowd.told


async def test_whatever_comes_at_once_comes_of_it_as_one_after_the_other(
    crowd: Crowd, tmp_path: Path
) -> None:
    told = await hold(crowd, 20261122, 4, tmp_path)
    assert told["trade-wrong-state"] > 8
    assert sum(count for name, count in told.items() if name.startswith("TRD.")) >= 3


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
async def test_hundreds_of_times(crowd: Crowd, tmp_path: Path, seed: int) -> None:
    told = await hold(crowd, seed, 60, tmp_path)
    for event in ("TRD.SETTLE", "TRD.FREEZE", "TRD.VOID", "TRD.DISPUTE by the buyer", "TRD.POST_REFUND"):
        assert told[event], told
