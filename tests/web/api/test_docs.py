"""`docs/api.md` says what the application does: its calls run, and its table is the application's."""

import re
from datetime import UTC, datetime
from pathlib import Path

import orjson

from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.test_doors import OPEN, routes

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
_BLOCK = re.compile(r"```http\n(.*?)```", re.DOTALL)


def shown() -> list[str]:
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


async def test_the_calls_that_are_shown_are_answered_as_shown(room: Room) -> None:
    assert room.served.clock.now() < datetime(2026, 11, 18, tzinfo=UTC)  # the offer shown still stands
    assert len(shown()) >= 8
    for block in shown():
        first, *rest = block.strip().splitlines()
        method, _, address = first.partition(" ")
        expected = rest.pop().removeprefix("→ ").split()
        who = rest.pop(0).removeprefix("as ") if rest and rest[0].startswith("as ") else ""
        body = orjson.loads("".join(rest)) if rest else None
        path = address.removeprefix("/api/v1").format_map(room.ids)
        desk = await room.desk(who) if who else Desk(room.http, "")
        if who:
            answer = await desk.call(method, path, body)
        else:
            answer = await room.http.request(method, f"/api/v1{path}")
        assert str(answer.status_code) == expected[0], (first, answer.text)
        if len(expected) > 1:
            assert answer.json()["code"] == expected[1]


async def test_the_table_is_that_of_the_application(room: Room) -> None:
    rows = re.findall(
        r"^\| `([A-Z]+) (/\S+)` \| (.*?) \| (open)? ?\|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    told = {(method, f"/api/v1{path}"): (what, bool(opened)) for method, path, what, opened in rows}
    assert set(told) == set(routes(room.served.app))
    assert {call for call, (_, opened) in told.items() if opened} == OPEN
    paths = room.served.app.openapi()["paths"]
    for (method, path), (what, _) in told.items():
        said = paths[path][method.lower()]["description"].split("\n\n")[0].replace("\n", " ")
        assert what == said, (method, path)
