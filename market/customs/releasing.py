"""The system routes a declaration, and releases or holds what is exempt.

Whoever routes holds the group's counters: of two affiliates that declare at once the second sees the first,
and finds its route with it.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from base.calendar import deadline_after, end_of_day_shanghai, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from identity.groups import group_of
from ledger.errors import LogUnborn
from ledger.reader import tree_head
from ledger.recording import Act
from market.customs import repository
from market.customs.counting import (
    Against,
    Counting,
    Tally,
    against_from,
    counts_from,
    hold_group,
    lists_counted,
    zone_persons,
)
from market.customs.declared import Declaration, Ground, Mode
from market.customs.destroying import begin_year, drop_keyed, drop_raw, keep_keyed
from market.customs.known import facts_about
from market.customs.moving import Said, step
from market.customs.reading import declaration_from
from market.customs.risk import assess
from market.customs.routing import Routed, Way, counting_year, last_day_of, route_declaration
from market.customs.scanning import goods_of, sampled_persons
from market.customs.selling_on import bought_before
from market.customs.standing import look_at_group
from market.customs.states import DeclarationEvent, DeclarationState
from market.customs.tables import DeclarationRow, PersonListRow
from market.customs.terms import term
from market.listings.repository import get_file

COUNT_JOB: Final = "customs.count"
_AGAINST: Final = "against"
_E = DeclarationEvent
_S = DeclarationState


async def route(
    s: WriteSession,
    act: Act,
    row: DeclarationRow,
    tally: Tally,
    *,
    by_contract: bool = False,
    against: Against | None = None,
) -> Routed:
    """Route a declaration that is claimed, whose group is locked, and release or hold what is exempt.

    `against`: what came of holding its lists against its goods.
    """
    said = declaration_from(row.said)
    row.year = counting_year(said, shanghai_day(act.now))
    row.group_id = await group_of(s, org_id=row.exporter_id)
    rows, lists = await lists_counted(s, row)
    counts = counts_from(rows, lists, tally)
    zoned = await zone_persons(s, row) if said.ground is Ground.FREE_TRADE_ZONE else 0
    facts = await facts_about(s, act, row, said, counts, zone_persons=zoned)
    routed = route_declaration(said, facts)
    size, root = await _head(s)
    held = await repository.contested(s, row)
    in_full = replace(facts, counts=counts_from(rows, (), Tally()))
    risk = assess(
        said,
        facts,
        routed.way,
        root=root,
        declaration_id=row.declaration_id,
        salt=row.lot_salt,
        trouble=await repository.trouble_of(s, group_id=row.group_id),
        with_list=any(one.declaration_id == row.declaration_id for one in lists),
        sampled=(await sampled_persons(s, row, said)).likely,
        spared=bool(lists) and route_declaration(said, in_full).way is not routed.way,
        sold_on=await _sold_on(s, row),
        unlike=None if against is None else against.risk(whole=await _goes_whole(s, row, said, lists)),
        by_contract=by_contract,
    )
    numbers = {} if against is None or against.held is None else {"held": against.held.document()}
    system = act.as_exchange()
    valid_to = end_of_day_shanghai(last_day_of(routed.way, said, shanghai_day(act.now)))
    others = [one for one in counts.by if one != row.declaration_id]
    public = {
        "trade_id": row.trade_id,
        "route": routed.way.value,
        "rule_id": routed.rule_id,
        "year": row.year,
        "tree_size": size,
        "root": root,
        "lot": risk.lot,
        "lot_salt": row.lot_salt,
    }
    opening = {
        "trace": [tried.document() for tried in routed.trace],
        "persons": counts.persons,
        "sensitive": counts.sensitive,
        "with": others[-50:],
        "risk": {"points": risk.points, "reasons": list(risk.reasons), "drawn": risk.drawn} | numbers,
    }
    values = {
        "way": routed.way,
        "rule_id": routed.rule_id,
        "trace": opening["trace"],
        "counts": {"persons": counts.persons, "sensitive": counts.sensitive, "by": list(counts.by)},
        "risk": asdict(risk) | {"reasons": list(risk.reasons), "root": root, "tree_size": size} | numbers,
        "valid_to": valid_to,
        "year": row.year,
        "group_id": row.group_id,
        "note": "",
    }
    await step(s, system, _E.AUTO_ROUTE, row, Said(public=public, opening=opening), values=values)
    if routed.way is Way.PROHIBIT:
        await step(s, system, _E.REJECT, row, values={"reason_code": "PROHIBITED"})
    elif routed.way.exempt and (risk.looks or held):
        why = {"drawn": risk.drawn, "points": risk.points, "contested": held}
        await step(s, system, _E.CHECK, row, Said(public=why), values={"due_at": due_in(act, "review")})
    elif routed.way.exempt:
        await step(s, system, _E.RELEASE, row, Said(public={"valid_to": rfc3339(valid_to)}))
    if routed.way.counts or routed.way is Way.EXEMPT_ZONE:
        await look_at_group(s, act, org_id=row.exporter_id)
    return routed


async def _goes_whole(
    s: WriteSession, row: DeclarationRow, said: Declaration, lists: Sequence[PersonListRow]
) -> bool:
    """Whether the whole file goes, and a list names everybody who is declared: then nobody else is in it."""
    listed = {one.sensitive for one in lists if one.declaration_id == row.declaration_id}
    named = (not row.persons or False in listed) and (not row.sensitive_persons or True in listed)
    sizes = [(await get_file(s, file_id=one.file_id)).bytes for one in await goods_of(s, row)]
    return named and said.mode is Mode.FILE and said.volume_bytes >= sum(sizes)


async def _sold_on(s: WriteSession, row: DeclarationRow) -> bool:
    product_id = row.product_id
    return product_id is not None and bool(
        await bought_before(s, seller_id=row.exporter_id, product_id=product_id)
    )


async def _head(s: WriteSession) -> tuple[int, str]:
    """How large the sealed log is, and its root: what a lot is drawn from. Nothing was sealed yet: empty."""
    try:
        head = await tree_head(s)
    except LogUnborn:
        return 0, ""
    return head.size, head.root


async def take_count(s: WriteSession, act: Act, *, declaration_id: str, counted: Counting) -> bool:
    """Route by what was counted; False where it has to be counted again, or is over.

    A list that was wrong is told to the exporter, who declares again.
    """
    found = await repository.get_declaration(s, declaration_id=declaration_id)
    await hold_group(s, org_id=found.exporter_id)
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    written = [stored.file_id for _, stored, _ in counted.own]
    if row.status is not _S.DECLARED:
        await drop_keyed(s, act, written)
        return False
    # of the routing, also where a year began while lists were counted
    row.year = counting_year(declaration_from(row.said), shanghai_day(act.now))
    problem = counted.problem or _differs(row, counted)
    own = await repository.lists_of(s, declaration_ids=[declaration_id])
    if problem is not None:
        row.note, row.reason_code = problem[:500], "PERSONS_FILE"
        s.add(row)
        for one in own:
            one.problem = row.note
            s.add(one)
        await s.flush()
        await drop_raw(s, act.as_exchange(), own, reason="REFUSED")
        await drop_keyed(s, act, written)
        return False
    if not await _kept(s, own, counted):
        await drop_keyed(s, act, written)
        await ask_to_count(s, act, row)
        return False
    await drop_raw(s, act.as_exchange(), own, reason="COUNTED")
    if counted.own:
        row.risk = {_AGAINST: counted.against.document()}
        s.add(row)
    await begin_year(s, row, act.now)
    _, lists = await lists_counted(s, row)
    if tuple(sorted((one.declaration_id, one.sensitive) for one in lists)) != counted.tally.seen:
        await ask_to_count(s, act, row)
        return False
    against = row.risk.get(_AGAINST)
    await route(s, act, row, counted.tally, against=against and against_from(against))
    return True


async def _kept(s: WriteSession, own: Sequence[PersonListRow], counted: Counting) -> bool:
    """Take the keyed files in; False where the lists are others by now, or a file is gone already."""
    mine = {one.sensitive: one for one in own}
    for sensitive, stored, taken in counted.own:
        one = mine.get(sensitive)
        if one is None or one.file_id is not None or not await keep_keyed(s, file_id=stored.file_id):
            return False
        one.file_id, one.bytes, one.sha256 = stored.file_id, stored.bytes, stored.sha256
        one.starts, one.digest = list(taken.starts), taken.digest
        s.add(one)
    await s.flush()
    return all(one.file_id is not None for one in own)


async def ask_to_count(s: WriteSession, act: Act, row: DeclarationRow) -> None:
    """Have the lists of a declaration and its group counted, and the declaration routed by them."""
    payload = {"declaration_id": row.declaration_id}
    key = f"{row.declaration_id} {act.nonce()}"
    await enqueue(s, kind=COUNT_JOB, key=key, run_at=act.now, payload=payload)


async def route_or_count(s: WriteSession, act: Act, row: DeclarationRow) -> None:
    """Route at once, or have lists counted first; from here on the group is locked."""
    await hold_group(s, org_id=row.exporter_id)
    _, lists = await lists_counted(s, row)
    if lists:
        await ask_to_count(s, act, row)
    else:
        await route(s, act, row, Tally())


def _differs(row: DeclarationRow, counted: Counting) -> str | None:
    wanted = {False: row.persons, True: row.sensitive_persons}
    for sensitive, _, taken in counted.own:
        if taken.persons != wanted[sensitive]:
            return f"the list has {taken.persons} persons, the declaration says {wanted[sensitive]}"
    return None


def due_in(act: Act, name: str) -> datetime:
    """The end of one of customs' own periods, in working days from now."""
    return deadline_after(act.now, term("XBD-TERM", name, act.now).whole).at
