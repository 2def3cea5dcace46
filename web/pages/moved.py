"""Addresses that people expect and that stand elsewhere: they lead there, for good."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from web.pages.visiting import VisitorDep

router = APIRouter()
_MOVED: Final[Mapping[str, str]] = {
    "/data-requests": "/requests",
    "/data-requests/{named}": "/requests/{named}",
    "/ops/incidents": "/incidents",
    "/account/keys": "/account#keys",
}


async def lead(request: Request, visitor: VisitorDep) -> Response:
    """To where it stands, with the question that was asked."""
    path, _, place = _MOVED[request.scope["route"].path.removeprefix(f"/{visitor.lang}")].partition("#")
    there = visitor.url(path.format(**request.path_params))
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(there + query + (f"#{place}" if place else ""), status_code=301)


for _address in _MOVED:
    router.add_api_route(_address, lead, methods=["GET"])
