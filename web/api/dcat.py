"""The public catalogue for data portals (DCAT-AP 3), and what is open to everybody, at addresses that last.

`/catalog`, `/open/{id}` and `/products/{id}` are the names that the documents give things: each answers RDF
to whoever asks for RDF, and leads everybody else to its page. The endings need no header.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from base.db import ReadSession
from base.errors import NotFound, TooMany
from base.files import StoredFile
from identity.repository import get_founded
from market.delivery.rules import Span, choose_bytes, etag
from market.listings import catalogue as offers
from registry.opening import repository, taking
from registry.opening.taking import Taken
from web.acts import Id
from web.dcat import sources
from web.dcat.document import FORMS, Catalogue, Turn, alone, page
from web.dcat.terms import Thing
from web.deps import NodeDep, ReadDep
from web.files import Sending, file_headers
from web.limits import TooManyAttempts
from web.node import Node

router = APIRouter(include_in_schema=False)
_NAMED: Final = re.compile(r"((?:opn|lst)_[0-9a-hjkmnp-tv-z]{26})(?:\.(ttl|jsonld|rdf))?")
_TYPES: Final = {media_type: form for form, (media_type, _) in FORMS.items()}
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_KEPT: Final = {"cache-control": "public, max-age=60", "vary": "Accept"}
After = Annotated[Id | None, Query()]
Accept = Annotated[str | None, Header(max_length=1000)]


class TooManyDownloads(TooMany):
    code = "too-many-downloads"
    title = "Too many downloads from your address: wait a moment"


class Named(NamedTuple):
    """What a path names: the id, and the form if it has an ending."""

    own_id: str
    form: str | None


@router.get("/catalog")
async def catalogue(
    request: Request, node: NodeDep, s: ReadDep, accept: Accept = None, after: After = None
) -> Response:
    """The catalogue in the form that is asked for; people are led to its page."""
    form = wanted_form(accept)
    if form is None:
        return _to_page("/open")
    hold_back(request)
    return await _catalogue(node, s, form, after, "/catalog")


@router.get("/catalog.{form}")
async def catalogue_as(
    request: Request, node: NodeDep, s: ReadDep, form: str, after: After = None
) -> Response:
    """A page of the catalogue as Turtle, JSON-LD or RDF/XML."""
    if form not in FORMS:
        raise NotFound("no such form of the catalogue", form=form[:20])
    hold_back(request)
    return await _catalogue(node, s, form, after, f"/catalog.{form}")


@router.get("/open/{name}")
async def opened(node: NodeDep, s: ReadDep, name: str, accept: Accept = None) -> Response:
    """One entry of the open list."""
    named = _named(name, "opn_")
    form = named.form or wanted_form(accept)
    if form is None:
        return _to_page(f"/open/{named.own_id}")
    base = _base(node)
    return _written(form, alone(await sources.opened(s, open_id=named.own_id, base=base), base))


@router.get("/products/{name}")
async def offered(node: NodeDep, s: ReadDep, name: str, accept: Accept = None) -> Response:
    """One product on offer."""
    named = _named(name, "lst_")
    form = named.form or wanted_form(accept)
    if form is None:
        return _to_page(f"/products/{named.own_id}")
    base = _base(node)
    return _written(form, alone(await sources.offered(s, listing_id=named.own_id, base=base), base))


@router.api_route("/open/{open_id}/download", methods=["GET", "HEAD"])
async def download(
    request: Request,
    node: NodeDep,
    open_id: Id,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file of an entry that is open to everybody, or a range of it: no name is asked, none is kept."""
    hold_back(request)
    async with node.database.read() as s:
        taken = await taking.look(s, open_id=open_id)
    return await send(request, node, taken, if_range)


def hold_back(request: Request) -> None:
    """Count a download, or a page of the catalogue, of this address. Raises TooManyDownloads."""
    try:
        request.app.state.downloads.count(request.app.state.addresses.of(request))
    except TooManyAttempts as wait:
        raise TooManyDownloads("wait a moment", retry_after_s=wait.facts["retry_after_s"]) from None


