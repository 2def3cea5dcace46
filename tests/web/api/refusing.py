"""What a refusal looks like from outside, and what it leaves inside: nothing, or its own record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from base.db import Database
from tests.identity.unmoved import statements
from tests.standstill import RECORD, fingerprints

# Where the answer to a call is remembered: also a refusal is given again as it was.
ANSWERS = frozenset({"idempotency_keys"})


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document (RFC 9457), checked for its form; it says nothing of our inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code, document
    assert document["type"] == f"urn:databourse:problem:{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["request_id"] == answer.headers["x-request-id"]
    for inside in ("Traceback", 'File "', "sqlalchemy", "SELECT", "/web/", "site-packages"):
        assert inside not in answer.text
    return document


@asynccontextmanager
async def nothing_stored(database: Database, *, but: frozenset[str] = frozenset()) -> AsyncIterator[None]:
    """Not one stored byte is another after the block, outside the tables named."""
    before = await fingerprints(database)
    yield
    after = await fingerprints(database)
    assert [name for name in before if before[name] != after[name] and name not in but] == []


@asynccontextmanager
async def only_refused(
    database: Database, code: str, *, but: frozenset[str] = frozenset()
) -> AsyncIterator[None]:
    """The block leaves one REF.REFUSE of this code, the remembered answer, and nothing else."""
    said = len(await statements(database))
    async with nothing_stored(database, but=but | RECORD | ANSWERS):
        yield
    news = [new["predicate"] for new in (await statements(database))[said:]]
    assert [(new["event"], new["code"]) for new in news] == [("REF.REFUSE", code)]
