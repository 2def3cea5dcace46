"""The API for people: every call is told once, with what it takes and answers."""

import pytest

from tests.web.market import Market
from tests.web.pages.browsing import Browser
from web.pages.reference import form_of


async def test_the_reference_tells_every_call_of_the_api_once(market: Market) -> None:
    browser = Browser(market.served)
    async with market.served.client(headers={"accept-language": "zh-CN"}) as client:
        answer = await client.get("/api/docs")
        assert (answer.status_code, answer.headers["location"]) == (303, "/zh/api")
    page = await browser.get("/en/api")
    subjects = [a["href"] for a in page.named("a") if "/en/api?about=" in a.get("href", "")]
    told = []
    for subject in subjects:
        page = await browser.get(subject)
        told += [h["id"] for h in page.named("section") if "id" in h]
        assert int(browser.last.headers["content-length"]) < 40_000, subject
    paths = market.served.app.openapi()["paths"]
    calls = [(method, path) for path in paths if path.startswith("/api/v1/") for method in paths[path]]
    assert len(told) == len(set(told)) == len(calls)
    page = await browser.get("/en/api?about=catalogue")
    assert "GET /api/v1/listings" in page.words
    for words in ("min_price_minor", "integer ≥ 0", "listing_id"):
        assert words in page.words, words
    await browser.get("/en/api?about=nothing", expect=404)


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({"type": "string", "maxLength": 40}, "string ≤ 40 chars"),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, "integer ≥ 1"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/OfferView"}}, "[OfferView]"),
        ({"enum": ["FILE", "API"], "type": "string"}, '"FILE" | "API"'),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({}, "any"),
    ],
)
def test_a_form_is_told_in_short(schema, form) -> None:
    assert form_of(schema) == form
