"""A question has its price once: held back before it runs, spent with its statement, never overdrawn."""

import asyncio
import base64
import os
import signal
import warnings
from dataclasses import replace

import orjson
import pytest
from sqlmodel import select, update

from base.canonical import canonical, sha256_hex
from base.db import Database
from ledger.tables import StatementRow
from market.customs.errors import CustomsRouteNotOpen
from market.delivery.acceptance import Facts, Promise, judge_facts
from market.delivery.access import Declared
from market.delivery.errors import DeliveredOtherwise, EntitlementForeign, EntitlementRevoked
from market.delivery.forgetting import FORGETTERS
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.receipts import receipt_of
from market.delivery.meter.repository import uses_of
from market.delivery.repository import get_entitlement
from market.delivery.rules import EntitlementStatus
from market.delivery.sandbox import errors, rules
from market.delivery.sandbox.rules import LAPSE
from market.delivery.sandbox.service import declared_by, require_readable
from market.delivery.sandbox.tables import PreparedQuestion, QuestionStatus
from market.delivery.sandbox.testing import filled, metered_facts
from market.delivery.service import revoke_entitlement
from market.delivery.tables import Entitlement
from market.listings.categories import ProductType
from market.listings.errors import SandboxTermsMissing
from market.orders.errors import PurposeNotPermitted
from market.orders.handover import DeliveryMode
from market.orders.rules import TradeState
from tests.ledger.faults import Faults, Kind
from tests.market.delivery.sandboxed import (
    COUNTIES,
    asks,
    begins,
    budget,
    questions,
    sandboxed,
    settles,
)
from tests.market.delivery.test_meter import shared
from tests.market.delivery.test_recipients import named
from tests.market.listings.goods import said
from tests.standstill import refused

GROUPED = "select county, count(*) n, sum(index), avg(index) from data group by county order by county"


async def statements(deal, event):
    async with deal.house.database.read() as s:
        rows = await s.exec(select(StatementRow).where(StatementRow.event == event))
        payloads = [orjson.loads(row.envelope)["payload"] for row in rows]
    return [orjson.loads(base64.b64decode(payload))["predicate"] for payload in payloads]


async def test_a_question_is_answered_by_an_isolated_process_and_stated_before_it_leaves(deal):
    sandbox = await sandboxed(deal, epsilon_query_micro=50_000_000, epsilon_total_micro=80_000_000)
    question = await asks(sandbox, deal, GROUPED)
    answer = orjson.loads(question.answer)
    assert sha256_hex(question.answer) == question.result_sha256
    assert [row[0] for row in answer["rows"]] == COUNTIES
    assert all(abs(row[1] - 12) < 9 for row in answer["rows"])  # ε is 12.5 a number: e⁻¹¹² that it is not
    assert {name: answer[name] for name in ("epsilon_micro", "delta_pico", "file_sha256")} == {
        "epsilon_micro": 50_000_000,
        "delta_pico": 0,
        "file_sha256": deal.file.sha256,
    }
    assert answer["query"] == orjson.loads(question.form)
    predicate, opening = await said(deal.house.database, "DLV.QUERY", deal.trade_id)
    assert {name: predicate[name] for name in ("spent_micro", "budget_micro", "complete", "rows")} == {
        "spent_micro": 50_000_000,
        "budget_micro": 80_000_000,
        "complete": True,
        "rows": len(answer["rows"]),
    }
    assert predicate["result_sha256"] == question.result_sha256
    assert predicate["query_sha256"] == sha256_hex(
        canonical({"nonce": opening["query_nonce"], "query": opening["query"]})
    )
    assert "county" not in str(predicate)
    assert opening["query"]["group_by"] == ["county"]
    assert (await deal.trade()).status is TradeState.DELIVERED
    async with deal.house.database.read() as s:
        (use,) = await uses_of(s, entitlement_id=question.entitlement_id)
    assert (use.epsilon_micro, use.answer_sha256, use.request_sha256) == (
        50_000_000,
        question.result_sha256,
        question.query_sha256,
    )
    # The same again, in other words and under another key, is the same answer at no further price.
    again = await asks(sandbox, deal, f"{GROUPED.replace('select', 'SELECT')} -- again;")
    assert (again.query_id, again.answer) == (question.query_id, question.answer)
    assert (await budget(deal)).spent_micro == 50_000_000
    assert (await deal.entitlement()).used == 1
    assert len(await statements(deal, "DLV.QUERY")) == 1
    assert list(sandbox.scratch.iterdir()) == []


