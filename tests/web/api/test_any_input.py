"""Whatever the OpenAPI document allows, and what it does not: no answer is an error of ours.

schemathesis makes the calls from the document that the application itself publishes; they go over real
HTTP to a server in a thread of its own, as people of the market in every role there and as nobody. Each
answer has a status, a media type and a form that the document names. The suite asks every fortieth
operation, and each once rightly and once wrongly. At length (`make soak`) every one is asked, and whoever's
role does not reach is followed by the next, until one does: so what lies behind the door is asked too.
`DATABOURSE_SOAK_PATHS`, a regular expression, narrows that to the paths in which it is found.
"""

import asyncio
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cli.server import server_config
from tests.web.api.live import free_port
from tests.web.market import copied

schemathesis.serializer.alias("application/vc", "application/json")
PEOPLE = ("operator", "authority", "samr", "auditor", "provider", "buyer", "second", "broker", "nobody")
SLOW = {"/api/v1/listings/{listing_id}/measure", "/api/v1/token", "/api/v1/step-up"}
SOME = {GenerationMode.POSITIVE: 1, GenerationMode.NEGATIVE: 1}
MANY = {GenerationMode.POSITIVE: 16, GenerationMode.NEGATIVE: 8}
EVERY = 40
ENDING = {"/api/v1/sign-out", "/api/v1/people/{user_id}/close"}
CHECKS = [response_schema_conformance, content_type_conformance, status_code_conformance]
SETTINGS = hypothesis.settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@dataclass
class Target:
    """Where the calls go, who makes them, and what exists there."""

    url: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


async def serve(
    template: Path, folder: Path, target: Target, ready: threading.Event, stop: threading.Event
) -> None:
    """A copy of the market behind a server, until told to stop."""
    async with copied(template, folder) as market:
        port = free_port()
        config = server_config(
            market.served.app, host="127.0.0.1", port=port, log_config=None, lifespan="off"
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not the main thread
        task = asyncio.create_task(server.serve())
        for name in PEOPLE[:-1]:
            person = market.people[name]
            target.tokens[name] = market.served.token(person)
            if person.key is None:
                for _ in range(20):
                    await market.served.prove(person)
        target.url, target.document = f"http://127.0.0.1:{port}", market.served.app.openapi()
        rights = next(iter(await entitlements(market)))
        target.ids = {
            "trade_id": market.ids["negotiating"],
            "listing_id": market.ids["listed"],
            "cert_id": market.ids["certificate"],
            "mandate_id": market.ids["mandate"],
            "org_id": market.people["buyer"].org_id,
            "user_id": market.people["second"].user_id,
            "cert_no": "GZ-DB-2026-0001",
            "entitlement_id": rights,
        }
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        ready.set()
        await asyncio.to_thread(stop.wait)
        server.should_exit = True
        await task


async def entitlements(market: Any) -> list[str]:
    found = await market.served.api(market.buyer, "GET", "/entitlements")
    return [one["entitlement_id"] for one in found]


@pytest.fixture
def target(market_template: Path, tmp_path: Path) -> Iterator[Target]:
    made, ready, stop = Target(), threading.Event(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(serve(market_template, tmp_path / "market", made, ready, stop))
    )
    thread.start()
    try:
        assert ready.wait(60)
        yield made
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "examples",
    [pytest.param(SOME, id="some"), pytest.param(MANY, id="many", marks=pytest.mark.soak)],
)
def test_no_call_that_can_be_made_is_answered_with_an_error_of_ours(
    target: Target, examples: dict[GenerationMode, int]
) -> None:
    schema = schemathesis.openapi.from_dict(target.document)
    narrowed = os.environ.get("DATABOURSE_SOAK_PATHS", "") if examples is MANY else ""
    if narrowed:
        schema = schema.include(path_regex=narrowed)
    seen: list[int] = []
    ours: list[str] = []
    step = 1 if examples is MANY else EVERY
    for found in islice(schema.get_all_operations(), 0, None, step):
        operation = found.ok()
        for mode, count in examples.items():
            calls = operation.as_strategy(generation_mode=mode)

            @hypothesis.settings(SETTINGS, max_examples=1 if operation.path in SLOW else count)
            @hypothesis.given(case=calls)
            def attempt(case: Case) -> None:
                status, told = called(target, case, patient=examples is MANY)
                seen.append(status)
                ours.extend([told] if status >= 500 else [])

            with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
                attempt()
    assert ours == []
    assert {status // 100 for status in seen} <= {2, 4}
    assert len(seen) > (0 if narrowed else 400 // step)
    if narrowed:
        return
    assert {200, 422} <= set(seen)
    if step == 1:
        assert {201, 401, 403, 404, 409} <= set(seen)


def called(target: Target, case: Case, *, patient: bool) -> tuple[int, str]:
    """Make a call; some of its ids name what exists. Its answer is documented, and no 5xx."""
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode("utf-8", "replace"))
    if dice % 3:
        case.path_parameters |= {
            name: known for name, known in target.ids.items() if name in case.path_parameters
        }
    first = dice % len(PEOPLE)
    for person in (*PEOPLE[first:], *PEOPLE[:first]):
        headers = {"idempotency-key": f"{dice:x}"}
        if person in target.tokens and case.path not in ENDING:  # the others want to go on
            headers["authorization"] = f"Bearer {target.tokens[person]}"
        answer = case.call(base_url=target.url, headers=headers, timeout=60)
        told = f"{case.method} {case.formatted_path} {case.query} {case.body!r:.300}: {answer.text[:300]}"
        case.validate_response(answer, checks=CHECKS)
        if not patient or answer.status_code not in {401, 403}:
            break
    return answer.status_code, told
