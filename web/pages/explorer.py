"""The ledger for everybody: its entries, each with its proof recomputed, and its checkpoints."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from base.db import ReadSession
from cases.retention import ERASERS
from identity.repository import get_key
from ledger import reader, trail
from ledger.checkpoint import MAX_SIZE, b64
from ledger.errors import StatementUnknown
from ledger.log_keys import log_keys, past_places, shards
from ledger.reader import Statement
from web.asking import Question
from web.pages import words
from web.pages.naming import names_of
from web.pages.proving import Proof, Trusted, prove_present
from web.pages.seeing import forget, remember, seen_by
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
Seq = Annotated[int, Path(ge=0, le=MAX_SIZE)]
_PAGE: Final = 20
_LONGEST_SEQ: Final = 18
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_OWN_MEMBERS: Final = frozenset({"event", "object", "actor", "role", "occurred_at", "opening", "clock"})


@router.get("/ledger")
async def entries(
    visitor: VisitorDep,
    before: Annotated[int | None, Query(ge=0, le=MAX_SIZE)] = None,
    event: Annotated[str, Query(max_length=60)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    more: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """Entries, newest first; or what is found by a number, an id or a digest.

    `more` shows every field to look by: the names of all events weigh four times the rest of the page.
    """
    asked = q.strip()
    question = Question.read(visitor.request.query_params)
    narrowed = {part: question.part(part) for part in ("actor", "from", "to") if question.part(part)}
    narrowing = bool(more or event or narrowed or question.wrong)
    async with visitor.node.database.read() as s:
        head = await reader.tree_head(s)
        if asked.isascii() and asked.isdecimal() and len(asked) <= _LONGEST_SEQ and int(asked) < head.size:
            return visitor.redirect(f"/ledger/{int(asked)}")
        found = await _found(s, asked) if asked and not narrowed else []
        if len(found) == 1:
            return visitor.redirect(found[0][1])
        further = None
        if narrowed:
            wanted = await Question.read(narrowed | {"q": asked, "action": event}).wanted(s)
            page = await trail.search(s, wanted, before=before, limit=_PAGE)
            found, further = [(one.statement, _place(one)) for one in page.found], page.before
        rows = (
            []
            if asked or narrowed
            else await reader.entries(s, before=before, limit=_PAGE, event=event or None)
        )
        said = [entry.payload["predicate"] for entry in rows]
        names = await names_of(s, (one.get("actor") for one in said), (one.org_id for one, _ in found))
        closed = [] if asked or narrowed else await shards(s)
    next_before = rows[-1].seq if len(rows) == _PAGE else further
    return visitor.render(
        "ledger.html",
        head=head,
        vkey=str(visitor.node.publisher.signer.vkey),
        rows=list(zip(rows, said, strict=True)),
        found=found,
        closed=[(shard, closed_place(shard.origin)) for shard in closed],
        q=asked,
        event=event,
        more=narrowing,
        events=visitor.options("event", words.EVENTS) if narrowing else [],
        names=names,
        narrowed=narrowed,
        wrong=question.wrong,
        next_address=visitor.url("/ledger", before=next_before, event=event, q=asked, **narrowed)
        if next_before
        else None,
    )


def _place(one: trail.Found) -> str:
    return f"/ledger/{one.seq}" if one.log is None else f"{closed_place(one.log)}/{one.seq}"


async def _found(s: ReadSession, asked: str) -> list[tuple[Statement, str]]:
    """The sealed statements that a text names, by statement id, by digest, or by what they are about.

    With the page of the entry, which may stand in a closed log.
    """
    try:
        if _DIGEST.fullmatch(asked.lower()):
            found: Sequence[Statement] = [await reader.statement_by_digest(s, envelope_sha256=asked.lower())]
        else:
            found = [await reader.statement(s, statement_id=asked)]
    except StatementUnknown:
        found = await reader.statements_of(s, object_id=asked, limit=100)
    past = await past_places(s, statement_ids=[one.statement_id for one in found if one.seq is None])
    places = {name: f"{closed_place(origin)}/{seq}" for name, (origin, seq) in past.items()}
    places |= {one.statement_id: f"/ledger/{one.seq}" for one in found if one.seq is not None}
    return [(one, places[one.statement_id]) for one in found if one.statement_id in places]


def closed_place(origin: str) -> str:
    """The page of a closed log: by the last part of its origin, as its files are."""
    return f"/ledger/closed/{origin.rpartition('/')[2]}"


@router.get("/ledger/{seq}")
async def entry(visitor: VisitorDep, seq: Seq) -> Response:
    """One entry: in a sentence, in its fields, as it stands, and proved."""
    async with visitor.node.database.read() as s:
        return await render_present(visitor, s, seq)


async def render_present(
    visitor: Visitor, s: ReadSession, seq: int, *, template: str = "entry.html", **shown: Any
) -> Response:
    """The page of an entry of the present log; what was shown and held is remembered by the browser."""
    trusted = await trusted_by(visitor, s)
    address = f"/api/v1/ledger/entries/{seq}"
    found = await reader.entry(s, seq=seq)
    under = await reader.checkpoint_over(s, seq=seq)
    proof = await prove_present(s, found, trusted)
    response = await render_entry(
        visitor,
        s,
        found,
        proof,
        template=template,
        size=(await reader.tree_head(s)).size,
        vkey=str(trusted.vkey),
        vkeys=[str(key) for key in (trusted.vkey, *trusted.earlier)],
        witnesses=[str(key) for key in trusted.witnesses],
        exact=f"{address}/entry.json",
        receipt=f"{address}/receipt",
        witnessed=under and under.witnessed,
        federated=visitor.node.settings.province_url is not None,
        **{"place": "/ledger"} | shown,
    )
    if proof.holds and proof.size is not None and proof.root is not None:
        remember(visitor, response, trusted.vkey, proof.size, proof.root)
    return response


async def trusted_by(visitor: Visitor, s: ReadSession) -> Trusted:
    """What proofs of the present log are held against, for this reader."""
    publisher = visitor.node.publisher
    vkey = publisher.signer.vkey
    told = [window.vkey for window in (await log_keys(s)).windows]
    earlier = [key for key in dict.fromkeys((*told, *publisher.earlier)) if key != vkey]
    return Trusted(vkey, publisher.witness_keys, earlier, seen_by(visitor), publisher.witnessed)


@router.post("/ledger/forget")
async def forget_seen(visitor: VisitorDep) -> Response:
    """Let this browser forget the checkpoint that it saw last: after the exchange was founded anew."""
    await visitor.form()
    response = visitor.redirect("/ledger/checkpoints")
    forget(response)
    return response


async def render_entry(
    visitor: Visitor,
    s: ReadSession,
    found: reader.Entry,
    proof: Proof,
    *,
    closed: str = "",
    template: str = "entry.html",
    **shown: Any,
) -> Response:
    """The page of an entry, of the present log or a closed one (`closed` is its origin)."""
    says: dict[str, Any] = found.payload["predicate"]
    texts = [value for value in says.values() if isinstance(value, str)]
    names = await names_of(s, texts, (check.who for check in proof.checks))
    committed = says.get("opening")
    erased = committed is not None and await reader.opening(s, sha256=committed["sha256"]) is None
    document = found.document
    return visitor.render(
        template,
        entry=found,
        closed=closed,
        says=says,
        members={name: value for name, value in says.items() if name not in _OWN_MEMBERS},
        subjects=found.payload["subject"],
        proof=proof,
        bytes=b64(found.entry),
        command=f'databourse receipt RECEIPT --entry ENTRY --vkey "{shown["vkey"]}"',
        party_keys=await _party_keys(s, document["envelope"]["signatures"]),
        names=names,
        sealed_at=found.sealed_at,
        raw=_pretty(document | {"envelope": document["envelope"] | {"payload": found.payload}}),
        about=_page_about(str(says.get("object", ""))),
        erased=erased,
        may_erase=committed is not None and not erased and not closed and visitor.may(ERASERS),
        **{"private": None} | shown,
    )


async def _party_keys(s: ReadSession, signatures: Sequence[dict[str, str]]) -> str:
    """The public keys of who signed, by key id: a browser checks that a key id is the key's own digest."""
    keys = {one["keyid"]: await get_key(s, keyid=one["keyid"]) for one in signatures}
    public = {keyid: b64(key.public) for keyid, key in keys.items() if key is not None}
    return orjson.dumps(public).decode()


def _pretty(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _page_about(object_id: str) -> str | None:
    """The page about what an entry is about, where there is one for everybody."""
    if object_id.startswith("lst_"):
        return f"/products/{object_id}"
    return None
