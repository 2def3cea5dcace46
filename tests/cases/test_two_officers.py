"""An order is two officers' work: what one proposes is in force when another confirms it, and not before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from base.calendar import deadline_after
from cases.errors import (
    CaseWrongRole,
    CaseWrongState,
    OrderBeyondPower,
    OrderConfirmedBefore,
    OrderLapsed,
    OrderMalformed,
    OrderNotOwn,
    OrderSameOfficer,
    OrderUnknown,
)
from cases.ordering import confirm_order, proposals_of, propose_order, withdraw_order
from cases.repository import orders_of
from cases.rules import Measure
from identity.errors import PersonNotIdentified, PersonsBound
from identity.service import deactivate_person
from identity.tables import PersonRow
from ledger.acts import perform
from ledger.reader import opening, statements_of
from market.listings.errors import ListingWrongState
from market.orders.errors import TradeWrongState
from market.orders.rules import TradeState
from tests.cases.opening import drop, investigate
from tests.houses import officer
from tests.standstill import refused, untouched

FINDING = {"finding_id": "fnd_" + "a" * 64, "rule_id": "WT1", "subjects": ["org_x"], "objects": []}


async def staffed(scene):
    """Officers of the regulator: two persons, a second login of the first, one whom it has enrolled."""
    async with scene.database.write() as s:
        for user_id, mark, by in (
            ("usr_one", 91, None),
            ("usr_two", 92, None),
            ("usr_one_too", 91, None),
            ("usr_made", 93, "usr_one"),
            ("usr_unknown", None, None),
        ):
            row = officer(scene.samr.org_id, mark or 94, scene.clock)
            row.user_id = row.login = user_id
            row.enrolled_by, row.roles = by, '["SAMR"]'
            row.mark = None if mark is None else row.mark
            s.add(row)


async def by(scene, user_id, verb, party=None, /, **facts):
    party, house = party or scene.samr, scene.house.house
    act = house.act(replace(party.actor, user_id=user_id), min(party.actor.roles), party.pen)

    async def bound(s, act):
        return await verb(s, act, **facts)

    about = facts.get("order_id") or facts["case_id"]
    return await perform(house, act, bound, attempted="ORD.ISSUE", object_id=about)


@pytest.fixture
async def case_id(scene):
    await staffed(scene)
    case = await scene.samr.do(investigate, attempted="CSE.FILE", finding=FINDING)
    return case.case_id


async def proposed(scene, case_id, who="usr_one"):
    freeze = {"measure": Measure.FREEZE_TRADE, "object_id": scene.trades["FUNDED"], "reason_code": "X_Y"}
    return (await by(scene, who, propose_order, case_id=case_id, **freeze)).order_id


async def test_nothing_moves_before_another_person_confirms_it(scene, case_id):
    order_id = await proposed(scene, case_id)
    trade_id = scene.trades["FUNDED"]
    assert (await scene.trade(trade_id)).status is TradeState.FUNDED
    async with scene.database.read() as s:
        assert [one.order_id for one in await proposals_of(s, case_id=case_id)] == [order_id]
        (said,) = await statements_of(s, object_id=order_id)
    assert trade_id not in str(said.predicate)  # nobody is warned by the log
    assert case_id not in str(said.predicate)  # which says what trades the case has flagged
    for who, refusal in (
        ("usr_one", OrderSameOfficer),
        ("usr_one_too", OrderSameOfficer),
        ("usr_made", PersonsBound),
        ("usr_unknown", PersonNotIdentified),
        (None, PersonNotIdentified),
    ):
        async with refused(scene.database, refusal):
            await by(scene, who, confirm_order, order_id=order_id)
    order = await by(scene, "usr_two", confirm_order, order_id=order_id)
    assert (order.order_id, order.measure) == (order_id, Measure.FREEZE_TRADE)
    assert (await scene.trade(trade_id)).status is TradeState.FROZEN
    async with scene.database.read() as s:
        assert await proposals_of(s, case_id=case_id) == []
        assert [one.order_id for one in await orders_of(s, case_id=case_id)] == [order_id]
        told = [one.event for one in await statements_of(s, object_id=order_id)]
    assert [one for one in told if one != "REF.REFUSE"] == ["ORD.PROPOSE", "ORD.ISSUE"]
    async with refused(scene.database, OrderConfirmedBefore):
        await by(scene, "usr_two", confirm_order, order_id=order_id)


async def test_another_authority_does_not_confirm_and_a_closed_case_orders_nothing(scene, case_id):
    order_id = await proposed(scene, case_id)
    async with refused(scene.database, CaseWrongRole):
        await by(scene, None, confirm_order, scene.authority, order_id=order_id)
    with pytest.raises(OrderUnknown):
        await by(scene, "usr_two", confirm_order, order_id="ord_none")
    await scene.samr.do(drop, attempted="CSE.NO_CASE", case_id=case_id)
    async with refused(scene.database, CaseWrongState):
        await by(scene, "usr_two", confirm_order, order_id=order_id)
    assert (await scene.trade(scene.trades["FUNDED"])).status is TradeState.FUNDED


async def withdrawn(scene, who, order_id):
    party, house = scene.samr, scene.house.house
    act = house.act(replace(party.actor, user_id=who), "SAMR", party.pen)

    async def bound(s, act):
        return await withdraw_order(s, act, order_id=order_id)

    return await perform(house, act, bound, attempted="ORD.WITHDRAW", object_id=order_id)


async def test_who_has_proposed_an_order_takes_it_back_before_it_is_in_force(scene, case_id):
    order_id, other = await proposed(scene, case_id), await proposed(scene, case_id)
    for who, refusal in (("usr_two", OrderNotOwn), ("usr_unknown", PersonNotIdentified)):
        async with refused(scene.database, refusal, sealed=True):
            await withdrawn(scene, who, order_id)
    await withdrawn(scene, "usr_one_too", order_id)  # one person, whatever the login
    async with scene.database.read() as s:
        assert [one.order_id for one in await proposals_of(s, case_id=case_id)] == [other]
        said = (await statements_of(s, object_id=order_id))[-1]
    assert (said.event, case_id in str(said.predicate)) == ("ORD.WITHDRAW", False)
    async with refused(scene.database, OrderLapsed):
        await by(scene, "usr_two", confirm_order, order_id=order_id)
    await by(scene, "usr_two", confirm_order, order_id=other)
    async with refused(scene.database, OrderConfirmedBefore, sealed=True):
        await withdrawn(scene, "usr_one", other)


async def test_a_refused_proposal_names_its_case_to_nobody(scene, case_id):
    """What an authority has in mind stays in the opening, for whom it is to read."""
    party, house = scene.samr, scene.house.house
    act = house.act(replace(party.actor, user_id="usr_one"), "SAMR", party.pen)
    beyond = {"measure": Measure.SUSPEND_CERTIFICATE, "object_id": scene.cert_id, "reason_code": "X_Y"}

    async def bound(s, act):
        return await propose_order(s, act, case_id=case_id, **beyond)

    async with refused(scene.database, OrderBeyondPower, sealed=True):
        await perform(house, act, bound, attempted="ORD.PROPOSE", object_id=case_id)
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=party.org_id))[-1]
        told = await opening(s, sha256=said.opening_sha256)
        assert "REF.REFUSE" not in [one.event for one in await statements_of(s, object_id=case_id)]
    assert (said.event, said.predicate["code"], said.predicate["attempted"]) == (
        "REF.REFUSE",
        "refused",
        None,
    )
    assert case_id not in str(said.payload)
    assert scene.cert_id not in str(said.payload)
    assert (told["object"], told["code"], told["attempted"]) == (case_id, "order-beyond-power", "ORD.PROPOSE")


async def test_what_is_beyond_the_authority_is_not_even_proposed(scene, case_id):
    beyond = {"measure": Measure.SUSPEND_CERTIFICATE, "object_id": scene.cert_id, "reason_code": "X_Y"}
    async with refused(scene.database, OrderBeyondPower):
        await by(scene, "usr_one", propose_order, case_id=case_id, **beyond)
    async with refused(scene.database, PersonNotIdentified):
        await proposed(scene, case_id, "usr_unknown")


async def test_what_its_object_does_not_take_is_not_even_proposed(scene, case_id):
    trade_id = scene.trades["FUNDED"]
    listing_id = (await scene.trade(trade_id)).listing_id
    for measure, object_id, refusal, state in (
        (Measure.UNFREEZE_TRADE, trade_id, TradeWrongState, "FUNDED"),
        (Measure.RESUME_DELIVERY, trade_id, TradeWrongState, "FUNDED"),
        (Measure.RESUME_LISTING, listing_id, ListingWrongState, "LISTED"),
    ):
        wanted = {"measure": measure, "object_id": object_id, "reason_code": "X_Y"}
        async with refused(scene.database, refusal) as found:
            await by(scene, "usr_one", propose_order, case_id=case_id, **wanted)
        assert (found.value.facts["state"], found.value.facts["event"]) == (state, measure.split("_")[0])
    for measure, object_id, member in (
        (Measure.SUSPEND_LISTING, trade_id, "object_id"),  # no listing has this id
        (Measure.FREEZE_FUNDS, trade_id, "object_id"),  # of nobody whom the case is about
        (Measure.FREEZE_EVIDENCE, trade_id, "seqs"),
        (Measure.INTERVIEW, trade_id, "object_id"),
    ):
        wanted = {"measure": measure, "object_id": object_id, "reason_code": "X_Y"}
        async with untouched(scene.database, OrderMalformed) as found:
            await by(scene, "usr_one", propose_order, case_id=case_id, **wanted)
        assert found.value.facts["member"] == member


async def test_a_proposal_lapses_after_ten_working_days_and_with_its_proposer_s_account(scene, case_id):
    closed, late = await proposed(scene, case_id), await proposed(scene, case_id, "usr_two")
    await scene.samr.do(deactivate_person, user_id="usr_one")
    async with refused(scene.database, OrderLapsed):
        await by(scene, "usr_two", confirm_order, order_id=closed)
    async with scene.database.write() as s:
        row = await s.get(PersonRow, "usr_one")
        row.active = True
        s.add(row)
    last = deadline_after(scene.clock.now(), 10).at
    scene.clock.move_to(last + timedelta(milliseconds=1))
    async with refused(scene.database, OrderLapsed):
        await by(scene, "usr_one", confirm_order, order_id=late)
    assert (await scene.trade(scene.trades["FUNDED"])).status is TradeState.FUNDED
