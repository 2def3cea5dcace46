"""A question is asked, run and counted: its price is held back first, and spent with its statement.

Three steps, of which the middle one holds no lock. First, in one transaction under the budget's lock: may it
be asked, was it answered before, does the budget hold it; then its ε is held back. Then the isolated process
runs. Last, in one transaction: the use is counted, the ε is spent, DLV.QUERY is recorded, the answer kept; it
leaves after that. Whoever is killed in between has told nothing, and what was held back lapses.

The same question again is answered by what was answered: telling it twice tells no more, so it costs nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.db import ReadSession, WriteSession
from base.errors import Busy, Refusal
from base.files import FileStore
from ledger.acts import House, perform
from ledger.recording import Act, Actor
from market.customs.gate import require_left
from market.delivery import repository as delivery
from market.delivery.access import Declared, let_out_to, require_permitted, require_receiving
from market.delivery.errors import EntitlementUnknown
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.meter.service import authorise_use, use_act
from market.delivery.sandbox import repository
from market.delivery.sandbox.errors import (
    AlgorithmUnknown,
    QuestionKeyReused,
    QuestionRunning,
    RunBrokenOff,
)
from market.delivery.sandbox.forms import Form, form_from
from market.delivery.sandbox.planning import Algorithm, plan_of
from market.delivery.sandbox.rules import (
    LAPSE,
    price,
    require_approved,
    require_budget,
)
from market.delivery.sandbox.running import answered, opened_table, parsed
from market.delivery.sandbox.settling import EVENT, settle_question, terms_of
from market.delivery.sandbox.tables import Question, QuestionStatus
from market.delivery.service import check_deliverable
from market.delivery.tables import Entitlement
from market.delivery.tabular import table_of
from market.listings.sandboxing import AnswerMode, SandboxTerms
from market.orders.bounding import is_recipient
from market.orders.repository import get_trade
from market.orders.tables import Trade

WAIT_S: Final = 30.0
_RETRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a question is run with. `gate` lets a few run at once."""

    house: House
    files: FileStore
    scratch: Path
    gate: asyncio.Semaphore


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A question as it comes in: a text, or a prepared one. `key` makes a call repeated one question."""

    key: str
    declared: Declared
    text: str | None = None
    algorithm_id: str | None = None
    epsilon_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question that was read and checked, with its price, and the approval it rests on."""

    asking: Asking
    form: Form
    epsilon_micro: int
    nonce: str | None = None
    approved_sha256: str | None = None


async def ask(sandbox: Sandbox, actor: Actor, *, entitlement_id: str, asking: Asking) -> Question:
    """The answer to a question, made now or kept from before; a refusal is recorded against who asks.

    Raises QuestionRefused, BudgetSpent, QuestionsUsedUp, AlgorithmNotApproved, AlgorithmChanged,
    QuestionRunning, QuestionKeyReused, what `authorise_use` and `table_of` raise, Busy and SandboxDown (both
    spend nothing), QuestionLapsed, and RunBrokenOff, which has its price.
    """
    house = sandbox.house
    try:
        wanted = await _wanted(sandbox, actor, entitlement_id, asking)
    except Refusal as refusal:
        return await _refused(house, actor, entitlement_id, refusal)

    async def begin(s: WriteSession, act: Act) -> Question:
        return await begin_question(s, act, entitlement_id, wanted)

    act = use_act(house, actor)
    question = await perform(house, act, begin, attempted=EVENT, object_id=entitlement_id)
    if question.status is QuestionStatus.BROKEN:
        raise RunBrokenOff("the run went beyond its limits", query_id=question.query_id)
    if question.status is QuestionStatus.ANSWERED:
        return question
    try:
        return await _answered(sandbox, actor, question)
    except BaseException:
        await asyncio.shield(_release(house, question.query_id))
        raise


async def _refused(house: House, actor: Actor, entitlement_id: str, refusal: Refusal) -> Question:
    async def refuse(s: WriteSession, act: Act) -> Question:
        del s, act
        raise refusal

    return await perform(house, use_act(house, actor), refuse, attempted=EVENT, object_id=entitlement_id)


async def _wanted(sandbox: Sandbox, actor: Actor, entitlement_id: str, asking: Asking) -> Wanted:
    """Read and check the question, for one who may ask by this right at all."""
    async with sandbox.house.database.read() as s:
        entitlement, terms = await standing_terms(s, sandbox.house, entitlement_id, org_id=actor.org_id)
        if asking.algorithm_id is not None:
            row = await repository.get_prepared(s, algorithm_id=asking.algorithm_id)
            if row.entitlement_id != entitlement.entitlement_id or not row.form:  # another's, or erased
                raise AlgorithmUnknown("no such prepared question", algorithm_id=asking.algorithm_id)
            form = form_from(orjson.loads(row.form), terms)
            approved = row.algorithm_sha256 if row.approved_at is not None else None
            return Wanted(asking, form, row.epsilon_micro, row.nonce, approved)
    form = await read_form(sandbox, asking.text or "", terms)
    return Wanted(asking, form, price(asking.epsilon_micro, terms))


