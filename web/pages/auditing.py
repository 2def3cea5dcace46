"""The trail for supervisors: asked by attributes, handed out with a signed manifest; who asks is noted."""

import asyncio
import csv
import hashlib
from collections.abc import Sequence
from io import StringIO
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.canonical import canonical
from base.clock import rfc3339
from base.errors import Conflict, Malformed
from base.signing import sign_envelope
from cases.rules import HANDLERS
from identity.rules import Role
from ledger import reader, trail
from ledger.checkpoint import MAX_SIZE
from ledger.statement import envelope_bytes
from ledger.trail import COUNTED
from market.listings.categories import CATEGORY_LABELS
from web.asking import NAMES, Question
from web.pages import words
from web.pages.explorer import Seq, closed_place, render_present
from web.pages.forms import Filled, sent_back
from web.pages.naming import names_of
from web.pages.supervisor import READERS
from web.pages.visiting import Visitor, VisitorDep
from web.readings import Readings, TooManySaved

router = APIRouter()
PAYLOAD: Final = "application/vnd.databourse.trail+json"
_OPENERS: Final = HANDLERS | {"AUDITOR"}
_PAGE: Final = 30  # with every event in its list, a page stays below 60 KiB
_MOST: Final = 10_000  # rows of an export
_COLUMNS: Final = (
    "log",
    "seq",
    "occurred_at",
    "event",
    "object",
    "actor",
    "role",
    "statement_id",
    "envelope_sha256",
)
_KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "manifest": "application/json",
}
Before = Annotated[int | None, Query(ge=0, le=MAX_SIZE)]


class TrailTooLong(Conflict):
    """An export has an end."""

    code = "trail-too-long"
    title = "So many statements are exported by parts alone"


class QuestionUnread(Malformed):
    """A part of the question cannot be read: nothing is exported under it."""

    code = "question-unread"
    title = "A day is written as 2026-11-23."


def readings_of(visitor: Visitor) -> Readings:
    """Who has read what, of this node."""
    return Readings(visitor.node.settings.data_dir / "readings")


def _note(visitor: Visitor, what: str, asked: dict[str, str]) -> None:
    session = visitor.require(READERS)
    readings_of(visitor).note(
        user_id=visitor.user_id,
        org_id=session.actor.org_id,
        what=what,
        asked=asked,
        at=visitor.node.clock.now(),
    )


@router.get("/reg/audit")
async def ask(visitor: VisitorDep, before: Before = None) -> Response:
    """A page of the trail, newest first; the question is noted with who asked it."""
    return await _ask(visitor, before, Filled())


async def _ask(visitor: Visitor, before: int | None, filled: Filled) -> Response:
    visitor.require(READERS)
    asked = Question.read(visitor.request.query_params)
    if asked.parts and not asked.wrong:
        _note(visitor, "audit", dict(asked.parts))
    async with visitor.node.database.read() as s:
        wanted = await asked.wanted(s)
        page = await trail.search(s, wanted, before=before, limit=_PAGE)
        newest = page.found[0].row + 1 if page.found and before is None else before
        count = await trail.count(s, wanted)
        noted = readings_of(visitor).newest(at=visitor.node.clock.now())
        names = await names_of(
            s, (one.statement.org_id for one in page.found), (one["org_id"] for one in noted)
        )
    groups = sorted({event.partition(".")[0] for event in words.EVENTS})
    return visitor.render(
        "audit.html",
        filled=filled,
        status=422 if asked.wrong else None,
        asked=asked,
        found=[(one, _place(one)) for one in page.found],
        names=names,
        count=count,
        most=COUNTED,
        next_address=_address(visitor, asked, before=page.before) if page.before is not None else None,
        exports={kind: _address(visitor, asked, "/export", kind=kind, upto=newest) for kind in _KINDS},
        as_json=f"/api/v1/trail?{urlencode(dict(asked.parts))}",
        roles=visitor.options("role", Role),
        events=visitor.options("event", words.EVENTS),
        groups=groups,
        sectors=visitor.labelled(CATEGORY_LABELS),
        saved={
            name: visitor.url("/reg/audit", **parts)
            for name, parts in readings_of(visitor).saved(visitor.user_id).items()
        },
        noted=noted[:20],
        chain=await asyncio.to_thread(readings_of(visitor).chain, f"{visitor.node.clock.now():%Y-%m}"),
    )


def _address(visitor: Visitor, asked: Question, below: str = "", **more: Any) -> str:
    return visitor.url(f"/reg/audit{below}", **dict(asked.parts), **more)


def _place(found: trail.Found) -> str:
    return f"/reg/audit/{found.seq}" if found.log is None else f"{closed_place(found.log)}/{found.seq}"


