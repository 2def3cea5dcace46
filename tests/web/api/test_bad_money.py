"""Money and deliveries that may not happen: refused, on record, and not one fen or byte moves."""

from collections.abc import Sequence
from datetime import timedelta

import httpx
import orjson
from sqlmodel import select

from bank.messages import camt054
from bank.messages.entries import Entry
from base.ids import Seed
from base.signing import SigningKey, sign_envelope
from ledger.balances import totals
from market.settlement.messages import NOTIFICATION, payload_type
from market.settlement.repository import instructions_of
from market.settlement.tables import BankMessage
from tests.identity.unmoved import statements
from tests.web.api.conftest import Room
from tests.web.api.refusing import nothing_stored, only_refused, problem
from tests.web.nodes import ESCROW

# The bank asks again until it hears an answer, so what it was answered is kept.
BANK = frozenset({"market_bank_messages"})
# What settles goes through the batch writer, and so do its refusals: recorded and sealed at once.
SEALED = frozenset({"ledger_entries", "ledger_tiles", "ledger_tree"})


def credit(room: Room, trade_id: str, amount_minor: int) -> Entry:
    day = room.served.clock.now().date().isoformat()
    return Entry(
        entry_id=Seed().new_id("ent", room.served.clock.now()),
        credit=True,
        amount_minor=amount_minor,
        booked_on=day,
        valued_on=day,
        end_to_end_id="NOTPROVIDED",
        party_name="湾区普惠银行",
        party_account="CN25BANK0000000005",
        reference=trade_id,
    )


def message(
    room: Room, entries: Sequence[Entry], *, message_id: str = "", key: SigningKey | None = None
) -> bytes:
    now = room.served.clock.now()
    xml = camt054.notification(
        message_id=message_id or Seed().new_id("msg", now), at=now, escrow=ESCROW, entries=entries
    )
    envelope = sign_envelope(payload_type(NOTIFICATION), xml, key or room.served.bank_key)
    return orjson.dumps(envelope.document())


async def tell(room: Room, body: bytes) -> httpx.Response:
    return await room.http.post("/api/v1/bank/notifications", content=body)


async def contracted(room: Room) -> str:
    """The trade that is ready, signed by all."""
    trade_id = room.ids["ready"]
    for name in ("buyer", "broker"):
        signed = await (await room.desk(name)).act(f"/trades/{trade_id}/sign")
    assert signed["status"] == "CONTRACTED"
    return trade_id


async def money(room: Room) -> tuple[int, int]:
    async with room.database.read() as s:
        return await totals(s)


async def test_an_under_or_over_funded_escrow_moves_nothing_and_is_on_record(room: Room) -> None:
    trade_id = await contracted(room)
    before = await money(room)
    for amount in (67_999_999, 68_000_001):
        room.served.clock.advance(timedelta(hours=2))
        body = message(room, [credit(room, trade_id, amount)])
        async with only_refused(room.database, "escrow-amount-mismatch", but=BANK):
            document = problem(await tell(room, body), 409, "escrow-amount-mismatch")
        assert (document["expected_minor"], document["received_minor"]) == ("68000000", str(amount))
        async with nothing_stored(room.database, but=frozenset({"ledger_refusals"})):
            problem(await tell(room, body), 409, "escrow-amount-mismatch")
    assert await money(room) == before
    assert (await tell(room, message(room, [credit(room, trade_id, 68_000_000)]))).status_code == 200


async def test_a_second_funding_is_refused_and_the_first_message_again_is_answered_as_before(
    room: Room,
) -> None:
    trade_id = await contracted(room)
    first = message(room, [credit(room, trade_id, 68_000_000)])
    told = await tell(room, first)
    before = await money(room)
    async with nothing_stored(room.database):
        assert (await tell(room, first)).content == told.content
    async with only_refused(room.database, "escrow-funded-already", but=BANK):
        answer = await tell(room, message(room, [credit(room, trade_id, 68_000_000)]))
    problem(answer, 409, "escrow-funded-already")
    assert await money(room) == before


async def test_a_payment_for_nothing_or_of_another_account_or_bank_moves_nothing(room: Room) -> None:
    trade_id = await contracted(room)
    stranger = message(room, [credit(room, trade_id, 68_000_000)], key=SigningKey.generate())
    async with nothing_stored(room.database):
        problem(await tell(room, stranger), 401, "bank-signature-invalid")
        for body in (b"", b"{}", b"[1]", b"x" * 10):
            problem(await tell(room, body), 422, "bank-message-malformed")
        problem(await tell(room, b"x" * 1_100_000), 413, "too-large")
    async with only_refused(room.database, "payment-unknown", but=BANK):
        answer = await tell(room, message(room, [credit(room, "trd_" + "0" * 26, 5)]))
    problem(answer, 409, "payment-unknown")