async def test_what_the_budget_does_not_hold_is_refused_before_it_runs(deal):
    await sandboxed(deal)
    first = await begins(deal, key="1")
    await settles(deal, first)
    second = await begins(deal, "select sum(index) from data", key="2")
    assert await budget(deal) == type(await budget(deal))(
        spent_micro=1_000_000, held_micro=1_000_000, questions=1, running=1
    )
    async with refused(deal.house.database, errors.BudgetSpent):
        await begins(deal, "select avg(index) from data", key="3", epsilon_micro=500_001)
    third = await begins(deal, "select avg(index) from data", key="3", epsilon_micro=500_000)
    await settles(deal, third)
    await settles(deal, second)
    assert (await budget(deal)).spent_micro == 2_500_000
    async with refused(deal.house.database, errors.BudgetSpent):
        await begins(deal, "select count(index) from data", key="4", epsilon_micro=2)
    stated = await statements(deal, "DLV.QUERY")
    assert sorted(one["spent_micro"] for one in stated) == [1_000_000, 1_500_000, 2_500_000]


async def test_many_clients_at_once_never_overdraw_the_budget(deal):
    await sandboxed(deal)

    async def one(number):
        try:
            asked = await begins(
                deal,
                f"select count(*) from data where index > {number}",
                key=f"key {number}",
                epsilon_micro=300_000,
            )
            return await settles(deal, asked)
        except errors.BudgetSpent as refusal:
            return refusal

    found = await asyncio.gather(*(one(number) for number in range(14)))
    answered = [one for one in found if not isinstance(one, errors.BudgetSpent)]
    assert len(answered) == 2_500_000 // 300_000
    assert sorted(one.spent_micro for one in answered) == [300_000 * n for n in range(1, 9)]
    assert (await budget(deal)).spent_micro == 2_400_000


async def test_the_same_question_asked_by_many_at_once_is_run_once(deal):
    await sandboxed(deal)

    async def one(number):
        try:
            return await begins(deal, key=f"key {number}")
        except errors.QuestionRunning as running:
            return running

    found = await asyncio.gather(*(one(number) for number in range(6)))
    (begun,) = [one for one in found if not isinstance(one, errors.QuestionRunning)]
    answered = await settles(deal, begun)
    assert (await begins(deal, key="later")).answer == answered.answer
    assert (await budget(deal)).spent_micro == 1_000_000
    more = await begins(deal, key="cheaper", epsilon_micro=1)
    assert more.query_id == begun.query_id


async def test_a_run_that_nobody_ended_holds_its_price_until_it_lapses_and_tells_nothing(deal):
    await sandboxed(deal)
    killed = await begins(deal, key="1")
    assert (await budget(deal)).held_micro == 1_000_000
    with pytest.raises(errors.QuestionRunning):
        await begins(deal, key="1")
    deal.house.clock.advance(LAPSE)
    assert (await budget(deal)).held_micro == 0
    async with refused(deal.house.database, errors.QuestionLapsed):
        await settles(deal, killed)  # the answer comes too late: it does not leave
    again = await begins(deal, key="1")
    assert again.query_id != killed.query_id
    assert [one.status for one in await questions(deal)] == [QuestionStatus.LAPSED, QuestionStatus.RUNNING]
    assert (await budget(deal)).spent_micro == 0
    assert (await deal.entitlement()).used == 0


async def test_a_run_that_a_limit_ended_has_its_price_and_says_so(deal):
    await sandboxed(deal)
    broken = await settles(deal, await begins(deal, key="1"), None)
    assert (broken.status, broken.answer, broken.use_id) == (QuestionStatus.BROKEN, b"", None)
    predicate, _ = await said(deal.house.database, "DLV.QUERY", deal.trade_id)
    assert (predicate["complete"], predicate["result_sha256"], predicate["spent_micro"]) == (
        False,
        None,
        1_000_000,
    )
    assert (await budget(deal)).spent_micro == 1_000_000
    assert (await deal.entitlement()).used == 0
    assert (await begins(deal, key="1")).status is QuestionStatus.BROKEN  # the same key: the same end
    assert (await begins(deal, key="2")).status is QuestionStatus.RUNNING


async def test_a_right_that_ends_while_a_question_runs_tells_nothing_and_spends_nothing(deal):
    sandbox = await sandboxed(deal)
    running = await begins(deal)
    async with deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=deal.trade_id)
    async with refused(deal.house.database, EntitlementRevoked):
        await settles(deal, running)
    assert (await budget(deal)).spent_micro == 0
    async with refused(deal.house.database, EntitlementRevoked):
        await asks(sandbox, deal)
    assert (await deal.entitlement()).status is EntitlementStatus.REVOKED


