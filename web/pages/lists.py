"""The lists on pages: each list with its form, each entry with its links, versions, history and steps."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import DomainError, NotFound, Unauthenticated, Unavailable
from ledger.reader import statements_of
from registry.lists import repository
from registry.lists.figures import ListFacts, census_share
from registry.lists.headings import ListName
from registry.lists.rules import DemandState
from registry.lists.states import AGENCY, AUTHORITY, ITEM_MOVES, SHARE_MOVES, ShareState, events_of
from web.lists import LOOKERS, READERS, keep_file, read_import
from web.pages.acting import attempt, caller_for
from web.pages.forms import Filled, Form, sent_back
from web.pages.list_fields import NEW, STEPS, read_fields, shown_value
from web.pages.multipart import upload_of
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_IDS: Final[Mapping[str, str]] = {
    "systems": "system_id",
    "data": "data_id",
    "demands": "demand_id",
    "items": "item_id",
    "shares": "share_id",
    "imports": "import_id",
    "censuses": "census_id",
}
_ORGS: Final = (
    "agency_id",
    "provider_id",
    "requester_id",
    "owner_id",
    "source_id",
    "rival_id",
    "authority_id",
    "proposed_by",
)
_MAKERS: Final = {"items": AGENCY | AUTHORITY, "censuses": AUTHORITY}


@router.get("/registry")
async def overview(visitor: VisitorDep) -> Response:
    """What there is in the first-level market, for each kind of reader."""
    return visitor.render("registry.html", reader=visitor.may(READERS))


@router.get("/registry/lists")
async def lists(visitor: VisitorDep) -> Response:
    """To the data list."""
    return visitor.redirect("/registry/lists/data")


def _known(name: str) -> str:
    if name not in _IDS:
        raise NotFound("no such list")
    return name


@router.get("/registry/lists/{name}")
async def one_list(
    visitor: VisitorDep,
    name: str,
    of: Annotated[str, Query(max_length=40)] = "",
    words: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """One list, newest first, with the form of a new entry for whoever keeps it."""
    return await _list(visitor, _known(name), Filled(), of=of, words=words, after=after)


async def _list(
    visitor: Visitor, name: str, filled: Filled, *, of: str = "", words: str = "", after: str | None = None
) -> Response:
    visitor.require(READERS)
    mine = visitor.org_id if of == "mine" else None
    async with visitor.node.database.read() as s:
        rows = await _rows(s, visitor, name, mine, words=words, after=after)
        names = await names_of(s, *([getattr(row, one, None) for one in _ORGS] for row in rows))
    key = _IDS[name]
    entered = [(getattr(row, key), row) for row in rows]
    may_make = visitor.may(_MAKERS.get(name, AGENCY)) and name in NEW
    return visitor.render(
        "lists.html",
        filled=filled,
        name=name,
        names_of_lists=visitor.options("list_name", _IDS),
        rows=entered,
        names=names,
        of=of,
        searched=words,
        form=NEW[name] if may_make else None,
        choices=_choices(visitor, NEW[name][1]) if may_make else {},
        may_bring=name == "imports" and visitor.may(AGENCY),
        list_names=visitor.options("list_name", [one.value for one in ListName]),
        next_address=visitor.url(f"/registry/lists/{name}", of=of, words=words, after=entered[-1][0])
        if len(rows) == _PAGE
        else None,
    )


async def _rows(
    s: Any, visitor: Visitor, name: str, mine: str | None, *, words: str, after: str | None
) -> list[Any]:
    page: Any = {"after": after, "limit": _PAGE}
    own = None if visitor.may(LOOKERS) else visitor.org_id
    asking: Any = {
        "systems": lambda: repository.systems(s, agency_id=mine, **page),
        "data": lambda: repository.data_entries(s, agency_id=mine, words=words, **page),
        "demands": lambda: repository.demands(s, agency_id=mine, **page),
        "items": lambda: repository.items(s, source_id=mine, words=words, **page),
        "shares": lambda: repository.shares(s, of=own, **page),
        "imports": lambda: repository.imports(s, agency_id=str(visitor.org_id)),
        "censuses": lambda: repository.censuses(s),
    }
    return list(await asking[name]())


def _choices(visitor: Visitor, fields: Any) -> dict[str, Any]:
    return {one.name: visitor.options(one.group, one.codes) for one in fields if one.codes}


@router.post("/registry/lists/imports")
async def bring(visitor: VisitorDep) -> Response:
    """Bring a file and have it read; nothing is listed yet. Or, of data to be mounted, keep it."""
    visitor.require(AGENCY)
    form = Form({})
    try:
        async with upload_of(visitor.request) as incoming:
            form = incoming.form
            visitor.check(form.text("csrf"))
            chosen = form.text("list_name")
            caller = caller_for(visitor, role="PUBLIC_AGENCY")
            file = await keep_file(
                caller, incoming.content, name=incoming.name, media_type=incoming.media_type
            )
        if chosen not in list(ListName):
            return await _list(visitor, "imports", Filled("kept", {"file_id": [file.file_id]}))
        row = await read_import(caller, ListName(chosen), file.file_id)
    except (Unauthenticated, Unavailable):
        raise
    except DomainError as error:
        return await _list(visitor, "imports", sent_back("bring", form, error))
    return visitor.redirect(f"/registry/lists/imports/{row.import_id}")


@router.post("/registry/lists/{name}")
async def enter(visitor: VisitorDep, name: str) -> Response:
    """A new entry of a list."""
    form = await visitor.form()
    act, fields = NEW.get(_known(name), ("", ()))
    return await attempt(
        visitor,
        form,
        act=f"lists.{act}",
        args=read_fields(form, fields),
        then=lambda made: f"/registry/lists/{name}/{made[_IDS[name]]}",
        again=lambda filled: _list(visitor, name, filled),
        role=_role(visitor, decides=name == "censuses"),
    )


def _role(visitor: Visitor, *, decides: bool) -> str | None:
    """The role that an act is done in, where a visitor has both."""
    if not (visitor.may(AGENCY) and visitor.may(AUTHORITY)):
        return None
    return "DATA_AUTHORITY" if decides else "PUBLIC_AGENCY"


def _decides(visitor: Visitor, name: str, row: Any, step: str) -> bool:
    """Whether a step is the data authority's here, and not the agency's: by the state, and by whose it is."""
    if name == "censuses":
        return step != "RETURN"
    if name == "items":
        if step == "CONFIRM":  # of a claim; of an assignment the agency that is named confirms
            return bool(row.assigned_by == row.source_id)
        return step in {"ASSIGN", "RESOLVE", "CHANGE", "RETIRE"}
    if name == "shares":
        return step in {"GRANT", "REFUSE"} and visitor.org_id != row.provider_id
    mine = {row.agency_id, row.owner_id} if name == "demands" else {visitor.org_id}
    return step in {"MATCH", "PLAN"} and visitor.org_id not in mine


@router.get("/registry/lists/{name}/{own_id}")
async def entry(visitor: VisitorDep, name: str, own_id: str) -> Response:
    """One entry with what hangs on it."""
    return await _one(visitor, _known(name), own_id, Filled())


async def _one(visitor: Visitor, name: str, own_id: str, filled: Filled) -> Response:
    visitor.require(READERS)
    async with visitor.node.database.read() as s:
        row = await _read(s, name, own_id)
        _check_seen(visitor, name, row)
        beside = await _beside(s, name, row)
        said = await statements_of(s, object_id=own_id)
        orgs = [getattr(row, one, None) for one in _ORGS]
        others = [one.agency_id for one in (*beside.get("claims", ()), *beside.get("returns", ()))]
        names = await names_of(s, orgs, others)
    steps = {
        step: (act, fields) for step, (act, fields) in STEPS[name].items() if step in _may(visitor, name, row)
    }
    both = [row.source_id, row.rival_id] if name == "items" and row.rival_id else []
    return visitor.render(
        "list_entry.html",
        filled=filled,
        name=name,
        own_id=own_id,
        row=row,
        names=names,
        said=said,
        beside=beside,
        steps=steps,
        choices={step: _choices(visitor, fields) for step, (_, fields) in steps.items()},
        both=[(one, names[one]) for one in both],
        value=shown_value,
        share=census_share_of,
    )


def census_share_of(one: Any) -> str:
    """How complete a return is, as a fraction; empty where it says nothing."""
    if one.facts is None:
        return ""
    found = census_share(ListFacts(**one.facts), said_systems=one.said_systems, said_entries=one.said_entries)
    return "" if found is None else f"{found.numerator}/{found.denominator}"


async def _read(s: Any, name: str, own_id: str) -> Any:
    reading: Any = {
        "systems": repository.system,
        "data": repository.data_entry,
        "demands": repository.demand,
        "items": repository.item,
        "shares": repository.share,
        "imports": repository.import_of,
        "censuses": repository.census,
    }
    return await reading[name](s, **{_IDS[name]: own_id})


def _check_seen(visitor: Visitor, name: str, row: Any) -> None:
    """Requests and imports are for whom they concern. Raises NotFound."""
    if name not in {"shares", "imports"} or visitor.may(LOOKERS):
        return
    if visitor.org_id not in {getattr(row, one, None) for one in _ORGS}:
        raise NotFound("no such entry", id=getattr(row, _IDS[name]))


async def _beside(s: Any, name: str, row: Any) -> dict[str, Any]:
    """What hangs on an entry: its system, entries, demands, claims, returns, faults, and its versions."""
    found: dict[str, Any] = {}
    own_id = getattr(row, _IDS[name])
    if name in {"systems", "data", "demands"}:
        found["versions"] = await repository.versions_of(s, object_id=own_id)
    if name == "systems":
        found["entries"] = await repository.data_entries(s, system_id=own_id, limit=_PAGE)
    if name == "data":
        found["demands"] = await repository.demands(
            s, data_id=own_id, status=DemandState.MATCHED, limit=_PAGE
        )
    if name in {"demands", "shares"} and row.data_id:
        found["entry"] = await repository.data_entry(s, data_id=row.data_id)
    above = found["entry"].system_id if "entry" in found else getattr(row, "system_id", None)
    if name in {"data", "demands"} and above:
        found["system"] = await repository.system(s, system_id=above)
    if name == "items":
        found["claims"] = await repository.claims_of(s, item_id=own_id)
    if name == "imports":
        found["faults"] = await repository.faults_of(s, import_id=own_id, limit=_PAGE)
    if name == "censuses":
        found["returns"] = await repository.returns_of(s, census_id=own_id)
    return found


def _may(visitor: Visitor, name: str, row: Any) -> set[str]:
    """The steps that this visitor can take here now; the buttons of others are shown to nobody else."""
    if name == "items":
        return {event.value for event in events_of(ITEM_MOVES, row.status, visitor.roles)}
    if name == "shares":
        return _of_share(visitor, row)
    if name in {"imports", "censuses"}:
        return _of_work(visitor, name, row)
    return set() if row.status.value == "RETIRED" else _of_entry(visitor, name, row)


def _of_share(visitor: Visitor, row: Any) -> set[str]:
    found = {event.value for event in events_of(SHARE_MOVES, row.status, visitor.roles)}
    if visitor.org_id != row.provider_id:
        decided = row.status is ShareState.ESCALATED and visitor.org_id != row.requester_id
        found -= {"SERVE"} if visitor.may(AUTHORITY) and decided else {"SERVE", "GRANT", "REFUSE"}
    return found if visitor.org_id == row.requester_id else found - {"WITHDRAW", "CLOSE", "CONTEST"}


def _of_work(visitor: Visitor, name: str, row: Any) -> set[str]:
    if name == "imports":
        waits = row.entered_at is None and row.good and visitor.org_id == row.agency_id
        return {"ENTER"} if waits else set()
    if row.closed_at is not None:
        return set()
    return ({"RETURN"} if visitor.may(AGENCY) else set()) | ({"CLOSE"} if visitor.may(AUTHORITY) else set())


def _of_entry(visitor: Visitor, name: str, row: Any) -> set[str]:
    own = set(STEPS[name]) if visitor.may(AGENCY) and visitor.org_id == row.agency_id else set()
    if name != "demands":
        return own
    if visitor.may(AUTHORITY) or visitor.org_id in {row.agency_id, row.owner_id}:
        own |= {"MATCH", "PLAN"}
    return own - ({"PLAN"} if row.status is DemandState.MATCHED else set())


@router.post("/registry/lists/{name}/{own_id}/{step}")
async def act_on(visitor: VisitorDep, name: str, own_id: str, step: str) -> Response:
    """One step of an entry, as whoever it belongs to."""
    form = await visitor.form()
    found = STEPS[_known(name)].get(step.upper())
    if found is None:
        raise NotFound("no such step")
    act, fields = found
    args = read_fields(form, fields)
    if step == "change" and name != "items":
        args["version"] = form.whole("version")
    async with visitor.node.database.read() as s:
        row = await _read(s, name, own_id)
    return await attempt(
        visitor,
        form,
        act=f"lists.{act}",
        args={_IDS[name]: own_id, **args},
        action=step.upper(),
        then=f"/registry/lists/{name}/{own_id}",
        again=lambda filled: _one(visitor, name, own_id, filled),
        role=_role(visitor, decides=_decides(visitor, name, row, step.upper())),
    )
