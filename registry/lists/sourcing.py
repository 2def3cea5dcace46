"""One number, one source (一数一源): items proposed, their source claimed or assigned, confirmed, decided.

Who would collect what exists is answered with its source (R18). Where a second agency names itself the
source, a conflict is open: the data authority decides it within a deadline, and never as one of the two.
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.lists import repository
from registry.lists.errors import (
    EntryInUse,
    ItemClaimed,
    ItemExists,
    ItemOwnCase,
    LinkBroken,
    ListWrongRole,
)
from registry.lists.keeping import words
from registry.lists.moving import LATE, begin_item, step_item
from registry.lists.rules import Item, Listed, Match, check_item, existing, known, normal
from registry.lists.sharing_rules import due_after
from registry.lists.states import SOURCED, ItemEvent, ItemState, move_item
from registry.lists.tables import ItemClaimRow, ItemRow
from registry.lists.terms import term

_E = ItemEvent
_I = ItemState


async def matches(
    s: ReadSession, *, item: Item, at: datetime, beside: str | None = None
) -> list[tuple[ItemRow, Match, Fraction]]:
    """The items that a proposal repeats: the same first, then the most alike, ten at most (R18)."""
    rows = {row.item_id: row for row in await repository.standing_items(s) if row.item_id != beside}
    dictionary = [known(row.item_id, row.code, row.name, row.synonyms) for row in rows.values()]
    found = existing(item, dictionary, near=term("ITEM", "near", at).fraction)
    return [(rows[item_id], how, alike) for item_id, how, alike in found[:10]]


async def propose(s: WriteSession, act: Act, *, item: Item, differs_from: Sequence[str] = ()) -> ItemRow:
    """Propose an item for the dictionary (ITM.PROPOSE). What is alike is named in `differs_from`.

    Raises ItemExists with the items that it repeats and their sources, ListMalformed, ListWrongRole.
    """
    move_item(None, _E.PROPOSE, act.role)
    check_item(item)
    await require_member(s, org_id=act.actor.org_id)
    await repository.in_turn(s, "items")
    await _check_new(s, act, item, differs_from)
    row = ItemRow(
        item_id=act.new_id("itm"),
        code=item.code,
        name=item.name,
        name_key=normal(item.name),
        synonyms=list(item.synonyms),
        meaning=item.meaning,
        value_type=item.value_type,
        status=_I.PROPOSED,
        proposed_by=act.actor.org_id,
        proposed_at=act.occurred_at,
        changed_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    said = Said(public={"differs_from": sorted(differs_from)}, opening={"item": item_document(row)})
    await begin_item(s, act, row, said)
    return row


async def claim(
    s: WriteSession, act: Act, *, item_id: str, function: str, basis: str, data_id: str | None = None
) -> ItemRow:
    """Name oneself the source of an item (ITM.CLAIM), by which function and law, kept in which entry.

    Of an item that has a source this opens a conflict (ITM.DISPUTE). Raises ItemClaimed, ItemWrongState,
    LinkBroken, ListMalformed, ListWrongRole.
    """
    row = await repository.claim_item(s, item_id=item_id)
    event = _E.DISPUTE if row.status in SOURCED else _E.CLAIM
    move_item(row.status, event, act.role)
    agency_id = act.actor.org_id
    before = [one for one in await repository.claims_of(s, item_id=item_id) if one.agency_id == agency_id]
    if before or row.source_id == agency_id:
        raise ItemClaimed("this agency has named itself the source before", item_id=item_id)
    await _name_source(
        s,
        ItemClaimRow(
            item_id=item_id,
            agency_id=agency_id,
            function=function,
            basis=basis,
            data_id=data_id,
            claimed_at=act.occurred_at,
        ),
    )
    opening = {"function": function, "basis": basis, "data_id": data_id}
    if event is _E.CLAIM:
        values = {"source_id": agency_id, "assigned_by": agency_id, **opening}
        await step_item(s, act, event, row, Said(opening=opening), **values)
        return row
    decide_by = due_after("conflict", act.now)
    said = Said(public={"rival_id": agency_id, "decide_by": rfc3339(decide_by)}, opening=opening)
    await step_item(s, act, event, row, said, rival_id=agency_id, decide_by=decide_by)
    return row


async def assign(
    s: WriteSession,
    act: Act,
    *,
    item_id: str,
    agency_id: str,
    function: str,
    basis: str,
) -> ItemRow:
    """Name an agency the source of an item (ITM.ASSIGN), as the data authority; the agency confirms.

    Raises ItemWrongState, ListWrongRole, ListMalformed, `member-not-active`.
    """
    row = await repository.claim_item(s, item_id=item_id)
    move_item(row.status, _E.ASSIGN, act.role)
    member = await require_member(s, org_id=agency_id)
    if "PUBLIC_AGENCY" not in {role.value for role in member.roles}:
        raise LinkBroken("an agency is the source of an item", agency_id=agency_id)
    await _name_source(
        s,
        ItemClaimRow(
            item_id=item_id,
            agency_id=agency_id,
            function=function,
            basis=basis,
            claimed_at=act.occurred_at,
        ),
    )
    values = {"source_id": agency_id, "assigned_by": act.actor.org_id, "function": function, "basis": basis}
    await step_item(s, act, _E.ASSIGN, row, Said(opening={"function": function, "basis": basis}), **values)
    return row


async def confirm(s: WriteSession, act: Act, *, item_id: str) -> ItemRow:
    """Say yes to the source of an item (ITM.CONFIRM): of a claim the authority, of an assignment the agency.

    Raises ItemWrongState, ListWrongRole; ItemOwnCase for who named it.
    """
    row = await repository.claim_item(s, item_id=item_id)
    move_item(row.status, _E.CONFIRM, act.role)
    own_word = row.assigned_by == row.source_id
    if own_word and act.actor.org_id == row.source_id:
        raise ItemOwnCase("another one confirms what an agency says of itself", item_id=item_id)
    if own_word == (act.role == "PUBLIC_AGENCY") or (not own_word and act.actor.org_id != row.source_id):
        raise ListWrongRole("of a claim the data authority, of an assignment its agency", item_id=item_id)
    await step_item(s, act, _E.CONFIRM, row, Said())
    return row


async def resolve(s: WriteSession, act: Act, *, item_id: str, source_id: str, reason: str) -> ItemRow:
    """Decide which of the two is the source (ITM.RESOLVE), as the data authority.

    Raises ItemOwnCase for one of the two, LinkBroken for a third, ItemWrongState, ListWrongRole.
    """
    row = await repository.claim_item(s, item_id=item_id)
    move_item(row.status, _E.RESOLVE, act.role)
    said = words(reason)
    both = {row.source_id, row.rival_id}
    if act.actor.org_id in both:
        raise ItemOwnCase("of two that claim to be the source neither decides", item_id=item_id)
    if source_id not in both:
        raise LinkBroken("one of the two is the source", item_id=item_id, source_id=source_id)
    won: ItemClaimRow | None = None
    for one in await repository.claims_of(s, item_id=item_id):
        if one.agency_id in both:
            one.won, one.decided_at = one.agency_id == source_id, act.occurred_at
            one.reason = said
            s.add(one)
            won = one if one.won else won
    await s.flush()
    assert won is not None
    values = {
        "source_id": source_id,
        "assigned_by": act.actor.org_id,
        "function": won.function,
        "basis": won.basis,
        "data_id": won.data_id,
        "rival_id": None,
        "decide_by": None,
    }
    public = {"loser_id": next(iter(both - {source_id}))}
    await step_item(s, act, _E.RESOLVE, row, Said(public=public, opening={"reason": said}), **values)
    return row


async def change_item(
    s: WriteSession, act: Act, *, item_id: str, item: Item, differs_from: Sequence[str] = ()
) -> ItemRow:
    """Say an item anew (ITM.CHANGE), as the data authority. Raises ItemExists, ItemWrongState."""
    row = await repository.claim_item(s, item_id=item_id)
    move_item(row.status, _E.CHANGE, act.role)
    check_item(item)
    await repository.in_turn(s, "items")
    await _check_new(s, act, item, differs_from, beside=item_id)
    values = {
        "code": item.code,
        "name": item.name,
        "name_key": normal(item.name),
        "synonyms": list(item.synonyms),
        "meaning": item.meaning,
        "value_type": item.value_type,
    }
    before = item_document(row)
    await step_item(s, act, _E.CHANGE, row, Said(opening={"item": dict(values), "before": before}), **values)
    return row


async def retire_item(s: WriteSession, act: Act, *, item_id: str, reason: str) -> ItemRow:
    """Take an item out of the dictionary (ITM.RETIRE). Raises EntryInUse while a field holds it."""
    row = await repository.claim_item(s, item_id=item_id)
    move_item(row.status, _E.RETIRE, act.role)
    said = words(reason)
    held = await repository.entry_with_item(s, item_id=item_id)
    if held is not None:
        raise EntryInUse("a field of an entry holds this item", item_id=item_id, entry=held)
    await step_item(s, act, _E.RETIRE, row, Said(opening={"reason": said}))
    return row


async def item_fell_due(s: WriteSession, act: Act, *, item_id: str, state: str, at: str) -> bool:
    """The deadline of a conflict is over (ITM.OVERDUE); returns whether it was still open."""
    row = await repository.claim_item(s, item_id=item_id)
    due = row.decide_by
    if row.status.value != state or due is None or rfc3339(due) != at or act.now < due + LATE:
        return False
    await step_item(s, act, _E.OVERDUE, row, Said(public={"decide_by": at}))
    return True


def item_document(row: ItemRow) -> dict[str, Any]:
    """What an item says, as an opening keeps it."""
    return {
        "code": row.code,
        "name": row.name,
        "synonyms": row.synonyms,
        "meaning": row.meaning,
        "value_type": row.value_type,
    }


async def _check_new(
    s: ReadSession, act: Act, item: Item, differs_from: Sequence[str], *, beside: str | None = None
) -> None:
    """That an item repeats none, and that what is alike was looked at. Raises ItemExists."""
    found = await matches(s, item=item, at=act.now, beside=beside)
    in_the_way = [(row, how) for row, how, _ in found if how is Match.SAME or row.item_id not in differs_from]
    if in_the_way:
        row, how = in_the_way[0]
        raise ItemExists(
            "this item exists: it is had from its source",
            item_id=row.item_id,
            match=how.value,
            source_id=row.source_id or "",
            item_ids=[one.item_id for one, _ in in_the_way],
        )


async def _name_source(s: WriteSession, claimed: ItemClaimRow) -> None:
    """Keep the word that an agency is the source of an item. Raises LinkBroken, ListMalformed."""
    await require_member(s, org_id=claimed.agency_id)
    if claimed.data_id is not None:
        entry = await repository.resting_on_entry(s, data_id=claimed.data_id)
        if entry.agency_id != claimed.agency_id or entry.status is not Listed.LISTED:
            raise LinkBroken("no such entry of this agency is listed", data_id=claimed.data_id)
    claimed.function, claimed.basis = words(claimed.function, "function"), words(claimed.basis, "basis")
    s.add(claimed)
    await s.flush()
