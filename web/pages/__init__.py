"""The pages, for people: `/zh/…` and `/en/…`, plain HTML that works without a script.

One file here for each thing that a page is about; `docs/pages.md` is the map.
"""

import gzip
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from web.charts.drawing import drawing
from web.node import Node
from web.pages import (
    accessing,
    accounts,
    agencies,
    analysing,
    auctions,
    auditing,
    brokering,
    brokers,
    buying,
    catalogue,
    certifying,
    checking,
    checkpoints,
    closed,
    concentrating,
    conducting,
    contracting,
    credentials,
    crowded,
    customs,
    customs_register,
    deals,
    disputes,
    ending,
    erasing,
    explorer,
    failing,
    filing,
    grading,
    growing,
    helping,
    history,
    home,
    house,
    jobs,
    lists,
    matching,
    members,
    metering,
    methods,
    notices,
    noticing,
    opening,
    opening_desk,
    operating,
    operations,
    packaging,
    prepared,
    printing,
    proceeding,
    products,
    provenance,
    providers,
    qualifying,
    questioning,
    quoting,
    rechecks,
    registering,
    reporting,
    requests,
    rewarding,
    sales,
    selling,
    sign_in,
    statistics,
    supervisor,
    surveying,
    trades,
    voucher_types,
    vouchers,
    wallet,
    weighing,
)
from web.pages.languages import LANGS
from web.pages.session import FormTokens

STATIC = Path(__file__).parent.parent / "static"
PARTS = (
    home,
    sign_in,
    prepared,
    catalogue,
    products,
    history,
    quoting,
    rechecks,
    registering,
    lists,
    customs_register,
    customs,
    voucher_types,
    vouchers,
    wallet,
    agencies,
    weighing,
    grading,
    provenance,
    requests,
    auditing,
    auctions,
    jobs,
    matching,
    deals,
    trades,
    contracting,
    disputes,
    filing,
    buying,
    sales,
    selling,
    brokers,
    brokering,
    rewarding,
    ending,
    conducting,
    certifying,
    qualifying,
    credentials,
    checking,
    checkpoints,
    closed,
    growing,
    explorer,
    erasing,
    statistics,
    analysing,
    concentrating,
    supervisor,
    methods,
    printing,
    proceeding,
    reporting,
    surveying,
    operating,
    operations,
    accounts,
    accessing,
    packaging,
    questioning,
    metering,
    members,
    noticing,
    notices,
    opening,
    opening_desk,
    providers,
    helping,
    house,
)


def install(app: FastAPI) -> None:
    """Add every page in both languages, the static files, and errors as pages."""
    node: Node = app.state.node
    app.state.charts = drawing()
    app.state.form_tokens = FormTokens(node.settings.master_key())
    app.state.sent_away_page = crowded.page_for
    failing.install(app)
    pages = APIRouter(include_in_schema=False)
    for part in PARTS:
        pages.include_router(part.router)
    for lang in LANGS:
        app.include_router(pages, prefix=f"/{lang}")
    app.include_router(home.root)
    app.add_api_route("/static/htmx.js", htmx, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


async def htmx(request: Request) -> Response:
    """htmx, as the installed package brings it; packed for who takes it so: it holds nothing secret."""
    plain, packed = _htmx()
    taken = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"cache-control": "public, max-age=86400", "vary": "accept-encoding"}
    headers |= {"content-encoding": "gzip"} if taken else {}
    return Response(packed if taken else plain, media_type="text/javascript", headers=headers)


@cache
def _htmx() -> tuple[bytes, bytes]:
    plain = (files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js").read_bytes()
    return plain, gzip.compress(plain, mtime=0)
