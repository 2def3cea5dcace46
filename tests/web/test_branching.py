from collections import Counter
from typing import ClassVar

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import Scope

from web.branching import branched


class Counted(APIRoute):
    """A route that counts how often a request is held against it."""

    asked: ClassVar[Counter[str]] = Counter()

    def matches(self, scope: Scope):  # type: ignore[no-untyped-def]
        self.asked[self.path] += 1
        return super().matches(scope)


def application() -> FastAPI:
    async def where(name: str = "") -> str:
        return name or "itself"

    routers = []
    for first in ("trades", "products", "trade"):
        router = APIRouter(route_class=Counted)
        router.get(f"/{first}")(where)
        router.get(f"/{first}/{{name}}")(where)
        router.post(f"/{first}/{{name}}")(where)
        routers.append(router)
    home = APIRouter(route_class=Counted)
    home.get("/")(where)
    app = FastAPI(redirect_slashes=False)
    app.include_router(branched("/zh", [*routers, home]), prefix="/zh")
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "asked"),
    [
        ("GET", "/zh/trades", 200, {"/trades"}),
        ("GET", "/zh/trades/one", 200, {"/trades", "/trades/{name}"}),
        ("DELETE", "/zh/trades/one", 405, {"/trades", "/trades/{name}"}),
        ("GET", "/zh/trade/one", 200, {"/trade", "/trade/{name}"}),
        ("GET", "/zh/", 200, {"/"}),
        ("GET", "/zh/tradesman", 404, set()),
        ("GET", "/zhang/trades", 404, set()),
        ("GET", "/trades", 404, set()),
    ],
)
async def test_a_request_is_held_against_the_routes_of_its_own_branch_alone(
    method: str, path: str, status: int, asked: set[str]
) -> None:
    app = application()
    Counted.asked.clear()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert set(Counted.asked) == asked


def test_a_path_that_begins_with_what_it_is_asked_with_has_no_branch() -> None:
    router = APIRouter()
    router.get("/{name}")(lambda name: name)
    with pytest.raises(ValueError, match="begins with what it is asked with"):
        branched("/zh", [router])