async def read_form(sandbox: Sandbox, text: str, terms: SandboxTerms) -> Form:
    """A text as a checked form. Raises QuestionRefused, Busy."""
    async with _place(sandbox):
        return form_from(await parsed(text), terms)


@asynccontextmanager
async def _place(sandbox: Sandbox) -> AsyncIterator[None]:
    """One of the few places to run a child in. Raises Busy while there is none."""
    try:
        async with asyncio.timeout(WAIT_S):
            await sandbox.gate.acquire()
    except TimeoutError:
        raise Busy("other questions are being answered", retry_after_s=_RETRY_S) from None
    try:
        yield
    finally:
        sandbox.gate.release()


async def standing_terms(
    s: ReadSession, house: House, entitlement_id: str, *, org_id: str
) -> tuple[Entitlement, SandboxTerms]:
    """A right that answers questions now, and what may be asked by it.

    Raises EntitlementUnknown, what `require_usable` and `check_deliverable` raise, DeliveredOtherwise and
    SandboxTermsMissing.
    """
    trade, entitlement = await _standing(s, entitlement_id, org_id=org_id, now=house.clock.now())
    return entitlement, await terms_of(s, trade)


async def _standing(
    s: ReadSession, entitlement_id: str, *, org_id: str, now: datetime
) -> tuple[Trade, Entitlement]:
    await delivery.get_entitlement(s, entitlement_id=entitlement_id)
    trade, entitlement, listing = await delivery.standing(s, entitlement_id=entitlement_id)
    await require_receiving(s, trade, entitlement, org_id=org_id, now=now)
    require_kind(entitlement.kind, DeliveryKind.QUERY)
    check_deliverable(trade.listing_id, listing)
    return trade, entitlement


async def require_readable(
    s: ReadSession,
    entitlement_id: str,
    *,
    org_id: str,
    declared: Declared,
    now: datetime,
    query_id: str | None = None,
) -> Declared:
    """Whether a kept answer may be read now: by who takes, while the right stands, as the policy lets it.

    Uses that are used up end no reading. An answer that was not booked yet for whoever receives abroad is
    asked for again, so that it is (`query_id`). Answers for what it is read.
    Raises what `standing_terms` and `require_permitted` raise.
    """
    _, entitlement = await _standing(s, entitlement_id, org_id=org_id, now=now)
    used = max(1, min(entitlement.used, entitlement.max_downloads))
    told = await require_permitted(s, entitlement, declared, by=org_id, now=now, count=used)
    if query_id is not None:
        for recipient_id in sorted({org_id, told.recipient or org_id}):
            await require_left(s, carried=query_id, recipient_id=recipient_id)
    return told


def declared_by(row: Question, *, org_id: str) -> Declared:
    """For what and for whom a kept answer is read: as it was asked; a recipient reads for itself."""
    return Declared(row.purpose, row.recipient if org_id == row.buyer_id else None)


async def looked_at(
    s: ReadSession, entitlement_id: str, *, org_id: str
) -> tuple[Trade, Entitlement, SandboxTerms, bool]:
    """A right that answers questions, and whether it is its seller who looks, not who takes.

    Raises EntitlementUnknown, also for strangers, and SandboxTermsMissing.
    """
    entitlement = await delivery.get_entitlement(s, entitlement_id=entitlement_id)
    trade = await get_trade(s, trade_id=entitlement.trade_id)
    takes = org_id == trade.buyer_id or await is_recipient(s, trade_id=trade.trade_id, org_id=org_id)
    if not takes and org_id != trade.seller_id:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return trade, entitlement, await terms_of(s, trade), not takes


