"""The ledger for everybody: its entries, each with its proof recomputed, and its checkpoints."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from cases.retention import ERASERS
from ledger import reader
from ledger.checkpoint import Checkpoint, Note
from ledger.errors import StatementUnknown
from ledger.reader import Statement
from web.pages import words
from web.pages.naming import names_of
from web.pages.proving import prove
from web.pages.visiting import VisitorDep

router = APIRouter()
_PAGE: Final = 50
_LONGEST_SEQ: Final = 18
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_OWN_MEMBERS: Final = frozenset({"event", "object", "actor", "role", "occurred_at", "opening", "clock"})


@router.get("/ledger")
async def entries(
    visitor: VisitorDep,
    before: Annotated[int | None, Query(ge=0)] = None,
    event: Annotated[str, Query(max_length=60)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Entries, newest first; or what is found by a number, an id or a digest."""
    asked = q.strip()
    async with visitor.node.database.read() as s:
        head = await reader.tree_head(s)
        if asked.isascii() and asked.isdecimal() and len(asked) <= _LONGEST_SEQ and int(asked) < head.size:
            return visitor.redirect(f"/ledger/{int(asked)}")
        found = await _found(s, asked) if asked else []
        if len(found) == 1 and found[0].seq is not None:
            return visitor.redirect(f"/ledger/{found[0].seq}")
        rows = [] if asked else await reader.entries(s, before=before, limit=_PAGE, event=event or None)
        said = [entry.payload["predicate"] for entry in rows]
        names = await names_of(s, (one.get("actor") for one in said), (one.org_id for one in found))
    return visitor.render(
        "ledger.html",
        head=head,
        vkey=str(visitor.node.publisher.signer.vkey),
        rows=list(zip(rows, said, strict=True)),
        found=found,
        q=asked,
        event=event,
        events=visitor.options("event", words.EVENTS),
        names=names,
        next_address=visitor.url("/ledger", before=rows[-1].seq, event=event)
        if len(rows) == _PAGE and rows[-1].seq
        else None,
    )


async def _found(s: ReadSession, asked: str) -> Sequence[Statement]:
    """The sealed statements that a text names: by statement id, by digest, or by what they are about."""
    try:
        if _DIGEST.fullmatch(asked.lower()):
            found: Sequence[Statement] = [await reader.statement_by_digest(s, envelope_sha256=asked.lower())]
        else:
            found = [await reader.statement(s, statement_id=asked)]
    except StatementUnknown:
        found = await reader.statements_of(s, object_id=asked, limit=100)
    return [statement for statement in found if statement.seq is not None]


@router.get("/ledger/checkpoints")
async def checkpoints(visitor: VisitorDep) -> Response:
    """The signed roots that were published, newest first."""
    async with visitor.node.database.read() as s:
        rows = await reader.checkpoints(s)
    shown = [(row, Checkpoint.parse(Note.parse(row.note.encode()).text)) for row in rows]
    return visitor.render("checkpoints.html", rows=shown, vkey=str(visitor.node.publisher.signer.vkey))


@router.get("/ledger/{seq}")
async def entry(visitor: VisitorDep, seq: int) -> Response:
    """One entry: in a sentence, in its fields, as it stands, and proved."""
    vkey = visitor.node.publisher.signer.vkey
    async with visitor.node.database.read() as s:
        found = await reader.entry(s, seq=seq)
        head = await reader.tree_head(s)
        proof = await prove(s, found, vkey)
        under = await reader.checkpoint_over(s, seq=seq)
        says: dict[str, Any] = found.payload["predicate"]
        texts = [value for value in says.values() if isinstance(value, str)]
        names = await names_of(s, texts, (check.who for check in proof.checks))
        committed = says.get("opening")
        erased = committed is not None and await reader.opening(s, sha256=committed["sha256"]) is None
    document = found.document
    return visitor.render(
        "entry.html",
        entry=found,
        says=says,
        members={name: value for name, value in says.items() if name not in _OWN_MEMBERS},
        subjects=found.payload["subject"],
        proof=proof,
        witnessed=under and under.witnessed,
        federated=visitor.node.settings.province_url is not None,
        names=names,
        head=head,
        vkey=str(vkey),
        sealed_at=found.sealed_at,
        raw=_pretty(document | {"envelope": document["envelope"] | {"payload": found.payload}}),
        place=_place(str(says.get("object", ""))),
        erased=erased,
        may_erase=committed is not None and not erased and visitor.may(ERASERS),
    )


def _pretty(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _place(object_id: str) -> str | None:
    """The page about what an entry is about, where there is one for everybody."""
    if object_id.startswith("lst_"):
        return f"/products/{object_id}"
    return None