@router.get("/reg/audit/export")
async def export(
    visitor: VisitorDep,
    kind: Literal["csv", "jsonl", "manifest"],
    upto: Before = None,
) -> Response:
    """The statements that a question names: as CSV, as JSONL, or the signed digests of both.

    `upto` is where the page began, so that all three speak of the same rows. Raises TrailTooLong,
    QuestionUnread.
    """
    visitor.require(READERS)
    asked = Question.read(visitor.request.query_params)
    if asked.wrong:
        raise QuestionUnread("nobody can read these parts", parts=list(asked.wrong))
    _note(visitor, f"export {kind}", dict(asked.parts))
    async with visitor.node.database.read() as s:
        found: list[trail.Found] = []
        wanted, before = await asked.wanted(s), upto
        while True:
            page = await trail.search(s, wanted, before=before, limit=500)
            found += page.found
            if len(found) > _MOST:
                raise TrailTooLong("ask for less: a shorter time, one actor", most=_MOST)
            if page.before is None:
                break
            before = page.before
        head = await reader.tree_head(s)
    rows = [_row(one, head.origin) for one in found]
    written = {"csv": _csv(rows), "jsonl": b"".join(orjson.dumps(row) + b"\n" for row in rows)}
    content = written.get(kind)
    if content is None:
        document = {
            "asked": dict(asked.parts),
            "count": len(rows),
            "csv_sha256": hashlib.sha256(written["csv"]).hexdigest(),
            "jsonl_sha256": hashlib.sha256(written["jsonl"]).hexdigest(),
            "made_at": rfc3339(visitor.node.clock.now()),
            "origin": head.origin,
            "size": head.size,
            "taken": _taken(asked, wanted),
            "upto": upto if upto is not None else found[0].row + 1 if found else 0,
            "v": 1,
        }
        async with visitor.node.database.write() as s:
            await visitor.node.house.exchange.pen.ready(s)
        content = envelope_bytes(
            sign_envelope(PAYLOAD, canonical(document), visitor.node.house.exchange.pen.key)
        )
    name = "trail.dsse.json" if kind == "manifest" else f"trail.{kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=_KINDS[kind], headers=headers)


def _taken(asked: Question, wanted: trail.Wanted) -> dict[str, Any]:
    """The question as it was answered: organisations by id, days as moments; nothing stands for no bound."""
    taken = {
        "text": wanted.text,
        "events": wanted.events,
        "group": wanted.group,
        "actors": wanted.actors,
        "role": wanted.role,
        "object": asked.part("object") or None,
        "sector": asked.part("sector") or None,
        "since": wanted.since and rfc3339(wanted.since),
        "until": wanted.until and rfc3339(wanted.until),
    }
    return {name: value for name, value in taken.items() if value is not None}


def _row(one: trail.Found, origin: str) -> dict[str, Any]:
    said = one.statement
    facts = (
        one.log or origin,
        one.seq,
        rfc3339(said.occurred_at),
        said.event,
        said.object_id,
        said.org_id,
        said.predicate.get("role"),
        said.statement_id,
        said.envelope_sha256,
    )
    return dict(zip(_COLUMNS, facts, strict=True))


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    out = StringIO()
    table = csv.DictWriter(out, _COLUMNS, lineterminator="\r\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()


@router.post("/reg/audit/saved")
async def save(visitor: VisitorDep) -> Response:
    """Keep a question under a name, or keep it no longer."""
    form = await visitor.form()
    visitor.require(READERS)
    name = form.text("name")[:60]
    if form.flag("forget"):
        readings_of(visitor).forget(visitor.user_id, name)
        return visitor.redirect("/reg/audit")
    asked = Question.read({part: form.text(part) for part in NAMES})
    try:
        if name and asked.parts:
            readings_of(visitor).save(visitor.user_id, name, asked.parts)
    except TooManySaved as error:
        return await _ask(visitor, None, sent_back("save", form, error))
    return visitor.redirect("/reg/audit", **dict(asked.parts))


@router.get("/reg/audit/{seq}")
async def entry(visitor: VisitorDep, seq: Seq) -> Response:
    """An entry as supervisors see it: with its private part, where that is not erased; who reads is noted."""
    visitor.require(READERS)
    private = None
    async with visitor.node.database.read() as s:
        found = await reader.entry(s, seq=seq)
        committed = found.payload["predicate"].get("opening")
        if committed is not None and visitor.may(_OPENERS):
            _note(visitor, "entry", {"seq": str(seq)})
            private = await reader.opening(s, sha256=committed["sha256"])
        return await render_present(visitor, s, seq, private=private, place="/reg/audit")
