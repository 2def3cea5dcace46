"""Chief data officers of public agencies: the public register with its history, appointing, ending."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from base.db import WriteSession
from ledger.recording import Act
from registry.chiefs import repository, service
from registry.chiefs.states import AGENCY, ChiefEnd
from registry.chiefs.tables import ChiefRow
from web.acts import ActKind, Args, Asked, Id, Sha256, kind
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["agencies"])
Limit = Annotated[int, Query(ge=1, le=repository.MAX_PAGE)]


class ChiefView(View):
    """An appointment to a public office: who holds it is everybody's to know."""

    chief_id: str
    agency_id: str
    name: str
    status: str
    document_sha256: str
    appointed_on: str
    began_at: datetime
    until: datetime | None
    ended_at: datetime | None
    ended_as: str | None

    @classmethod
    def of(cls, row: ChiefRow) -> "ChiefView":
        return cls.model_validate(row)


class AppointArgs(Args):
    """Whom of one's own people, by which document; `until` is the last day of a term."""

    user_id: Id
    document_sha256: Sha256
    appointed_on: date
    until: date | None = None


class EndForm(Asked):
    reason: ChiefEnd


class EndArgs(Args, EndForm):
    chief_id: Id


async def _appoint(s: WriteSession, act: Act, args: AppointArgs, node: Node) -> Any:
    del node
    return await service.appoint_chief(s, act, **dict(args))


async def _end(s: WriteSession, act: Act, args: EndArgs, node: Node) -> Any:
    del node
    return await service.end_chief(s, act, **dict(args))


APPOINT = kind(
    ActKind(
        name="chief.appoint",
        event="CDO.APPOINT",
        args=AppointArgs,
        roles=AGENCY,
        verb=_appoint,
        answer=ChiefView.of,
        about=lambda _: "chief",
        status=201,
    )
)
END = kind(
    ActKind(
        name="chief.end",
        event="CDO.END",
        args=EndArgs,
        roles=AGENCY,
        verb=_end,
        answer=ChiefView.of,
        about=lambda args: args.chief_id,
    )
)


@router.get("/chiefs")
async def chiefs(
    s: ReadDep,
    agency_id: Annotated[Id | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> list[ChiefView]:
    """The register of chief data officers, newest first: who signs for which agency, from when to when."""
    rows = await repository.chiefs(s, agency_id=agency_id, after=after, limit=limit)
    return [ChiefView.of(row) for row in rows]


@router.post("/chiefs", **answers(APPOINT, ChiefView))
async def appoint(caller: CallerDep, args: AppointArgs) -> Response:
    """Appoint one of one's own people chief data officer, as a public agency; who stood is replaced."""
    return respond(await caller.do(APPOINT, args))


@router.post("/chiefs/{chief_id}/end", **answers(END, ChiefView))
async def end(chief_id: Id, caller: CallerDep, form: EndForm) -> Response:
    """End an appointment of one's own agency."""
    return respond(await caller.do(END, EndArgs(chief_id=chief_id, **dict(form))))