async def begin_question(s: WriteSession, act: Act, entitlement_id: str, wanted: Wanted) -> Question:
    """The question as it was answered before, or a new one whose price is held back."""
    by, asking = act.actor.org_id, wanted.asking
    trade, entitlement = await delivery.claim(s, entitlement_id=entitlement_id, moves_trade=False)
    buyer, product = entitlement.buyer_id, trade.product_id
    await repository.claim_budget(s, buyer_id=buyer, product_id=product)
    await repository.give_up_lapsed(s, buyer_id=buyer, product_id=product, now=act.now)
    known = await _known(s, entitlement, wanted, by=by)
    if known is not None:
        told = await require_readable(s, entitlement_id, org_id=by, declared=asking.declared, now=act.now)
        if known.status is QuestionStatus.ANSWERED:  # read abroad for the first time, it leaves
            await let_out_to(
                s,
                act,
                trade,
                takers={by, told.recipient or by},
                kind=DeliveryKind.QUERY,
                volume_bytes=len(known.answer),
                carried=known.query_id,
            )
        return known
    _, _, told = await authorise_use(
        s,
        entitlement_id=entitlement_id,
        kind=DeliveryKind.QUERY,
        by=by,
        declared=asking.declared,
        now=act.now,
    )
    terms = await terms_of(s, trade)
    algorithm = Algorithm(
        wanted.form,
        plan_of(wanted.form, terms, epsilon_micro=wanted.epsilon_micro),
        terms,
        wanted.nonce or act.nonce(),
    )
    registered = asking.algorithm_id is not None
    require_approved(
        terms,
        approved_sha256=wanted.approved_sha256,
        registered=registered,
        runs_sha256=algorithm.sha256,
    )
    budget = await repository.budget_of(s, buyer_id=buyer, product_id=product, now=act.now)
    require_budget(budget, terms, epsilon_micro=algorithm.plan.epsilon_micro)
    question = Question(
        query_id=act.new_id("qry"),
        entitlement_id=entitlement_id,
        buyer_id=buyer,
        product_id=product,
        key=asking.key,
        asked_by=by,
        purpose=told.purpose,
        recipient=told.recipient,
        form=canonical(wanted.form.document()).decode(),
        form_sha256=wanted.form.sha256,
        nonce=algorithm.nonce,
        query_sha256=algorithm.query_sha256,
        algorithm_sha256=algorithm.sha256,
        epsilon_micro=algorithm.plan.epsilon_micro,
        delta_pico=algorithm.plan.delta_pico,
        status=QuestionStatus.RUNNING,
        asked_at=act.now,
        lapses_at=act.now + LAPSE,
    )
    s.add(question)
    await s.flush()
    return question


async def _known(s: ReadSession, entitlement: Entitlement, wanted: Wanted, *, by: str) -> Question | None:
    """The question as it was asked before: under this key, else by anybody under this right."""
    right = entitlement.entitlement_id
    found = await repository.question_by_key(s, entitlement_id=right, key=wanted.asking.key)
    if found is not None and (found.form_sha256, found.asked_by) != (wanted.form.sha256, by):
        raise QuestionKeyReused("this key was another question's", query_id=found.query_id)
    found = found or await repository.same_question(
        s, entitlement_id=right, form_sha256=wanted.form.sha256, epsilon_micro=wanted.epsilon_micro
    )
    if found is not None and found.status is QuestionStatus.RUNNING:
        raise QuestionRunning("ask again in a moment", query_id=found.query_id, retry_after_s=_RETRY_S)
    return found


async def _answered(sandbox: Sandbox, actor: Actor, question: Question) -> Question:
    house = sandbox.house
    async with house.database.read() as s:
        trade, entitlement, _ = await delivery.standing(s, entitlement_id=question.entitlement_id)
        terms = await terms_of(s, trade)
        exact = terms.mode is AnswerMode.PLAIN
        earlier = await repository.exact_forms(s, beside=question) if exact else ()
    job = {
        "form": orjson.loads(question.form),
        "terms": terms.document(),
        "epsilon_micro": question.epsilon_micro,
        "earlier": [orjson.loads(form) for form in earlier],
    }
    try:
        told = await _run(sandbox, entitlement, job)
    except RunBrokenOff:
        await _settled(house, actor, question, None)
        raise
    return await _settled(house, actor, question, told)


async def _run(sandbox: Sandbox, entitlement: Entitlement, job: dict[str, Any]) -> dict[str, Any]:
    """Run the question when there is a place. Raises Busy while there is none, and what `answered` raises."""
    async with _place(sandbox):
        table = await table_of(
            sandbox.house.database,
            sandbox.files,
            delivery.stored_file(entitlement),
            scratch=sandbox.scratch,
        )
        async with opened_table(sandbox.files, table, scratch=sandbox.scratch) as descriptor:
            return await answered(job, descriptor)


async def _settled(house: House, actor: Actor, question: Question, told: dict[str, Any] | None) -> Question:
    """Count what was run, answered or broken off, before anybody hears of it."""

    async def settle(s: WriteSession, act: Act) -> Question:
        return await settle_question(s, act, query_id=question.query_id, told=told)

    act = use_act(house, actor)
    return await perform(house, act, settle, attempted=EVENT, object_id=question.entitlement_id)


async def _release(house: House, query_id: str) -> None:
    """Give back what a run held that came to nothing; what was settled stays."""
    async with house.database.write() as s:
        row = await repository.claim_question(s, query_id=query_id)
        if row.status is QuestionStatus.RUNNING:
            row.status, row.key = QuestionStatus.FAILED, None
            s.add(row)
