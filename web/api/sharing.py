"""Delta Sharing (`/delta-sharing`): what was bought as a share, read by data tools with an access key.

Every answer that refuses is the protocol's `{errorCode, message}`. The files themselves are `shared_files`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from base.db import WriteSession
from base.errors import DomainError, Malformed, Refusal, Unauthenticated
from base.files import StoredFile
from ledger.acts import perform
from ledger.recording import Act, Actor
from market.delivery.downloads import ROLE
from market.delivery.keys import key_of
from market.delivery.meter.service import Counted, use_act
from market.delivery.sharing.actions import (
    CAPABILITIES,
    PARQUET,
    SharedFile,
    SharedTable,
    file_action,
    head,
    lines,
)
from market.delivery.sharing.asking import VERSION, moment_of, query_from, require_version, whole_of
from market.delivery.sharing.errors import SharedUnknown, VersionUnknown
from market.delivery.sharing.naming import page
from market.delivery.sharing.service import (
    EVENT,
    Shared,
    count_query,
    shared_by,
)
from market.delivery.sharing.signing import Grant, signed
from market.delivery.tables import AccessKey
from market.delivery.tabular import shape_of, table_of
from web.api.shared_files import PREFIX
from web.deps import NodeDep
from web.node import Node
from web.problems import on_domain_error, on_http, on_invalid, on_surprise

_VERSION: Final = "delta-table-version"
_NDJSON: Final = "application/x-ndjson; charset=utf-8"
_JSON: Final = "application/json; charset=utf-8"
_SHARE: Final = "/shares/{share}"
_TABLES: Final = f"{_SHARE}/schemas/{{schema}}/tables"
_TABLE: Final = f"{_TABLES}/{{table}}"


class Spoken(APIRoute):
    """A route whose refusals are said as the protocol says them, with the statuses that it has."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with its errors told."""
        handle = super().get_route_handler()

        async def spoken(request: Request) -> Response:
            try:
                return await handle(request)
            except DomainError as error:
                return _said(await on_domain_error(request, error), _status_of(error))
            except RequestValidationError as error:
                return _said(await on_invalid(request, error), 400)
            except HTTPException as error:
                return _said(await on_http(request, error))
            except Exception as error:  # noqa: BLE001 - told as the protocol tells it, and logged
                return _said(await on_surprise(request, error))

        return spoken


def _status_of(error: DomainError) -> int | None:
    """The protocol knows 400, 401, 403, 404 and 500; a right that is not there any more is forbidden."""
    if isinstance(error, Refusal):
        return 403
    return 400 if isinstance(error, Malformed) else None


def _said(problem: Response, status: int | None = None) -> Response:
    said = orjson.loads(bytes(problem.body))
    message = ": ".join(filter(None, (said.get("title"), said.get("detail"))))
    kept = ("www-authenticate", "retry-after", "cache-control")
    headers = {name: problem.headers[name] for name in kept if name in problem.headers}
    told = {"errorCode": said.get("code", "internal"), "message": message}
    return JSONResponse(told, status_code=status or problem.status_code, headers=headers)


door = APIRouter(prefix=PREFIX, route_class=Spoken, include_in_schema=False)


async def _key(node: Node, authorization: str | None) -> AccessKey:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("a bearer token is asked for")
    async with node.database.read() as s:
        return await key_of(s, master=node.safe.master, token=token.strip(), now=node.clock.now())


Bearer = Annotated[str | None, Header(alias="authorization")]
Asked = Annotated[str | None, Header(alias=CAPABILITIES, max_length=1000)]


async def _shared(node: NodeDep, authorization: Bearer = None) -> Shared:
    """What the key that came may read now."""
    key = await _key(node, authorization)
    async with node.database.read() as s:
        return await shared_by(s, key, now=node.clock.now())


