"""What the security log says of a refusal: what, where, which request; nothing of what was typed."""

import json

import pytest
import structlog
from structlog.testing import capture_logs

from cli.running import log_plainly
from tests.web.api.conftest import Room
from tests.web.api.refusing import problem


async def test_refusals_of_sign_in_and_of_access_are_logged_without_what_was_typed(room: Room) -> None:
    buyer = await room.desk("buyer")
    with capture_logs() as logs:
        typed = {"username": "some-login", "password": "some password"}
        problem(await room.http.post("/api/v1/token", data=typed), 401, "sign-in-failed")
        body = {"name": "x", "uscc": "91440100MA0000001A", "roles": ["BUYER"]}
        problem(await buyer.call("POST", "/organisations", body), 403, "forbidden")
        address = f"/api/v1/trades?access_token={buyer.token}"  # a token in an address is none
        problem(await room.http.get(address), 401, "unauthenticated")
    assert [(one["event"], one["code"], one["path"]) for one in logs] == [
        ("refused", "sign-in-failed", "/api/v1/token"),
        ("refused", "forbidden", "/api/v1/organisations"),
        ("refused", "unauthenticated", "/api/v1/trades"),
    ]
    assert all(len(one["request_id"]) == 16 for one in logs)
    for secret in (*typed.values(), body["uscc"], str(buyer.token)):
        assert secret not in repr(logs)


def test_a_line_of_the_log_is_json_in_utc_and_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        log_plainly()
        structlog.get_logger().warning("refused", path='/x\n{"event": "forged"}\x1b[31m')
    finally:
        structlog.configure(**before)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("refused", "warning")
    assert told["path"] == '/x\n{"event": "forged"}\x1b[31m'
    assert "\x1b" not in line
    assert told["timestamp"].endswith("Z")
