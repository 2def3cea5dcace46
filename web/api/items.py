"""One number, one source: the dictionary of items, conflicts over a source; and censuses."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from registry.lists import repository
from registry.lists.rules import MAX_NAME, Item
from registry.lists.sourcing import matches
from registry.lists.states import ItemState
from web import list_forms as f
from web import list_views as v
from web.acts import Id
from web.api import list_acts as acts
from web.api.lists import After, Limit, Words
from web.deps import CallerDep, NodeDep, ReadDep, answers, respond
from web.lists import READERS
from web.views import View

router = APIRouter(tags=["items"])


class SourceClaimView(View):
    agency_id: str
    function: str
    basis: str
    data_id: str | None
    claimed_at: datetime
    won: bool | None
    reason: str | None


class FullItemView(v.ItemView):
    claims: list[SourceClaimView]


class MatchView(View):
    """An item that a proposal repeats, with its source: it is had from there."""

    match: str
    alike: str
    item: v.ItemView


class FullCensusView(v.CensusView):
    returns: list[v.ReturnView]


@router.get("/lists/items")
async def items(
    *,
    caller: CallerDep,
    s: ReadDep,
    source_id: Annotated[Id | None, Query()] = None,
    status: Annotated[ItemState | None, Query()] = None,
    words: Words = "",
    after: After = None,
    limit: Limit = 50,
) -> list[v.ItemView]:
    """The dictionary; of one source, its function-data list (职能数据清单)."""
    caller.require(*READERS)
    states = () if status is None else (status,)
    rows = await repository.items(
        s, source_id=source_id, states=states, words=words, after=after, limit=limit
    )
    return [v.ItemView.model_validate(row) for row in rows]


@router.get("/lists/items/existing")
async def existing(
    caller: CallerDep,
    s: ReadDep,
    node: NodeDep,
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME)],
    code: Annotated[str, Query(max_length=100)] = "",
) -> list[MatchView]:
    """Whether what one would collect exists (一次采集、多方利用): the same items, then those alike."""
    caller.require(*READERS)
    found = await matches(s, item=Item(name=name, meaning=name, code=code), at=node.clock.now())
    return [
        MatchView(match=how.value, alike=str(alike), item=v.ItemView.model_validate(row))
        for row, how, alike in found
    ]


@router.get("/lists/items/{item_id}")
async def item(item_id: Id, caller: CallerDep, s: ReadDep) -> FullItemView:
    """An item with everybody who said to be its source."""
    caller.require(*READERS)
    row = await repository.item(s, item_id=item_id)
    claims = await repository.claims_of(s, item_id=item_id)
    return FullItemView(
        **v.ItemView.model_validate(row).model_dump(),
        claims=[SourceClaimView.model_validate(one) for one in claims],
    )


@router.post("/lists/items", **answers(acts.PROPOSE, v.ItemView))
async def propose(caller: CallerDep, args: f.ProposeArgs) -> Response:
    """Propose an item; what exists is answered with its source."""
    return respond(await caller.do(acts.PROPOSE, args))


@router.post("/lists/items/{item_id}/claim", **answers(acts.CLAIM, v.ItemView))
async def claim(item_id: Id, caller: CallerDep, form: f.ClaimForm) -> Response:
    """Name oneself the source; of an item that has one this opens a conflict."""
    return respond(await caller.do(acts.CLAIM, f.ClaimArgs(item_id=item_id, **dict(form))))


@router.post("/lists/items/{item_id}/assign", **answers(acts.ASSIGN, v.ItemView))
async def assign(item_id: Id, caller: CallerDep, form: f.AssignForm) -> Response:
    """Name an agency the source, as the data authority."""
    return respond(await caller.do(acts.ASSIGN, f.AssignArgs(item_id=item_id, **dict(form))))


@router.post("/lists/items/{item_id}/confirm", **answers(acts.CONFIRM, v.ItemView))
async def confirm(item_id: Id, caller: CallerDep) -> Response:
    """Say yes to the source: of a claim the data authority, of an assignment its agency."""
    return respond(await caller.do(acts.CONFIRM, f.OfItemArgs(item_id=item_id)))


@router.post("/lists/items/{item_id}/resolve", **answers(acts.RESOLVE, v.ItemView))
async def resolve(item_id: Id, caller: CallerDep, form: f.ResolveForm) -> Response:
    """Decide a conflict, as the data authority; never as one of the two."""
    return respond(await caller.do(acts.RESOLVE, f.ResolveArgs(item_id=item_id, **dict(form))))


@router.post("/lists/items/{item_id}/change", **answers(acts.CHANGE_ITEM, v.ItemView))
async def change_item(item_id: Id, caller: CallerDep, form: f.ItemForm) -> Response:
    """Say an item anew, as the data authority."""
    return respond(await caller.do(acts.CHANGE_ITEM, f.ChangeItemArgs(item_id=item_id, **dict(form))))


@router.post("/lists/items/{item_id}/retire", **answers(acts.RETIRE_ITEM, v.ItemView))
async def retire_item(item_id: Id, caller: CallerDep, form: f.ReasonForm) -> Response:
    """Take an item out of the dictionary; no field holds it any more."""
    return respond(await caller.do(acts.RETIRE_ITEM, f.RetireItemArgs(item_id=item_id, **dict(form))))


@router.get("/lists/censuses")
async def censuses(caller: CallerDep, s: ReadDep) -> list[v.CensusView]:
    """The censuses of public data (普查), newest first."""
    caller.require(*READERS)
    return [v.CensusView.model_validate(row) for row in await repository.censuses(s)]


@router.get("/lists/censuses/{census_id}")
async def census(census_id: Id, caller: CallerDep, s: ReadDep) -> FullCensusView:
    """A census with what each agency returned, and what its lists showed then."""
    caller.require(*READERS)
    row = await repository.census(s, census_id=census_id)
    returns = await repository.returns_of(s, census_id=census_id)
    return FullCensusView(
        **v.CensusView.model_validate(row).model_dump(),
        returns=[v.ReturnView.model_validate(one) for one in returns],
    )


@router.post("/lists/censuses", **answers(acts.OPEN_CENSUS, v.CensusView))
async def open_census(caller: CallerDep, args: f.OpenCensusArgs) -> Response:
    """Open a census of these agencies, as the data authority."""
    return respond(await caller.do(acts.OPEN_CENSUS, args))


@router.post("/lists/censuses/{census_id}/return", **answers(acts.RETURN, v.ReturnView))
async def return_lists(census_id: Id, caller: CallerDep, form: f.ReturnForm) -> Response:
    """Say how many systems and entries one's agency has; what its lists show is kept with it."""
    return respond(await caller.do(acts.RETURN, f.ReturnArgs(census_id=census_id, **dict(form))))


@router.post("/lists/censuses/{census_id}/close", **answers(acts.CLOSE_CENSUS, v.CensusView))
async def close_census(census_id: Id, caller: CallerDep) -> Response:
    """Close a census: its returns stand."""
    return respond(await caller.do(acts.CLOSE_CENSUS, f.OfCensusArgs(census_id=census_id)))
