"""Files into the exchange, and their measured quality."""

from typing import Annotated, Any
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Header, Query, Request, Response

from base.errors import Malformed
from registry.errors import NoReport
from registry.repository import latest_report, report_named
from registry.tables import QualityRow
from web.acts import Id, Sha256
from web.api.catalogue import visible
from web.deps import WAITING, CallerDep, ReadDep, VisitorDep, done, expect_upload, respond
from web.files import keep_upload, measure_listing
from web.views import FileView, View, done_view

router = APIRouter(tags=["files and quality"])


class QualityView(View):
    listing_id: str
    report_sha256: str
    report: dict[str, Any]

    @classmethod
    def of(cls, row: QualityRow) -> "QualityView":
        return cls(
            listing_id=row.listing_id, report_sha256=row.report_sha256, report=orjson.loads(row.report)
        )


@router.put(
    "/files",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
)
async def upload(
    request: Request,
    caller: CallerDep,
    file_name: Annotated[str, Header(max_length=600, description="percent-encoded UTF-8")],
) -> FileView:
    """Upload a file as the raw body; it is encrypted while it comes in. Nothing is stated yet."""
    expect_upload(request)
    row = await keep_upload(
        caller,
        request.stream(),
        name=decoded(file_name),
        media_type=request.headers.get("content-type", ""),
        length=request.headers.get("content-length"),
    )
    return FileView.of(row)


@router.post(
    "/listings/{listing_id}/measure",
    status_code=201,
    response_model=done_view(QualityView),
    openapi_extra=WAITING,
)
async def measure(listing_id: Id, caller: CallerDep, declared: dict[str, Any]) -> Response:
    """Measure the quality of the listing's file against its declaration, and bind the report."""
    once = caller.once(
        f"measure/{listing_id}", declared, lambda row, said: done(201, QualityView.of(row), said)
    )
    known = await once.known()
    if known is not None:  # what takes a minute is not done twice to be answered once
        return respond(await caller.told(known))
    answer = await once.answered(lambda: measure_listing(caller, listing_id, declared, once=once))
    return respond(await caller.told(answer))


@router.get("/listings/{listing_id}/quality")
async def quality(
    listing_id: Id, s: ReadDep, caller: VisitorDep, report: Annotated[Sha256 | None, Query()] = None
) -> QualityView:
    """The newest measured quality report of a listing, whole; or the one of a digest (`report`)."""
    await visible(s, caller, listing_id)
    if report is None:
        row = await latest_report(s, listing_id=listing_id)
    else:
        row = await report_named(s, listing_id=listing_id, report_sha256=report)
    if row is None:
        raise NoReport("no quality report of this listing", listing_id=listing_id)
    return QualityView.of(row)


def decoded(field: str) -> str:
    """A file's name out of a header, which carries ASCII only. Raises Malformed."""
    try:
        if field.isascii():
            return unquote(field, errors="strict")
    except UnicodeDecodeError:
        pass
    raise Malformed("a file name is percent-encoded UTF-8", header="file-name")
