"""Customs' form filled ahead: with a list of persons that was brought, or with what was returned."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import DomainError, NotFound, Unauthenticated, Unavailable
from market.customs import repository
from market.customs.states import EXPORTERS, DeclarationState
from web.files import keep_upload
from web.pages.acting import caller_for
from web.pages.customs import form_of
from web.pages.forms import Filled, Form, sent_back
from web.pages.multipart import upload_of
from web.pages.visiting import VisitorDep

router = APIRouter()
DECLARE: Final = "customs.declare"
_PLAIN: Final = (
    *("kind", "purpose", "necessity", "industry", "scenario", "storage_place", "retention_months", "level"),
    *("persons", "sensitive_persons", "mode", "channel", "volume_bytes", "volume_uses", "period_from"),
    *("period_to", "ground", "contract_kind", "zone", "request_authority", "trade_id", "product_id"),
)
_File = Annotated[str, Query(max_length=40)]


@router.post("/customs/lists")
async def bring(visitor: VisitorDep) -> Response:
    """Bring a list of persons: streamed, encrypted while it comes in, within the bounds of uploads."""
    visitor.require(EXPORTERS)
    form = Form({})
    try:
        async with upload_of(visitor.request) as incoming:
            form = incoming.form
            visitor.check(form.text("csrf"))
            file = await keep_upload(
                caller_for(visitor, role=min(visitor.roles & EXPORTERS)),
                incoming.content,
                name=incoming.name,
                media_type=incoming.media_type,
            )
    except (Unauthenticated, Unavailable):
        raise
    except DomainError as error:
        return form_of(visitor, sent_back("bring", form, error), again=form.optional("again") or "")
    given = {name: form.optional(name) or "" for name in ("persons", "sensitive")}
    given["sensitive" if form.text("which") == "sensitive" else "persons"] = file.file_id
    again = form.optional("again")
    path = f"/customs/{again}/again" if again else "/customs/declare"
    return visitor.redirect(path, **given)


@router.get("/customs/{declaration_id}/again")
async def again(
    visitor: VisitorDep, declaration_id: str, persons: _File = "", sensitive: _File = ""
) -> Response:
    """The form of what was returned, or whose list was refused, as it was declared."""
    visitor.require(EXPORTERS)
    async with visitor.node.database.read() as s:
        row = await repository.get_declaration(s, declaration_id=declaration_id)
    if visitor.org_id != row.exporter_id or row.status is not DeclarationState.DECLARED:
        raise NotFound("nothing is to be declared again", declaration_id=declaration_id)
    filled = Filled(DECLARE, values_of(row.said))
    return form_of(visitor, filled, again=declaration_id, files=(persons, sensitive))


def values_of(said: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """A declaration as its form shows it."""
    values: dict[str, Sequence[str]] = {
        name: [str(said[name])] for name in _PLAIN if said.get(name) is not None
    }
    recipient, research = said["recipient"], said.get("research") or {}
    values |= {f"recipient_{name}": [str(value)] for name, value in recipient.items() if value is not None}
    values |= {f"research_{name}": [str(value)] for name, value in research.items() if name != "participants"}
    values["research_participants"] = ["\n".join(research.get("participants", ()))]
    values["fields"] = ["\n".join(_line(one) for one in said["fields"])]
    values["onward"] = [" ".join(said["onward"])]
    attached = {name: sha for name, sha in said["attachments"].items() if name != "zone_number"}
    values["attachments"] = ["\n".join(f"{name} {sha}" for name, sha in attached.items())]
    values["zone_number"] = [said["attachments"].get("zone_number", "")]
    if said["state_secret"]:
        values["state_secret"] = ["yes"]
    return values


def _line(one: Mapping[str, Any]) -> str:
    how = "sensitive" if one["sensitive"] else "personal" if one["personal"] else ""
    return f"{one['name']} | {how} | {one['level']}"