async def send(request: Request, node: Node, taken: Taken, if_range: str | None) -> Response:
    """200, 206, 304 or 416 with the file (RFC 9110 §13, §14); what goes out is counted.

    What is reached at an interface is answered with its address.
    """
    file = taken.file
    if file is None:
        async with node.database.write() as s:
            await taking.count(s, node.house.exchange_act(), taken=taken, size=0, whole=True)
        return JSONResponse({"open_id": taken.open_id, "interface": taken.interface})
    tag = etag(file.sha256)
    headers = file_headers(file.sha256)
    if taken.taker == taking.EVERYBODY:
        headers["cache-control"] = "public, max-age=60, must-revalidate"
    if tag in {one.strip() for one in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range") if request.method == "GET" else None
    reply = choose_bytes(range_field=asked, if_range=if_range, size=file.bytes, tag=tag)
    if reply.span is None:
        return Response(status_code=416, headers=headers | {"content-range": reply.content_range})
    await node.files.check(file)
    headers["content-length"] = str(reply.span.length)
    headers["content-disposition"] = f'attachment; filename="{taken.open_id}"'
    if request.method == "HEAD":
        return Response(headers=headers, media_type=taken.media_type)
    if reply.partial:
        headers["content-range"] = reply.content_range
    return Sending(
        _pieces(node, taken, file, reply.span),
        status_code=206 if reply.partial else 200,
        media_type=taken.media_type,
        headers=headers,
    )


async def _pieces(node: Node, taken: Taken, file: StoredFile, span: Span) -> AsyncGenerator[bytes]:
    """The bytes; those that were handed on are counted when the answer ends, however it ends."""
    sent = 0
    try:
        async with aclosing(node.files.read(file, span.start, span.end)) as pieces:
            async for piece in pieces:
                yield piece
                sent += len(piece)
    finally:
        async with node.database.write() as s:
            begun = sent > 0 and span.start == 0
            await taking.count(s, node.house.exchange_act(), taken=taken, size=sent, whole=begun)


async def _catalogue(node: Node, s: ReadSession, form: str, after: str | None, path: str) -> Response:
    base = _base(node)
    sets, following = await sources.page_after(s, after, base)
    founded = await get_founded(s)
    assert founded is not None
    counts = (await offers.facets(s)).get("category", {})
    about = Catalogue(
        base=base,
        operator=await sources.publisher(s, founded.operator_id),
        issued=founded.at,
        modified=await sources.modified(s) or founded.at,
        total=await repository.standing_count(s) + sum(counts.values()),
    )
    first = f"{base}{path}"
    turn = Turn(
        this=first if after is None else f"{first}?after={after}",
        first=first,
        next=None if following is None else f"{first}?after={following}",
        size=sources.PAGE,
    )
    return _written(form, page(about, sets, turn))


def _written(form: str, things: list[Thing]) -> Response:
    media_type, write = FORMS[form]
    return Response(write(things), media_type=media_type, headers=_KEPT)


def wanted_form(accept: str | None) -> str | None:
    """The form of RDF that is wanted most (RFC 9110 §12.5.1); None for who wants a page, or names nothing.

    What has a weight of 0 is not wanted; of equals a page comes first, then what is named first. `*/*` names
    nothing: it takes what else is named.
    """
    wanted: list[tuple[float, bool, str | None]] = []
    for part in (accept or "").split(","):
        name, *told = (one.strip().lower() for one in part.split(";"))
        weight = next((one.removeprefix("q=") for one in told if one.startswith("q=")), "1")
        if _WEIGHT.fullmatch(weight) is None or float(weight) == 0:
            continue
        if name in _PAGES or name in _TYPES:
            wanted.append((float(weight), name in _PAGES, _TYPES.get(name)))
    return max(wanted, key=lambda one: one[:2])[2] if wanted else None


def _named(name: str, prefix: str) -> Named:
    found = _NAMED.fullmatch(name)
    if found is None or not name.startswith(prefix):
        raise NotFound("there is nothing here")
    return Named(found[1], found[2])


def _to_page(path: str) -> Response:
    """To the page in the catalogue's own language, which leads to the other one."""
    return RedirectResponse(f"/zh{path}", status_code=303, headers={"vary": "Accept"})


def _base(node: Node) -> str:
    return str(node.settings.public_url).rstrip("/")
