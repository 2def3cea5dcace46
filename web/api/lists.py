"""The three lists: systems, data, demands; and the share responsibility list."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from registry.lists import repository
from registry.lists.rules import BaseLibrary, DataKind, DemandState, Listed, ShareKind
from web import list_forms as f
from web import list_views as v
from web.acts import Id
from web.api import list_acts as acts
from web.deps import CallerDep, ReadDep, answers, respond
from web.lists import READERS
from web.views import View

router = APIRouter(tags=["lists"])
After = Annotated[Id | None, Query()]
Of = Annotated[Id | None, Query(description="An agency; none: all")]
Limit = Annotated[int, Query(ge=1, le=200)]
Words = Annotated[str, Query(max_length=100)]


class VersionView(View):
    """What an entry said before."""

    version: int
    content: dict[str, Any]
    content_sha256: str
    import_id: str | None


class FullSystemView(v.SystemView):
    entries: list[v.DataView]
    versions: list[VersionView]


class FullDataView(v.DataView):
    """With its system, the demands that it meets, and what it said before; the address only to its agency."""

    system: v.SystemView | None
    demands: list[v.DemandView]
    versions: list[VersionView]
    resource_interface: str | None


class FullDemandView(v.DemandView):
    """With the entry that meets it and the system that this comes from: or it is a gap."""

    gap: bool
    entry: v.DataView | None
    entry_system: v.SystemView | None
    versions: list[VersionView]


async def _versions(s: ReadDep, object_id: str) -> list[VersionView]:
    rows = await repository.versions_of(s, object_id=object_id)
    return [VersionView.model_validate(row) for row in rows]


@router.get("/lists/systems")
async def systems(
    *, caller: CallerDep, s: ReadDep, agency_id: Of = None, after: After = None, limit: Limit = 50
) -> list[v.SystemView]:
    """The system list (系统清单), newest first; for agencies and who supervises."""
    caller.require(*READERS)
    rows = await repository.systems(s, agency_id=agency_id, after=after, limit=limit)
    return [v.SystemView.model_validate(row) for row in rows]


@router.get("/lists/systems/{system_id}")
async def system(system_id: Id, caller: CallerDep, s: ReadDep) -> FullSystemView:
    """A system with the data that comes from it, and what was said of it before."""
    caller.require(*READERS)
    row = await repository.system(s, system_id=system_id)
    entries = await repository.data_entries(s, system_id=system_id, limit=200)
    return FullSystemView(
        **v.SystemView.model_validate(row).model_dump(),
        entries=[v.DataView.model_validate(one) for one in entries],
        versions=await _versions(s, system_id),
    )


@router.get("/lists/data")
async def data(
    *,
    caller: CallerDep,
    s: ReadDep,
    agency_id: Of = None,
    kind: Annotated[DataKind | None, Query()] = None,
    base_library: Annotated[BaseLibrary | None, Query()] = None,
    share: Annotated[ShareKind | None, Query()] = None,
    theme: Words = "",
    mounted: Annotated[bool | None, Query()] = None,
    words: Words = "",
    after: After = None,
    limit: Limit = 50,
) -> list[v.DataView]:
    """The data list (数据清单) with the share responsibility of each entry, newest first."""
    caller.require(*READERS)
    rows = await repository.data_entries(
        s,
        agency_id=agency_id,
        kind=kind,
        base_library=base_library,
        share=share,
        theme=theme,
        mounted=mounted,
        words=words,
        after=after,
        limit=limit,
    )
    return [v.DataView.model_validate(row) for row in rows]


@router.get("/lists/data/{data_id}")
async def data_entry(data_id: Id, caller: CallerDep, s: ReadDep) -> FullDataView:
    """A data entry with its system, the demands that it meets, and what it said before."""
    caller.require(*READERS)
    row = await repository.data_entry(s, data_id=data_id)
    above = None if row.system_id is None else await repository.system(s, system_id=row.system_id)
    demands = await repository.demands(s, data_id=data_id, status=DemandState.MATCHED, limit=200)
    mine = caller.actor.org_id == row.agency_id
    return FullDataView(
        **_again(v.DataView.model_validate(row)),
        system=None if above is None else v.SystemView.model_validate(above),
        demands=[v.DemandView.model_validate(one) for one in demands],
        versions=await _versions(s, data_id),
        resource_interface=row.resource_interface if mine else None,
    )


def _again(view: View) -> dict[str, Any]:
    """A view's members under the names that a row has them."""
    said = view.model_dump()
    for shown in ("fields_held", "fields_wanted"):
        if shown in said:
            said["fields"] = said.pop(shown)
    return said


