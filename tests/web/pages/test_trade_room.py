"""The trade room by its forms, without a script: from the inquiry to the accepted goods."""

import re

import orjson
import pytest

from base.signing import SigningKey, sign_envelope
from ledger.reader import statements_of
from ledger.statement import PAYLOAD_TYPE
from market.orders.repository import get_trade
from market.orders.states import TradeState
from tests.web.market import Market, pay
from tests.web.nodes import PASSWORD, payload_of
from tests.web.pages.browsing import Browser, Page


async def state_of(market: Market, trade_id: str) -> TradeState:
    async with market.served.node.database.read() as s:
        return (await get_trade(s, trade_id=trade_id)).status


async def refusals(market: Market, object_id: str) -> list[str]:
    async with market.served.node.database.read() as s:
        said = await statements_of(s, object_id=object_id)
    return [one.predicate["code"] for one in said if one.event == "REF.REFUSE"]


async def by_own_key(market: Market, browser: Browser) -> Page:
    """What a provider who holds its own key does after a form: download, sign at home, upload."""
    page = await browser.follow()
    assert "To be signed" in page.words
    link = next(a["href"] for a in page.named("a") if a.get("href", "").endswith("/file"))
    prepared = (await browser.client.get(link)).json()
    key = market.provider.key
    assert key is not None
    envelope = sign_envelope(PAYLOAD_TYPE, payload_of(prepared), key)
    action = f"/prepared/{prepared['prepared_id']}"
    document = orjson.dumps(envelope.document())
    return await browser.send_file(page, action, "signed.json", document, field_name="envelope")


def turn_of(page: Page) -> str:
    """What the card of the next step says."""
    return page.words.partition("Next step")[2].partition("Offers")[0]


def waited(page) -> bool:
    """Whether the page says that it is the visitor's turn."""
    return "It is your turn." in page.words


async def test_the_whole_way_of_a_trade_by_forms_alone(market: Market) -> None:
    buyer = Browser(market.served, market.buyer)
    provider = Browser(market.served, market.provider)
    page = await buyer.get(f"/products/{market.ids['listed']}")
    await market.served.prove(market.buyer)
    await buyer.send(page, "/inquire", {"purpose": "信贷模型", "scenario": "信贷", "quantity": "1"})
    room = buyer.location
    trade_id = room.rpartition("/")[2]
    assert await state_of(market, trade_id) is TradeState.INQUIRED

    page = await provider.get(room)
    # The buyer may offer, and is not waited for.
    assert [waited(one) for one in (await buyer.get(room), page)] == [False, True]
    page = await provider.send(page, "/offer", {"price_minor": "700,000.00"}, expect=200)
    assert "Where every fen of it goes" in page.words  # shown before anything is stated
    for amount in ("CN¥660,377.36", "CN¥39,622.64", "CN¥14,000.00", "CN¥7,000.00", "CN¥679,000.00"):
        assert amount in page.words
    assert await state_of(market, trade_id) is TradeState.INQUIRED
    again = await provider.send(page, "/offer", {"price_minor": "710,000.00"}, expect=200)
    assert "CN¥688,700.00" in again.words  # another price is shown anew, and not offered
    await provider.send(page, "/offer")
    assert "/prepared/" in provider.location
    assert await state_of(market, trade_id) is TradeState.INQUIRED
    await by_own_key(market, provider)
    assert provider.location == room
    assert await state_of(market, trade_id) is TradeState.NEGOTIATING
    assert not waited(await provider.get(room))  # its own offer stands

    page = await buyer.get(room)
    assert "CN¥700,000.00" in page.words
    await buyer.send(page, "/accept")
    assert await state_of(market, trade_id) is TradeState.CONTRACT_READY
    page = await buyer.follow()
    await market.served.prove(market.buyer)
    await buyer.send(page, "/sign")
    await provider.send(await provider.get(room), "/sign")
    await by_own_key(market, provider)
    assert await state_of(market, trade_id) is TradeState.CONTRACTED

    page = await buyer.get(room)
    for told in ("It is your turn.", "Amount, exactly CN¥700,000.00", f"Payment reference {trade_id}"):
        assert told in turn_of(page)  # the reference whole
    await pay(market, trade_id, 70_000_000)
    await provider.send(await provider.get(room), "/start-delivery")
    await by_own_key(market, provider)
    page = await buyer.get(room)
    assert "To the download" in turn_of(page)
    link = next(a["href"] for a in page.named("a") if a.get("href", "").endswith("/file"))
    answer = await buyer.client.get(link)
    assert answer.content.startswith(b"county,month,index\n")
    assert re.fullmatch(
        r"attachment; filename=\"ent_\w+\"; filename\*=UTF-8''[^/\"; ]+\.csv",  # named as it was sold
        answer.headers["content-disposition"],
    )
    assert await state_of(market, trade_id) is TradeState.DELIVERED
    await market.served.prove(market.buyer)
    await buyer.send(await buyer.get(room), "/accept-goods")
    assert await state_of(market, trade_id) is TradeState.ACCEPTED_GOODS
    said = (await buyer.get(room)).words
    for word in ("Inquiry", "Offer accepted", "Contract concluded", "Escrow funded", "Goods accepted"):
        assert word in said


