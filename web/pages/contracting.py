"""A trade's contract on its page: the document, who signed it, and the form that signs.

`/contracts/{digest}` is where the code on a contract's paper leads: to its entry in the ledger.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path
from starlette.responses import Response

from base.db import ReadSession
from brokers.conduct.repository import source_check_of
from ledger import reader
from market.listings.conditions import PURPOSE_LABELS, Purpose
from market.orders import repository
from market.orders.clauses import MODEL_LABELS, ModelType
from market.orders.errors import ContractUnknown
from market.orders.service import parties_of
from web.pages.room import Room, Taken
from web.pages.steps import Step, missing_signers
from web.pages.visiting import VisitorDep
from web.papers_words import bounds_said, said

router = APIRouter()


@router.get("/contracts/{contract_sha256}")
async def concluded(
    visitor: VisitorDep, contract_sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
) -> Response:
    """The entry by which a contract was concluded, for whoever holds its digest. Raises ContractUnknown."""
    async with visitor.node.database.read() as s:
        trade_id = await repository.trade_of_contract(s, contract_sha256=contract_sha256)
        statements = await reader.statements_of(s, object_id=trade_id) if trade_id else ()
    for one in statements:
        if one.event == "TRD.CONTRACT" and one.seq is not None:
            return visitor.redirect(f"/ledger/{one.seq}")
    raise ContractUnknown("no contract of this digest was concluded here", contract_sha256=contract_sha256)


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """The contract as it stands, its signatures, and who has not signed yet."""
    contract = await repository.get_contract(s, trade_id=room.trade.trade_id)
    signatures = await repository.signatures_of(s, trade_id=room.trade.trade_id)
    signed = {signature.org_id for signature in signatures}
    document = None if contract is None or not contract.document else orjson.loads(contract.document)
    lang = room.visitor.lang
    broker = room.part is not None and room.part.role == "BROKER" and room.trade.broker_id
    checked = broker and await source_check_of(s, trade_id=room.trade.trade_id, broker_id=broker)
    return {
        "unchecked": bool(broker and checked is None),
        "contract": document,
        "contract_model": _model_label(document, lang),
        "contract_purposes": _purposes(document, lang),
        "contract_bounds": bounds_said(document["acceptance"].get("bounds", {}), lang)
        if document and "acceptance" in document
        else (),
        "contract_sha256": None if contract is None else contract.contract_sha256,
        "signatures": signatures,
        "missing": missing_signers(parties_of(room.trade), signed),
    }


def _model_label(document: Mapping[str, Any] | None, lang: str) -> str | None:
    """What its model is called; None for a contract from before there were model contracts."""
    if document is None or not isinstance(document["model"], dict):
        return None
    return said(MODEL_LABELS[ModelType(document["model"]["id"])], lang)


def _purposes(document: Mapping[str, Any] | None, lang: str) -> list[str]:
    codes = [] if document is None else document["licence"].get("purposes", [])
    return [said(PURPOSE_LABELS[Purpose(code)], lang) for code in codes]


TAKEN: Final[Mapping[Step, Taken]] = {Step.SIGN: Taken("trade.sign")}