async def test_a_second_settlement_of_a_trade_is_refused_and_moves_no_money(room: Room) -> None:
    trade_id = room.ids["settled"]
    first, entries = await settlement(room, trade_id)
    before = await money(room)
    async with only_refused(
        room.database, "trade-wrong-state", but=SEALED
    ):  # a new message tells the same debits
        answer = await tell(room, message(room, entries))
    problem(answer, 409, "trade-wrong-state")
    async with only_refused(room.database, "bank-message-changed", but=SEALED):
        answer = await tell(room, message(room, entries[:1], message_id=first.message_id))
    problem(answer, 409, "bank-message-changed")
    async with nothing_stored(room.database):  # the very message again is answered as before
        answer = await tell(room, first.envelope)
    assert answer.json() == first.outcome
    assert await money(room) == before


async def settlement(room: Room, trade_id: str) -> tuple[BankMessage, list[Entry]]:
    """The debit notification that settled a trade, and its entries told anew."""
    async with room.database.read() as s:
        (instruction,) = await instructions_of(s, trade_id=trade_id)
        heard = (await s.exec(select(BankMessage))).all()
    (settled,) = [
        row for row in heard if row.outcome["outcome"] == "settled" and row.outcome["trade_id"] == trade_id
    ]
    day = room.served.clock.now().date().isoformat()
    return settled, [
        Entry(
            entry_id=Seed().new_id("ent", room.served.clock.now()),
            credit=False,
            amount_minor=int(payout["amount_minor"]),
            booked_on=day,
            valued_on=day,
            end_to_end_id=payout["end_to_end_id"],
            party_name="payee",
            party_account=payout["account"],
            reference=trade_id,
            message_id=instruction.message_id,
        )
        for payout in instruction.payouts
    ]


# --- deliveries


async def entitlement_of(room: Room, trade_id: str) -> str:
    buyer = await room.desk("buyer")
    rights = await buyer.get("/entitlements")
    return next(right["entitlement_id"] for right in rights if right["trade_id"] == trade_id)


async def test_a_foreign_entitlement_gives_nothing_and_is_on_record(room: Room) -> None:
    entitlement_id = await entitlement_of(room, room.ids["delivering"])
    path = f"/entitlements/{entitlement_id}/file"
    second, provider = await room.desk("second"), await room.desk("provider")
    async with only_refused(room.database, "entitlement-foreign"):
        problem(await second.call("GET", path), 403, "entitlement-foreign")
    async with nothing_stored(room.database):
        problem(await provider.call("GET", path), 403, "forbidden")
        assert (await second.call("HEAD", path)).status_code == 404
        problem(
            await second.call("GET", "/entitlements/ent_" + "0" * 26 + "/file"), 404, "entitlement-unknown"
        )


async def test_a_used_up_entitlement_gives_nothing_more_and_is_on_record(room: Room) -> None:
    entitlement_id = await entitlement_of(room, room.ids["delivering"])
    path = f"/entitlements/{entitlement_id}/file"
    buyer = await room.desk("buyer")
    for used in (1, 2, 3):
        answer = await buyer.call("GET", path)
        assert answer.status_code == 200
        (right,) = [r for r in await buyer.get("/entitlements") if r["entitlement_id"] == entitlement_id]
        assert right["used"] == used
    async with only_refused(room.database, "entitlement-used-up"):
        problem(await buyer.call("GET", path), 409, "entitlement-used-up")
    async with nothing_stored(room.database, but=frozenset({"ledger_refusals"})):
        problem(await buyer.call("GET", path, range="bytes=0-9"), 409, "entitlement-used-up")
    assert len(await statements(room.database, "DLV.DOWNLOAD")) == 3


async def test_a_range_outside_the_file_is_416_and_spends_nothing(room: Room) -> None:
    entitlement_id = await entitlement_of(room, room.ids["delivering"])
    buyer = await room.desk("buyer")
    async with nothing_stored(room.database):
        answer = await buyer.call("GET", f"/entitlements/{entitlement_id}/file", range="bytes=999999999-")
    assert answer.status_code == 416
    assert answer.headers["content-range"].startswith("bytes */")