async def test_a_custodial_key_asks_for_the_password_and_then_does_what_was_meant(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    trade_id = market.ids["ready"]
    page = await browser.get(f"/trades/{trade_id}")
    page = await browser.send(page, "/sign", expect=403)
    assert "Confirm your password" in page.words
    assert await state_of(market, trade_id) is TradeState.CONTRACT_READY
    page = await browser.send(page, "/sign", {"step_up_password": "wrong one entirely"}, expect=403)
    assert "The password is wrong" in page.words
    await browser.send(page, "/sign", {"step_up_password": PASSWORD})
    assert browser.location == f"/en/trades/{trade_id}"
    page = await browser.follow()
    assert "Still to sign: 珠江数据经纪" in page.words


async def test_the_password_page_keeps_every_field_of_the_form(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    trade_id = market.ids["inquired"]
    page = await browser.get(f"/trades/{trade_id}")
    sent = {"price_minor": "650000", "purpose": "风险 & <模型>", "term_months": "24"}
    page = await browser.send(page, "/offer", sent, expect=200)
    page = await browser.send(page, "/offer", expect=403)
    await browser.send(page, "/offer", {"step_up_password": PASSWORD})
    page = await browser.follow()
    assert "CN¥650,000.00" in page.words
    assert "风险 & <模型>" in page.words


async def test_the_same_form_sent_twice_is_one_act(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    await market.served.prove(market.buyer)
    page = await browser.get(f"/products/{market.ids['listed']}")
    sent = {"purpose": "x", "scenario": "y", "quantity": "1"}
    await browser.send(page, "/inquire", sent)
    first = browser.location
    await browser.send(page, "/inquire", sent)
    assert browser.location == first


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"price_minor": "many"}, "Enter a number."),
        ({"price_minor": "1_000"}, "Enter a number."),
        ({"price_minor": "0.001"}, "Enter a number."),
        ({"price_minor": ""}, "Fill in this field."),
        ({"price_minor": "0"}, "This is too small."),
        ({"expires_at": "soon"}, "Enter a day and a time."),
        ({"purpose": ""}, "Fill in this field."),
    ],
)
async def test_a_field_that_is_wrong_is_named_and_the_input_kept(market: Market, changes, says) -> None:
    browser = Browser(market.served, market.buyer)
    trade_id = market.ids["inquired"]
    page = await browser.get(f"/trades/{trade_id}")
    page = await browser.send(page, "/offer", {"territory": "华南"} | changes, expect=422)
    assert "Please correct what is marked" in page.words
    assert says in page.words
    (name,) = changes
    marked = [tag for _, tag in page.tags if tag.get("aria-invalid") == "true"]
    assert [tag["name"] for tag in marked] == [name]
    assert marked[0]["aria-describedby"].endswith(f"{name}-says")
    values = page.form("/offer").values
    assert values["territory"] == "华南"
    assert values[name] == changes[name]
    assert await state_of(market, trade_id) is TradeState.INQUIRED