async def test_who_may_not_ask_is_refused_before_anything_is_read(deal):
    sandbox = await sandboxed(deal)
    stranger = await deal.house.admit("无关公司", {"BUYER"})
    async with refused(deal.house.database, EntitlementForeign):
        await asks(sandbox, deal, "no question at all", party=stranger)
    async with refused(deal.house.database, errors.QuestionRefused):
        await asks(sandbox, deal, "attach 'x'")
    assert await questions(deal) == []


async def test_a_right_of_another_kind_answers_no_question(deal):
    sandbox = await sandboxed(deal)
    async with deal.house.database.write() as s:
        await s.exec(update(Entitlement).values(kind=DeliveryKind.SHARE))
    async with refused(deal.house.database, DeliveredOtherwise):
        await asks(sandbox, deal)


async def test_a_listing_without_terms_answers_nothing(deal):
    await shared(deal, DeliveryMode.SANDBOX)
    async with refused(deal.house.database, SandboxTermsMissing):
        await begins(deal)


async def test_buyer_and_recipient_share_one_budget_and_the_policy_is_asked_of_each(deal):
    friend = await named(deal, uses=3)
    await sandboxed(deal)
    for declared in (Declared(), Declared("MARKETING")):
        async with refused(deal.house.database, PurposeNotPermitted):
            await begins(deal, declared=declared)
    theirs = await begins(deal, key="1", party=friend, declared=Declared("RESEARCH"))
    await settles(deal, theirs, party=friend)
    _, opening = await said(deal.house.database, "DLV.QUERY", deal.trade_id)
    assert (opening["taken_by"], opening["purpose"]) == (friend.org_id, "RESEARCH")
    assert (await budget(deal)).spent_micro == 1_000_000
    assert (await deal.trade()).status is TradeState.DELIVERING  # the buyer has had nothing yet
    mine = await begins(deal, key="2", declared=Declared("RISK_CONTROL"))
    assert mine.query_id == theirs.query_id  # told before under this right
    async with refused(deal.house.database, PurposeNotPermitted):
        await begins(deal, key="3", declared=Declared("MARKETING"))


async def test_a_key_is_one_question(deal):
    await sandboxed(deal)
    await settles(deal, await begins(deal, key="1"))
    async with refused(deal.house.database, errors.QuestionKeyReused):
        await begins(deal, "select sum(index) from data", key="1")
    assert (await budget(deal)).questions == 1


async def test_no_more_questions_are_answered_than_the_terms_give(deal):
    await sandboxed(deal, max_queries=1)
    await settles(deal, await begins(deal, key="1", epsilon_micro=1_000))
    async with refused(deal.house.database, errors.QuestionsUsedUp):
        await begins(deal, "select sum(index) from data", key="2", epsilon_micro=1_000)


PLAIN = {"mode": "PLAIN", "epsilon_query_micro": 0, "epsilon_total_micro": 0, "delta_pico": None}


async def test_exact_answers_are_held_against_those_before_them(deal, monkeypatch):
    """A total and the total without one county: the difference is a group of twelve."""
    sandbox = await sandboxed(deal, **PLAIN, min_group=50)
    everything, but_one = (
        "select count(*) n from data",
        "select count(*) n from data where county != '440101'",
    )
    first, second = [orjson.loads((await asks(sandbox, deal, text)).answer) for text in (everything, but_one)]
    assert (first["rows"], first["withheld"]) == ([[120]], 0)
    assert (second["rows"], second["withheld"]) == ([], 1)
    monkeypatch.setattr(rules, "MOST_EXACT", 2)
    with pytest.raises(errors.QuestionsUsedUp):
        await asks(sandbox, deal, f"{but_one} and county != '440102'")


