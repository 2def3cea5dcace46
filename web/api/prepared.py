"""Acts that wait for a self-held signature."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from base.signing import parse_envelope
from identity.prepared import get_prepared
from web.acts import Id
from web.deps import WAITING, CallerDep, ReadDep, respond
from web.views import PreparedView

router = APIRouter(tags=["prepared acts"])


@router.get("/prepared/{prepared_id}", response_model=PreparedView)
async def prepared(prepared_id: Id, caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """What is to be signed, in the form that `databourse sign` reads."""
    return (await get_prepared(s, prepared_id=prepared_id, actor=caller.actor)).document()


@router.post("/prepared/{prepared_id}/submit", openapi_extra=WAITING)
async def submit(prepared_id: Id, caller: CallerDep, envelope: Annotated[dict[str, Any], Body()]) -> Response:
    """Hand in the DSSE envelope of a prepared act; answers what the act answers."""
    return respond(await caller.submit(prepared_id, parse_envelope(envelope)))