async def test_a_refusal_of_the_house_stands_over_the_form_with_its_code(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    trade_id = market.ids["delivered"]
    await market.served.prove(market.buyer)
    page = await browser.get(f"/trades/{trade_id}")
    page = await browser.send(page, "/accept-goods", {"file_sha256": "0" * 64}, expect=409)
    assert "goods-differ" in page.words
    assert "What you checked is not what was sold" in page.words
    assert page.form("/accept-goods").values["file_sha256"] == "0" * 64
    assert await state_of(market, trade_id) is TradeState.DELIVERED
    assert await refusals(market, trade_id) == ["goods-differ"]
    chinese = Browser(market.served, market.buyer, "zh")
    await market.served.prove(market.buyer)
    page = await chinese.get(f"/trades/{trade_id}")
    page = await chinese.send(page, "/accept-goods", {"file_sha256": "0" * 64}, expect=409)
    assert "您核对的内容与所售标的不一致" in page.words


async def test_the_provider_refuses_to_deal_with_a_reason(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    trade_id = market.ids["negotiating"]
    page = await browser.get(f"/trades/{trade_id}")
    await browser.send(page, "/refuse", {"reason_code": "PRICE_NOT_AGREED"})
    await by_own_key(market, browser)
    assert await state_of(market, trade_id) is TradeState.REFUSED
    assert "No agreement on the price" in (await browser.follow()).words


async def test_a_signature_that_does_not_fit_is_told_and_nothing_moves(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    trade_id = market.ids["negotiating"]
    page = await browser.get(f"/trades/{trade_id}")
    await browser.send(page, "/accept")
    page = await browser.follow()
    prepared_id = browser.last.url.path.rpartition("/")[2]
    prepared = (await browser.client.get(f"/en/prepared/{prepared_id}/file")).json()
    wrong = sign_envelope(PAYLOAD_TYPE, payload_of(prepared), SigningKey.generate())
    raw = orjson.dumps(wrong.document())
    action = f"/prepared/{prepared_id}"
    for content, status, code in (
        (raw, 409, "signature-invalid"),
        (b"not json", 422, "malformed"),
        (b"{}", 422, "malformed"),
        (b"x" * 300_000, 413, "too-large"),
    ):
        page = await browser.get(action)
        answer = await browser.send_file(
            page, action, "signed.json", content, field_name="envelope", expect=status
        )
        assert code in answer.words, answer.words[:500]
    assert await state_of(market, trade_id) is TradeState.NEGOTIATING
    await by_own_key_at(market, browser, action)
    assert await state_of(market, trade_id) is TradeState.CONTRACT_READY


async def by_own_key_at(market: Market, browser: Browser, action: str) -> None:
    page = await browser.get(action)
    prepared = (await browser.client.get(f"/en{action}/file")).json()
    envelope = sign_envelope(PAYLOAD_TYPE, payload_of(prepared), market.provider.key)
    raw = orjson.dumps(envelope.document())
    await browser.send_file(page, action, "signed.json", raw, field_name="envelope")


async def test_a_prepared_act_is_its_makers_alone_and_gone_once_used(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get(f"/trades/{market.ids['negotiating']}")
    await browser.send(page, "/accept")
    path = browser.location.partition("?")[0]
    await Browser(market.served, market.buyer).get(path, expect=404)
    await Browser(market.served).get(path, expect=303)
    page = await browser.get(path)
    assert "databourse sign" in page.words
    await by_own_key_at(market, browser, path.removeprefix("/en"))
    await browser.get(path, expect=404)


async def test_onlookers_see_the_room_and_no_forms(market: Market) -> None:
    for who in ("samr", "auditor", "operator"):
        page = await Browser(market.served, market.people[who]).get(f"/trades/{market.ids['negotiating']}")
        forms = [form.action for form in page.forms if "/trades/" in form.action]
        assert forms == []
        assert "It is your turn." not in page.words


async def test_a_download_is_taken_up_again_where_it_broke_off(market: Market) -> None:
    browser = Browser(market.served, market.buyer)
    path = f"/en/trades/{market.ids['delivering']}/file"
    first = await browser.client.get(path, headers={"range": "bytes=0-99"})
    assert first.status_code == 206
    rest = await browser.client.get(path, headers={"range": "bytes=100-"})
    assert rest.status_code == 206
    assert (first.content + rest.content).startswith(b"county,month,index\n")
    assert await state_of(market, market.ids["delivering"]) is TradeState.DELIVERED
    assert (await browser.client.get(path, headers={"range": "bytes=999999-"})).status_code == 416
    await Browser(market.served, market.provider).get(f"/trades/{market.ids['delivering']}/file", expect=404)