def killed_at(deal, question, point):
    """Count the run in a process of its own that is killed at its `point`-th step (0: not at all)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _settle_and_die(deal, question, point)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _settle_and_die(deal, question, point):
    code = 1
    try:
        faults = Faults()
        faults.at_crash = lambda: os.kill(os.getpid(), signal.SIGKILL)

        async def run():
            database = Database(deal.house.database.url)
            here = deal.on(database, deal.house.clock, deal.folder)
            faults.watch(database)
            if point:
                faults.arm(Kind.CRASH, point)
            with faults.past_the_compiler():
                await settles(here, question)
            await database.dispose()

        asyncio.run(run())
        code = min(faults.count, 200)
    finally:
        os._exit(code)


async def test_budget_and_ledger_agree_wherever_the_exchange_is_killed(deal):
    await sandboxed(deal)
    points, at = 2, 1
    while at < points:
        question = await begins(deal, f"select count(*) from data where index > {at}", key=f"{at}")
        await deal.house.database.dispose()
        code = killed_at(deal, question, at)
        if code > 0:
            points = code
        stated = await statements(deal, "DLV.QUERY")
        now = await budget(deal)
        assert now.spent_micro == sum(one["epsilon_micro"] for one in stated)
        assert (now.questions, (await deal.entitlement()).used) == (len(stated), len(stated))
        deal.house.clock.advance(LAPSE)
        points, at = max(points, 60), at + 17
    assert len(await questions(deal)) > 2


async def test_the_acceptance_test_takes_its_facts_from_the_meter(deal):
    await sandboxed(deal)
    promise = Promise(ProductType.PRIVACY, "aa" * 32, 1, {"tasks": 2, "spent_micro": 1_500_000})
    first = await settles(deal, await begins(deal, key="1"))
    async with deal.house.database.read() as s:
        right = await get_entitlement(s, entitlement_id=first.entitlement_id)
        facts = await metered_facts(s, right, promise)
        early = await metered_facts(s, right, promise, so_far=False)
        other = await metered_facts(s, right, replace(promise, product_type=ProductType.TOOL))
    assert (early.given(), other.given()) == (frozenset(), frozenset())
    assert (facts.tasks, facts.spent_micro, facts.took_days) == (1, 1_000_000, None)
    assert facts.result_sha256 == facts.receipt_result_sha256 == first.result_sha256
    await settles(deal, await begins(deal, "select sum(index) from data", key="2"))
    async with deal.house.database.read() as s:
        (_, use) = await uses_of(s, entitlement_id=first.entitlement_id)
        facts = await metered_facts(s, right, promise, so_far=False)
    assert facts.receipt_sha256 == sha256_hex(canonical(receipt_of(use, trade_id=deal.trade_id)))
    verdicts = {item.name: item.verdict.value for item in judge_facts(promise, facts)}
    assert verdicts == {
        "receipt_sha256": "PASS",
        "tasks": "PASS",
        "result_sha256": "PASS",
        "spent_micro": "FAIL",  # two ε spent, where one and a half was agreed
    }
    assert filled(Facts(spent_micro=7), facts).spent_micro == 7


async def test_what_was_asked_can_be_erased_and_what_it_cost_stands(deal):
    await sandboxed(deal)
    answered = await settles(deal, await begins(deal, key="1"))
    async with deal.house.database.write() as s:
        await FORGETTERS["DLV.QUERY"](s, statement_id=answered.statement_id)
    (left,) = await questions(deal)
    assert (left.form, left.form_sha256, left.answer, left.asked_by, left.spent_micro) == (
        "",
        "",
        b"",
        None,
        1_000_000,
    )
    assert (await begins(deal, key="2")).query_id != answered.query_id


async def test_a_kept_answer_is_read_by_whom_it_could_be_told_now(deal):
    friend = await named(deal, territory=("CN", "HK"), region="810000", uses=3)
    await sandboxed(deal)
    told = await settles(deal, await begins(deal, declared=Declared("RESEARCH")))

    async def reads(party):
        async with deal.house.database.read() as s:
            await require_readable(
                s,
                told.entitlement_id,
                org_id=party.org_id,
                declared=declared_by(told, org_id=party.org_id),
                now=deal.house.clock.now(),
            )

    await reads(deal.buyer)
    with pytest.raises(CustomsRouteNotOpen):  # nothing was cleared to its place
        await reads(friend)
    async with deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=deal.trade_id)
    with pytest.raises(EntitlementRevoked):
        await reads(deal.buyer)


async def test_what_was_approved_and_erased_is_no_question_any_more(deal):
    sandbox = await sandboxed(deal, approval=True)
    right = (await deal.entitlement()).entitlement_id
    async with deal.house.database.write() as s:
        s.add(
            PreparedQuestion(
                algorithm_id="alg_1",
                entitlement_id=right,
                prepared_by=deal.buyer.org_id,
                form="",
                nonce="n",
                epsilon_micro=1,
                algorithm_sha256="0" * 64,
                prepared_at=deal.house.clock.now(),
                approved_at=deal.house.clock.now(),
            )
        )
    with pytest.raises(errors.AlgorithmUnknown):
        await asks(sandbox, deal, key="1", text=None, algorithm_id="alg_1")
