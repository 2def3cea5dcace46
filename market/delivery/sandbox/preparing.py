"""Questions registered beforehand: read and digested, approved by the seller, run as they were approved."""

import orjson

from base.canonical import canonical
from base.db import WriteSession
from ledger.acts import perform
from ledger.recording import Act, Actor, record
from ledger.statement import Draft
from market.delivery import repository as delivery
from market.delivery.meter.service import use_act
from market.delivery.sandbox import repository
from market.delivery.sandbox.errors import AlgorithmDecided, NotTheSeller
from market.delivery.sandbox.forms import refused
from market.delivery.sandbox.planning import Algorithm, plan_of
from market.delivery.sandbox.rules import price
from market.delivery.sandbox.service import Sandbox, read_form, standing_terms
from market.delivery.sandbox.tables import PreparedQuestion

EVENT = "DLV.APPROVE_ALGORITHM"


async def prepare(
    sandbox: Sandbox, actor: Actor, *, entitlement_id: str, text: str, epsilon_micro: int | None = None
) -> PreparedQuestion:
    """Register a question under a right, as the buyer or a recipient that the contract names.

    Nothing is stated and nothing spent. Raises what `standing_terms` raises and QuestionRefused.
    """
    house = sandbox.house
    async with house.database.read() as s:
        _, terms = await standing_terms(s, house, entitlement_id, org_id=actor.org_id)
    form = await read_form(sandbox, text, terms)
    asked = price(epsilon_micro, terms)

    async def keep(s: WriteSession, act: Act) -> PreparedQuestion:
        if len(await repository.prepared_of(s, entitlement_id=entitlement_id)) >= repository.MAX_PAGE:
            raise refused("prepared", "so many questions are prepared already", most=repository.MAX_PAGE)
        algorithm = Algorithm(form, plan_of(form, terms, epsilon_micro=asked), terms, act.nonce())
        row = PreparedQuestion(
            algorithm_id=act.new_id("alg"),
            entitlement_id=entitlement_id,
            prepared_by=act.actor.org_id,
            form=canonical(form.document()).decode(),
            nonce=algorithm.nonce,
            epsilon_micro=asked,
            algorithm_sha256=algorithm.sha256,
            prepared_at=act.now,
        )
        s.add(row)
        await s.flush()
        return row

    return await perform(house, use_act(house, actor), keep, attempted="DLV.QUERY", object_id=entitlement_id)


async def approve_algorithm(s: WriteSession, act: Act, *, algorithm_id: str) -> PreparedQuestion:
    """The seller lets a prepared question be run (DLV.APPROVE_ALGORITHM).

    Raises AlgorithmUnknown, NotTheSeller, AlgorithmDecided.
    """
    row = await repository.get_prepared(s, algorithm_id=algorithm_id)
    trade, _ = await delivery.claim(s, entitlement_id=row.entitlement_id, moves_trade=False)
    if act.role != "PROVIDER" or act.actor.org_id != trade.seller_id:
        raise NotTheSeller("the seller approves what is run on its table", role=act.role)
    row = await repository.get_prepared(s, algorithm_id=algorithm_id)
    if row.approved_at is not None:
        raise AlgorithmDecided("approved before", algorithm_id=algorithm_id)
    recorded = await record(
        s,
        act,
        Draft(
            EVENT,
            trade.trade_id,
            public={
                "trade_id": trade.trade_id,
                "entitlement_id": row.entitlement_id,
                "seller_id": trade.seller_id,
                "algorithm_sha256": row.algorithm_sha256,
            },
            opening={
                "query": orjson.loads(row.form),
                "query_nonce": row.nonce,
                "epsilon_micro": row.epsilon_micro,
            },
            subjects={"algorithm": row.algorithm_sha256},
        ),
    )
    row.approved_at, row.statement_id = act.occurred_at, recorded.statement_id
    s.add(row)
    await s.flush()
    return row
