"""The signed roots of the log: each with its signatures and witnesses; and whether two are one log."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ledger import reader
from ledger.checkpoint import MAX_SIZE, Checkpoint, Note, NoteSignature
from ledger.errors import StatementUnknown
from web.pages.explorer import trusted_by
from web.pages.languages import N_
from web.pages.proving import Trusted, check_note, consistent
from web.pages.seeing import remember, seen_by
from web.pages.visiting import VisitorDep

router = APIRouter()
Size = Annotated[int, Path(ge=1, le=MAX_SIZE)]
ONE_LOG: Final = N_("The larger tree extends the smaller one")
_LOG, _WITNESS, _OTHER = N_("the log"), N_("a witness of the log"), N_("somebody whom nobody asked")


@router.get("/ledger/checkpoints")
async def checkpoints(
    visitor: VisitorDep,
    size: Annotated[int | None, Query(ge=1, le=MAX_SIZE)] = None,
    other: Annotated[int | None, Query(ge=1, le=MAX_SIZE, alias="with")] = None,
) -> Response:
    """The signed roots that were published, newest first; with a size, on to that one."""
    if size is not None:
        return visitor.redirect(f"/ledger/checkpoints/{size}", **{"with": other})
    async with visitor.node.database.read() as s:
        rows = await reader.checkpoints(s)
    shown = [(row, Checkpoint.parse(Note.parse(row.note.encode()).text)) for row in rows]
    return visitor.render(
        "checkpoints.html",
        rows=shown,
        vkey=str(visitor.node.publisher.signer.vkey),
        seen=seen_by(visitor),
        sizes=[row.size for row in rows],
    )


@router.get("/ledger/checkpoints/{size}")
async def checkpoint(
    visitor: VisitorDep,
    size: Size,
    other: Annotated[int | None, Query(ge=1, le=MAX_SIZE, alias="with")] = None,
) -> Response:
    """One signed root, checked step by step; held against another one where that is asked."""
    async with visitor.node.database.read() as s:
        row = await reader.checkpoint(s, size=size)
        if row is None:
            raise StatementUnknown("no checkpoint of this size was kept", size=size)
        trusted = await trusted_by(visitor, s)
        told, checks = await check_note(s, row.note.encode(), trusted)
        compared = None
        if other is not None:
            second = await reader.checkpoint(s, size=other)
            if second is None:
                raise StatementUnknown("no checkpoint of this size was kept", size=other)
            root = Checkpoint.parse(Note.parse(second.note.encode()).text).root
            values = ((N_("the other's root"), root.hex()),)
            compared = await consistent(s, ONE_LOG, (told.size, told.root), (other, root), values)
        sizes = [one.size for one in await reader.checkpoints(s)]
    wrong = any(check.holds is False for check in (*checks, *([compared] if compared else [])))
    response = visitor.render(
        "checkpoint.html",
        row=row,
        told=told,
        checks=checks,
        wrong=wrong,
        lines=[(line, _role(line, trusted)) for line in Note.parse(row.note.encode()).signatures],
        with_=other,
        compared=compared,
        sizes=sizes,
    )
    if not wrong:
        remember(visitor, response, trusted.vkey, told.size, told.root)
    return response


def _role(line: NoteSignature, trusted: Trusted) -> str:
    """Whose signature line it is, by name and key id; whether it holds is another question."""
    places = [((key.name, key.key_id), _LOG) for key in (trusted.vkey, *trusted.earlier)]
    places += [((key.name, key.key_id), _WITNESS) for key in trusted.witnesses]
    return dict(places).get(line.place, _OTHER)