SharedDep = Annotated[Shared, Depends(_shared)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the names of what is shared a request looks; a part that the address does not have fits."""

    share: str
    schema: str | None = None
    table: str | None = None

    def require(self, shared: Shared) -> None:
        """Raise SharedUnknown for what this key does not read."""
        if not shared.name.has(self.share, self.schema, self.table):
            raise SharedUnknown("nothing of this name is shared with this key")


async def _share_place(share: str) -> Place:
    return Place(share)


async def _schema_place(share: str, schema: str) -> Place:
    return Place(share, schema)


async def _table_place(share: str, schema: str, table: str) -> Place:
    return Place(share, schema, table)


AtShare = Annotated[Place, Depends(_share_place)]
AtSchema = Annotated[Place, Depends(_schema_place)]
AtTable = Annotated[Place, Depends(_table_place)]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list."""

    most: str | None
    after: str | None


async def _paging(
    most: Annotated[str | None, Query(alias="maxResults")] = None,
    after: Annotated[str | None, Query(alias="pageToken")] = None,
) -> Paging:
    return Paging(most, after)


PagingDep = Annotated[Paging, Depends(_paging)]


def _listed(items: list[dict[str, str]], paging: Paging) -> Response:
    shown, following = page(items, max_results=paging.most, page_token=paging.after)
    body: dict[str, Any] = {"items": list(shown)}
    if following is not None:
        body["nextPageToken"] = following
    return Response(orjson.dumps(body), media_type=_JSON, headers={"cache-control": "no-store"})


def _share(shared: Shared) -> dict[str, str]:
    return {"name": shared.name.share, "id": shared.seller_id}


def _table(shared: Shared) -> dict[str, str]:
    name = shared.name
    return {
        "name": name.table,
        "schema": name.schema,
        "share": name.share,
        "shareId": shared.seller_id,
        "id": shared.entitlement.entitlement_id,
    }


@door.get("/shares")
async def shares(shared: SharedDep, paging: PagingDep) -> Response:
    """The shares that a key reads: its seller's."""
    return _listed([_share(shared)], paging)


@door.get(_SHARE)
async def one_share(at: AtShare, shared: SharedDep) -> Response:
    """One share."""
    at.require(shared)
    return Response(orjson.dumps({"share": _share(shared)}), media_type=_JSON)


@door.get(f"{_SHARE}/schemas")
async def schemas(at: AtShare, shared: SharedDep, paging: PagingDep) -> Response:
    """The schemas of a share: the trade."""
    at.require(shared)
    return _listed([{"name": shared.name.schema, "share": shared.name.share}], paging)


@door.get(_TABLES)
async def tables(at: AtSchema, shared: SharedDep, paging: PagingDep) -> Response:
    """The tables of a schema."""
    at.require(shared)
    return _listed([_table(shared)], paging)


@door.get(f"{_SHARE}/all-tables")
async def all_tables(at: AtShare, shared: SharedDep, paging: PagingDep) -> Response:
    """The tables of a share, whatever their schema."""
    at.require(shared)
    return _listed([_table(shared)], paging)


@door.head(_TABLE)
@door.get(f"{_TABLE}/version")
async def version(
    at: AtTable,
    shared: SharedDep,
    starting: Annotated[str | None, Query(alias="startingTimestamp")] = None,
) -> Response:
    """The version of a table: what was sold does not change."""
    at.require(shared)
    if starting is not None and moment_of(starting, "startingTimestamp") > shared.entitlement.granted_at:
        raise VersionUnknown("nothing was added since", member="startingTimestamp")
    return Response(headers={_VERSION: str(VERSION)})


async def _made(node: Node, shared: Shared) -> tuple[StoredFile, SharedTable]:
    """The table that a key reads, made where it is read for the first time."""
    at, what, view = (node.database, node.files), shared.source, shared.view
    file = await table_of(*at, what, scratch=node.scratch(), view=view)
    shape = await shape_of(*at, what, scratch=node.scratch(), view=view)
    entitlement = shared.entitlement
    table_id, since = entitlement.entitlement_id, entitlement.granted_at
    return file, SharedTable(table_id, shared.title, shape, file.bytes, since)


def _actions(actions: list[dict[str, Any]], capabilities: str | None) -> Response:
    headers = {_VERSION: str(VERSION), "cache-control": "no-store"}
    if capabilities is not None:
        headers[CAPABILITIES] = PARQUET
    return Response(lines(actions), media_type=_NDJSON, headers=headers)


@door.get(f"{_TABLE}/metadata")
async def metadata(
    at: AtTable,
    shared: SharedDep,
    node: NodeDep,
    capabilities: Asked = None,
    asked_version: Annotated[str | None, Query(alias="version")] = None,
) -> Response:
    """A table's columns, which cost no use."""
    at.require(shared)
    if asked_version is not None:
        require_version(whole_of(asked_version, "version"))
    _, told = await _made(node, shared)
    return _actions(head(told), capabilities)


@door.post(f"{_TABLE}/query")
async def query(
    at: AtTable,
    request: Request,
    node: NodeDep,
    authorization: Bearer = None,
    capabilities: Asked = None,
) -> Response:
    """Where the table's file is; one use of the right, however often the file is fetched then."""
    key = await _key(node, authorization)
    shared = await _standing(node, key)
    at.require(shared)
    asked = query_from(await request.body(), since=shared.entitlement.granted_at)
    file, told = await _made(node, shared)

    async def counted(s: WriteSession, act: Act) -> Counted:
        return await count_query(s, act, shared=shared, query=asked, table=file)

    act = use_act(node.house, shared.actor)
    use = (await perform(node.house, act, counted, attempted=EVENT, object_id=key.entitlement_id)).use
    grant = Grant(use.use_id, key.key_id, key.entitlement_id, file.sha256)
    path, ends = signed(node.safe.master, grant, now=node.clock.now())
    shared_file = SharedFile(
        f"{node.settings.public_url}{PREFIX}/files/{path}", ends, file.sha256, file.bytes
    )
    found = file_action(told, shared_file, historic=asked.historic)
    return _actions([*head(told), found], capabilities)


async def _standing(node: Node, key: AccessKey) -> Shared:
    """What a key may read; that it may read nothing any more is recorded, as every refused use is."""
    try:
        async with node.database.read() as s:
            return await shared_by(s, key, now=node.clock.now())
    except Refusal as refusal:
        refused = refusal

    async def asked(s: WriteSession, act: Act) -> None:
        del s, act
        raise refused

    actor = Actor(key.org_id, frozenset({ROLE}))
    act = use_act(node.house, actor)
    await perform(node.house, act, asked, attempted=EVENT, object_id=key.entitlement_id)
    raise refused


@door.get(f"{_TABLE}/changes")
async def changes(at: AtTable, shared: SharedDep) -> Response:
    """What was sold does not change."""
    at.require(shared)
    raise VersionUnknown("this table has no changes", member="startingVersion")


@door.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
async def nothing(path: str) -> Response:
    """Whatever else the protocol has, or has not."""
    raise SharedUnknown("there is nothing here", path=path[:200])
