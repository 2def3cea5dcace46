"""The way to the bank: what is an answer, what is a refusal, and what is nothing to rely on."""

from datetime import date

import httpx
import pytest

from base.signing import SigningKey
from market.settlement.bank import BankClient, NotTaken
from market.settlement.errors import BankUnavailable

PROBLEM = {"content-type": "application/problem+json"}


def client(answer) -> BankClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://bank.example")
    return BankClient(http, SigningKey.generate(), SigningKey.generate().public)


async def send(answer) -> bytes | NotTaken:
    bank = client(answer)
    return await bank.send_instruction(bank.sign_instruction(b"<xml/>"))


async def test_a_status_report_is_handed_on_as_it_came():
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/instructions")
        assert request.headers["content-type"] == "application/vnd.dsse.envelope.v1+json"
        return httpx.Response(200, content=b'{"payload":""}')

    assert await send(answer) == b'{"payload":""}'


@pytest.mark.parametrize("status", [401, 413, 422])
async def test_a_problem_that_says_so_means_that_nothing_was_taken(status):
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"code": "malformed"}, headers=PROBLEM)

    assert await send(answer) == NotTaken("malformed")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (422, {"content-type": "text/html"}),  # a gateway's, not the bank's
        (409, PROBLEM),  # under this message id something was taken
        (403, PROBLEM),
        (429, PROBLEM),
        (500, PROBLEM),
        (204, {}),
        (302, {"location": "http://elsewhere.example"}),
    ],
)
async def test_anything_else_leaves_it_open_what_became_of_it(status, headers):
    with pytest.raises(BankUnavailable):
        await send(lambda _: httpx.Response(status, headers=headers))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_so_does_a_bank_that_cannot_be_reached(error):
    def answer(_: httpx.Request) -> httpx.Response:
        raise error("gone")

    with pytest.raises(BankUnavailable) as caught:
        await send(answer)
    assert caught.value.facts == {"reason": error.__name__}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"code": 7}'])
async def test_a_problem_without_form_is_still_a_refusal(body):
    taken = await send(lambda _: httpx.Response(422, content=body, headers=PROBLEM))
    assert isinstance(taken, NotTaken)


async def test_an_answer_above_the_limit_is_none():
    with pytest.raises(BankUnavailable):
        await send(lambda _: httpx.Response(200, content=b"x" * (1024 * 1024 + 1)))


async def test_a_statement_is_fetched_by_its_day():
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/statements/2026-11-23")
        return httpx.Response(200, content=b"{}")

    assert await client(answer).fetch_statement(date(2026, 11, 23)) == b"{}"
    with pytest.raises(BankUnavailable):
        await client(lambda _: httpx.Response(404)).fetch_statement(date(2026, 11, 23))
