"""Contracts: the document, everybody's signature, the usage policy, the paper, and the model clauses."""

import asyncio
import hashlib
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import ReadSession
from base.signing import parse_envelope
from ledger.reader import statement_by_digest
from market.orders import policy, repository
from market.orders.clauses import ModelType, model, models
from market.orders.contract import assemble
from market.orders.errors import ContractErased, ContractNotDrawnUp, ModelUnknown, PolicyErased
from market.orders.quoted import quote_of
from market.orders.service import parties_of
from market.orders.tables import Contract, ContractPolicy
from pricing.methods import METHOD_OF
from web import papers
from web.acts import Id
from web.api.trades import visible
from web.deps import CallerDep, ReadDep
from web.files import file_headers
from web.node import Node
from web.views import View

router = APIRouter(tags=["contracts"])
Language = Literal["zh", "en"]
_PDF: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The contract on paper",
        "content": {papers.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_POLICY: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "An ODRL 2.2 Agreement as JSON-LD",
        "content": {policy.MEDIA_TYPE: {"schema": {"type": "object"}}},
    }
}
_CLAUSES: Final = "text/markdown; charset=utf-8"
_MODEL: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The clauses", "content": {"text/markdown": {"schema": {"type": "string"}}}}
}


class ContractView(View):
    trade_id: str
    contract_sha256: str
    document: dict[str, Any]
    signed_by: list[str]


class QuoteView(View):
    """The quote a contract cites: `databourse price METHOD` makes the document again from the facts."""

    quote_id: str
    statement_id: str
    method: str
    document: dict[str, Any]
    quote_sha256: str = Field(description="Of the canonical bytes of the document")
    facts: dict[str, Any]


class ModelView(View):
    id: str
    version: int
    sha256: str = Field(description="Of the Chinese text, which binds")
    translations: dict[str, str] = Field(description="Of the other texts, by language")


@router.get("/trades/{trade_id}/contract")
async def contract(trade_id: Id, caller: CallerDep, s: ReadDep) -> ContractView:
    """The contract document and who has signed it."""
    await visible(s, caller, trade_id)
    found = await readable(s, trade_id)
    signatures = await repository.signatures_of(s, trade_id=trade_id)
    return ContractView(
        trade_id=trade_id,
        contract_sha256=found.contract_sha256,
        document=orjson.loads(found.document),
        signed_by=[signature.org_id for signature in signatures],
    )


@router.get("/trades/{trade_id}/quote")
async def quoted(trade_id: Id, caller: CallerDep, s: ReadDep) -> QuoteView:
    """The quote that the contract cites, with the facts it was made from."""
    found = await quote_of(s, await visible(s, caller, trade_id))
    return QuoteView(
        quote_id=found.quote_id,
        statement_id=found.statement_id,
        method=METHOD_OF[found.mechanism],
        document=orjson.loads(found.document),
        quote_sha256=sha256_hex(found.document.encode()),
        facts=orjson.loads(found.facts),
    )


async def readable(s: ReadSession, trade_id: str) -> Contract:
    """The contract of a trade. Raises ContractNotDrawnUp, and ContractErased where only its digest stands."""
    found = await repository.get_contract(s, trade_id=trade_id)
    if found is None:
        raise ContractNotDrawnUp("there is no contract yet", trade_id=trade_id)
    if not found.document:
        raise ContractErased("erased", trade_id=trade_id, contract_sha256=found.contract_sha256)
    return found


@router.get("/trades/{trade_id}/contract.dsse.json")
async def contract_dsse(trade_id: Id, caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """Everybody's signature over the payload they share, as one DSSE envelope."""
    await visible(s, caller, trade_id)
    signatures = await repository.signatures_of(s, trade_id=trade_id)
    if not signatures:
        raise ContractNotDrawnUp("nobody has signed yet", trade_id=trade_id)
    said = [await statement_by_digest(s, envelope_sha256=row.envelope_sha256) for row in signatures]
    return assemble([parse_envelope(orjson.loads(one.envelope)) for one in said]).document()


@router.get("/trades/{trade_id}/policy.odrl.jsonld", response_class=Response, responses=_POLICY)
async def usage_policy(trade_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """The usage policy that the contract names by its digest: these very bytes."""
    await visible(s, caller, trade_id)
    found = await s.get(ContractPolicy, trade_id)
    if found is None:
        raise ContractNotDrawnUp("there is no policy yet", trade_id=trade_id)
    if not found.document:
        raise PolicyErased("erased", trade_id=trade_id, policy_sha256=found.policy_sha256)
    return Response(
        found.document,
        media_type=policy.MEDIA_TYPE,
        headers=file_headers(found.policy_sha256) | {"accept-ranges": "none"},
    )


@router.get("/trades/{trade_id}/contract.pdf", response_class=Response, responses=_PDF)
async def contract_pdf(
    trade_id: Id, caller: CallerDep, s: ReadDep, lang: Annotated[Language, Query()] = "zh"
) -> Response:
    """The contract on paper, with its digest and a code that leads to its entry in the ledger.

    The same contract with the same signatures is the same bytes.
    """
    await visible(s, caller, trade_id)
    paper = await paper_of(caller.node, s, trade_id, lang)
    drawn = await asyncio.to_thread(papers.draw, paper)
    name = f"contract-{trade_id}-{lang}.pdf"
    headers = file_headers(hashlib.sha256(drawn).hexdigest()) | {"accept-ranges": "none"}
    return Response(
        drawn,
        media_type=papers.MEDIA_TYPE,
        headers=headers | {"content-disposition": f'inline; filename="{name}"'},
    )


async def paper_of(node: Node, s: ReadSession, trade_id: str, language: Language) -> papers.Paper:
    """What a contract's paper is drawn from. Raises what `readable` raises, and ModelUnknown.

    A contract from before there were model contracts has no clauses to print.
    """
    trade = await repository.get_trade(s, trade_id=trade_id)
    found = await readable(s, trade_id)
    if not isinstance(orjson.loads(found.document)["model"], dict):
        raise ModelUnknown("this contract is older than the model contracts", trade_id=trade_id)
    signed = {one.org_id: one for one in await repository.signatures_of(s, trade_id=trade_id)}
    return papers.Paper(
        document=found.document,
        sha256=found.contract_sha256,
        signatures=tuple(
            papers.Signed(org_id, rfc3339(signed[org_id].signed_at), signed[org_id].envelope_sha256)
            if org_id in signed
            else papers.Signed(org_id)
            for org_id in parties_of(trade)
        ),
        receipt_url=f"{node.settings.public_url.rstrip('/')}/{language}/contracts/{found.contract_sha256}",
        origin=node.settings.origin,
        language=language,
    )


@router.get("/contract-models")
async def contract_models() -> list[ModelView]:
    """Every version of the model contracts, with the digests of their texts."""
    return [ModelView(**one.document()) for one in models()]


@router.get("/contract-models/{model_id}/{version}/{lang}", response_class=Response, responses=_MODEL)
async def contract_model(
    model_id: ModelType, version: Annotated[int, Path(ge=1, le=10**6)], lang: Language
) -> Response:
    """The clauses of one version in one language: the very bytes that contracts name by their digest."""
    found = model(model_id, version)
    headers = file_headers(found.digests[lang]) | {"accept-ranges": "none", "cache-control": "public"}
    return Response(found.text(lang), media_type=_CLAUSES, headers=headers)
