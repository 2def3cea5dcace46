"""Routes in branches: a request is held against those whose paths begin as its own, and against no others.

A router tries one route after the other; of some fifteen hundred that is most of what a page costs.
"""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope


class Branch(APIRouter):
    """Routes that are all below one beginning, such as `/api/v1` or `/zh/trades`."""

    def __init__(self, begins: str, routes: Iterable[BaseRoute] = (), **options: Any) -> None:
        super().__init__(routes=list(routes), **options)
        self._begins, self._below = begins, f"{begins}/"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a router matches, once the path is one of the branch."""
        path = scope["path"]
        if path != self._begins and not path.startswith(self._below):
            return Match.NONE, {}
        return super().matches(scope)


def branched(begins: str, routers: Iterable[APIRouter], **options: Any) -> Branch:
    """The routes of all these routers below one beginning, in branches by the first segment of their paths.

    Raises ValueError for a path whose first segment is not fixed: it would belong to every branch.
    """
    below: dict[str, list[BaseRoute]] = {}
    for router in routers:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            first = "/".join(route.path.split("/")[:2])
            if "{" in first:
                raise ValueError(f"a path that begins with what it is asked with: {route.path}")
            below.setdefault(first, []).append(route)
    trunk = Branch(begins, **options)
    for first, routes in below.items():
        trunk.include_router(Branch(f"{begins}{first}", routes))
    return trunk