@router.get("/lists/demands")
async def demands(
    *,
    caller: CallerDep,
    s: ReadDep,
    agency_id: Of = None,
    owner_id: Annotated[Id | None, Query()] = None,
    status: Annotated[DemandState | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> list[v.DemandView]:
    """The demand list (需求清单), newest first; `status=OPEN` are the gaps."""
    caller.require(*READERS)
    rows = await repository.demands(
        s, agency_id=agency_id, owner_id=owner_id, status=status, after=after, limit=limit
    )
    return [v.DemandView.model_validate(row) for row in rows]


@router.get("/lists/demands/{demand_id}")
async def demand(demand_id: Id, caller: CallerDep, s: ReadDep) -> FullDemandView:
    """A demand with the entry that meets it and its system; or an open gap with owner and date."""
    caller.require(*READERS)
    row = await repository.demand(s, demand_id=demand_id)
    entry = above = None
    if row.data_id is not None:
        entry = await repository.data_entry(s, data_id=row.data_id)
        if entry.status is not Listed.LISTED:
            entry = None
    if entry is not None and entry.system_id is not None:
        above = await repository.system(s, system_id=entry.system_id)
    return FullDemandView(
        **_again(v.DemandView.model_validate(row)),
        gap=row.status is DemandState.OPEN,
        entry=None if entry is None else v.DataView.model_validate(entry),
        entry_system=None if above is None else v.SystemView.model_validate(above),
        versions=await _versions(s, demand_id),
    )


@router.post("/lists/systems", **answers(acts.ENTER_SYSTEM, v.SystemView))
async def enter_system(caller: CallerDep, args: f.EnterSystemArgs) -> Response:
    """List a system, as the agency that runs it."""
    return respond(await caller.do(acts.ENTER_SYSTEM, args))


@router.post("/lists/systems/{system_id}/change", **answers(acts.CHANGE_SYSTEM, v.SystemView))
async def change_system(system_id: Id, caller: CallerDep, form: f.ChangeSystemForm) -> Response:
    """Say a system anew: its next version."""
    args = f.ChangeSystemArgs(system_id=system_id, **dict(form))
    return respond(await caller.do(acts.CHANGE_SYSTEM, args))


@router.post("/lists/systems/{system_id}/retire", **answers(acts.RETIRE_SYSTEM, v.SystemView))
async def retire_system(system_id: Id, caller: CallerDep, form: f.ReasonForm) -> Response:
    """Take a system off the list; nothing hangs on it any more."""
    args = f.RetireSystemArgs(system_id=system_id, **dict(form))
    return respond(await caller.do(acts.RETIRE_SYSTEM, args))


@router.post("/lists/data", **answers(acts.ENTER_DATA, v.DataView))
async def enter_data(caller: CallerDep, args: f.EnterDataArgs) -> Response:
    """List data, as the agency that holds it."""
    return respond(await caller.do(acts.ENTER_DATA, args))


@router.post("/lists/data/{data_id}/change", **answers(acts.CHANGE_DATA, v.DataView))
async def change_data(data_id: Id, caller: CallerDep, form: f.ChangeDataForm) -> Response:
    """Say a data entry anew: its next version."""
    return respond(await caller.do(acts.CHANGE_DATA, f.ChangeDataArgs(data_id=data_id, **dict(form))))


@router.post("/lists/data/{data_id}/mount", **answers(acts.MOUNT, v.DataView))
async def mount(data_id: Id, caller: CallerDep, form: f.MountForm) -> Response:
    """Mount an entry to a file that the agency brought, or to an interface."""
    return respond(await caller.do(acts.MOUNT, f.MountArgs(data_id=data_id, **dict(form))))


@router.post("/lists/data/{data_id}/flag", **answers(acts.FLAG, v.DataView))
async def flag(data_id: Id, caller: CallerDep, form: f.FlagForm) -> Response:
    """Say why an entry is mounted to nothing, and until when."""
    return respond(await caller.do(acts.FLAG, f.FlagArgs(data_id=data_id, **dict(form))))


@router.post("/lists/data/{data_id}/retire", **answers(acts.RETIRE_DATA, v.DataView))
async def retire_data(data_id: Id, caller: CallerDep, form: f.ReasonForm) -> Response:
    """Take data off the list: demands that it met are gaps again."""
    return respond(await caller.do(acts.RETIRE_DATA, f.RetireDataArgs(data_id=data_id, **dict(form))))


@router.post("/lists/demands", **answers(acts.ENTER_DEMAND, v.DemandView))
async def enter_demand(caller: CallerDep, args: f.EnterDemandArgs) -> Response:
    """List what an agency needs: met by an entry, or a gap."""
    return respond(await caller.do(acts.ENTER_DEMAND, args))


@router.post("/lists/demands/{demand_id}/change", **answers(acts.CHANGE_DEMAND, v.DemandView))
async def change_demand(demand_id: Id, caller: CallerDep, form: f.ChangeDemandForm) -> Response:
    """Say a demand anew: its next version."""
    args = f.ChangeDemandArgs(demand_id=demand_id, **dict(form))
    return respond(await caller.do(acts.CHANGE_DEMAND, args))


@router.post("/lists/demands/{demand_id}/match", **answers(acts.MATCH, v.DemandView))
async def match(demand_id: Id, caller: CallerDep, form: f.MatchForm) -> Response:
    """Name the entry that meets a demand: its agency, who sees to it, or the data authority."""
    return respond(await caller.do(acts.MATCH, f.MatchArgs(demand_id=demand_id, **dict(form))))


@router.post("/lists/demands/{demand_id}/plan", **answers(acts.PLAN, v.DemandView))
async def plan(demand_id: Id, caller: CallerDep, form: f.PlanForm) -> Response:
    """Say who sees to an open gap by when."""
    return respond(await caller.do(acts.PLAN, f.PlanArgs(demand_id=demand_id, **dict(form))))


@router.post("/lists/demands/{demand_id}/retire", **answers(acts.RETIRE_DEMAND, v.DemandView))
async def retire_demand(demand_id: Id, caller: CallerDep, form: f.ReasonForm) -> Response:
    """Take a demand off the list."""
    args = f.RetireDemandArgs(demand_id=demand_id, **dict(form))
    return respond(await caller.do(acts.RETIRE_DEMAND, args))
