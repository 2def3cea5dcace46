"""Each persona walks its five minutes by clicking, in a real browser, in both languages: one trade.

The operator admits a provider, who lists a file; a certified broker mediates; a buyer finds it, negotiates,
signs, pays, loads and accepts it; the bank pays out; the regulator reads what happened, verifies an entry in
its own browser, and makes a case of a finding. Only the bank and the night are not clicked.

`DATABOURSE_TEST_SCREENSHOTS` names a folder for pictures of every page on the way.
"""

import hashlib
import re
from contextlib import ExitStack

import pytest

from tests.houses import some_uscc
from tests.market.listings.goods import CLEAN
from tests.web.market import pay, settle
from tests.web.nodes import PASSWORD
from tests.web.pages.walking import Walker

pytestmark = pytest.mark.browser
COLUMNS = "county | text | county code\nmonth | month | month of use\nindex | decimal | use, 2024 = 100\n"
STATEMENT = "自行采集"
PAPERS = ("来源说明.pdf", "卖方身份核验.pdf", "买方身份核验.pdf")
SHOWN = {"zh": "¥", "en": "CN¥"}


MIXED = {  # who reads what, and whether with a script
    "operator": ("en", False),
    "provider": ("zh", True),
    "buyer": ("en", True),
    "broker": ("zh", False),
    "samr": ("zh", True),
}


@pytest.mark.parametrize(
    "hands",
    [
        MIXED,
        *(
            pytest.param(dict.fromkeys(MIXED, (lang, script)), marks=pytest.mark.soak)
            for lang in ("zh", "en")
            for script in (True, False)
        ),
    ],
    ids=["mixed", "zh-script", "zh-no-script", "en-script", "en-no-script"],
)
def test_five_personas_walk_their_five_minutes_through_one_trade(site, chromium, request, hands) -> None:
    name = request.node.callspec.id
    login = f"seller-{name}"
    title = f"2025年佛山市工业用电指数 {name}"
    with ExitStack() as stack:

        def walker(who: str) -> Walker:
            lang, script = hands.get(who, hands["provider"])
            return stack.enter_context(Walker(site, chromium, who, lang, script=script))

        operator = walker("operator")
        operator_admits(operator, login)
        provider, broker, buyer = walker(login), walker("broker"), walker("buyer")
        provider_registers(provider)
        provider_lists(provider, title)
        provider_mandates(provider)
        broker_accepts(broker)
        operator_publishes(operator, title)
        trade_id = buyer_inquires(buyer, title)
        provider_offers(provider, title)
        buyer_accepts(buyer, title)
        broker_checks(broker, trade_id)
        for one in (provider, buyer, broker):
            signs(one, trade_id)
        site.do(pay(site.market, trade_id, 70_000_000))
        provider_delivers(provider, trade_id)
        buyer_loads_and_accepts(buyer, trade_id)
        site.do(settle(site.market, trade_id))
        site.do(site.market.served.settle_down())
        provider_is_paid(provider)
        broker_has_earned(broker)
        regulator_looks(walker("samr"), trade_id, script=hands["samr"][1])


def operator_admits(operator: Walker, login: str) -> None:
    operator.sign_in()
    operator.follow("Operations")
    operator.follow("look, admit")
    operator.fill("Name", f"粤电数据 {login}")
    operator.fill("Unified social credit code", some_uscc())
    operator.tick("Provider")
    operator.press("Admit")
    operator.fill("Login", login)
    operator.fill("Name", "walker")
    operator.fill("Password", PASSWORD)
    operator.press("Enrol")
    operator.sees(login)


def provider_registers(provider: Walker) -> None:
    provider.sign_in()
    provider.follow("walker")
    provider.open("Register a key")
    provider.choose("Custody", "custodial")
    provider.press("Register")
    number = int.from_bytes(hashlib.sha256(provider.login.encode()).digest()[:4]) % 10**10
    provider.fill("Account number", f"CN20BANK{number:010}")
    provider.press("Name this account")


def provider_lists(provider: Walker, title: str) -> None:
    raw = f"{CLEAN.replace('4401', '4406')}".replace("100.0", f"{100 + len(title) % 7}.{len(title) % 10}")
    provider.follow("Sell")
    provider.follow("Bring a new product")
    provider.give("File", "foshan.csv", raw.encode())
    provider.press("Upload", swaps="Describe the product")
    provider.fill("Title", title)
    provider.fill("Description", "按县区和月份汇总")
    provider.fill("Scenario of use", "信贷模型")
    provider.choose("Category", "energy")
    provider.choose("Region", "440600")
    provider.fill("List price, in yuan", "760,000.00")
    provider.fill("Licence in words", "内部使用, 限境内")
    provider.press("Save the draft")
    provider.fill("Columns", COLUMNS)
    provider.choose("Update frequency", "once")
    provider.fill("Column that tells the time of a record", "month")
    provider.fill("First day of the period", "2025-01-01")
    provider.fill("Last day of the period", "2025-12-31")
    provider.press("Measure it")
    provider.choose("Source", "SELF_COLLECTED")
    provider.fill("Source statement", STATEMENT)
    provider.fill("Registration of the right", "SJ4412026090002")
    provider.press("Submit")
    provider.sees("In compliance review")


def provider_mandates(provider: Walker) -> None:
    provider.follow("Mandates")
    provider.choose("Broker", provider.site.market.broker.org_id)
    provider.choose("Side", "PROVIDER")
    provider.fill("Scope", "能源数据产品的推介与磋商")
    provider.press("Sign the mandate")


def broker_accepts(broker: Walker) -> None:
    broker.sign_in()
    broker.follow("Mandates")
    broker.press("Accept")


def operator_publishes(operator: Walker, title: str) -> None:
    operator.follow("Operations")
    operator.follow("Review listings", to="/ops/reviews")
    operator.follow(title)
    operator.choose("Decision", "APPROVE")
    operator.press("Decide")
    operator.press("Put on offer")


def buyer_inquires(buyer: Walker, title: str) -> str:
    buyer.sign_in()
    buyer.follow("Products")
    buyer.page.get_by_role("searchbox").fill("佛山 工业用电")
    buyer.press("Search", swaps=title)
    buyer.follow(title)
    buyer.follow("The whole report, and how it was measured")
    buyer.follow(title)
    buyer.fill("Purpose", "信贷风险模型的特征", within="#inquire")
    buyer.choose("Broker", buyer.site.market.broker.org_id, within="#inquire")
    buyer.press("Send the inquiry")
    return buyer.page.url.rpartition("/")[2]


def provider_offers(provider: Walker, title: str) -> None:
    provider.follow("Sell")
    provider.follow("Inquiries")
    provider.follow(title)
    provider.sees("It is your turn.")
    provider.fill("Whole price, in yuan", "700000.00")
    provider.press("Show every fee first")
    provider.sees("Where every fen of it goes")
    provider.press("Make this offer")


def buyer_accepts(buyer: Walker, title: str) -> None:
    buyer.follow("Trades")
    buyer.follow(title)
    buyer.press("Accept this offer")


def broker_checks(broker: Walker, trade_id: str) -> None:
    broker.follow("Conduct of brokers")
    form = f"form[action='/{broker.lang}/conduct/checks']"
    broker.fill("Trade", trade_id, within=form)
    broker.fill("SHA-256 of the source statement", hashlib.sha256(STATEMENT.encode()).hexdigest())
    broker.fill("SHA-256 of the check of the provider's identity", "ab" * 32)
    broker.fill("SHA-256 of the check of the buyer's identity", "cd" * 32)
    for number, name in enumerate(PAPERS):
        broker.fill("What it is called in your files", name, within=form, number=number)
    broker.press("Record it")


def signs(who: Walker, trade_id: str) -> None:
    who.go(f"/trades/{trade_id}")
    who.press("Sign the contract")


def provider_delivers(provider: Walker, trade_id: str) -> None:
    provider.go(f"/trades/{trade_id}")
    provider.press("Start the delivery")


def buyer_loads_and_accepts(buyer: Walker, trade_id: str) -> None:
    buyer.follow("Buy")
    buyer.go(f"/trades/{trade_id}")
    raw = buyer.download("Download")
    assert raw.startswith(b"county,month,index\n")
    buyer.go(f"/trades/{trade_id}")
    buyer.fill("SHA-256 of the file you have", hashlib.sha256(raw).hexdigest())
    buyer.press("Accept the goods")


def provider_is_paid(provider: Walker) -> None:
    provider.go("/")  # a night is over: the session ended
    provider.sign_in()
    provider.follow("Sell")
    provider.follow("Sales")
    provider.sees(f"{SHOWN[provider.lang]}679,000.00")


def broker_has_earned(broker: Walker) -> None:
    broker.go("/")
    broker.sign_in()
    broker.follow("Deals")
    broker.go("/broker/commission")
    broker.sees(f"{SHOWN[broker.lang]}14,000.00")


def regulator_looks(samr: Walker, trade_id: str, *, script: bool) -> None:
    samr.sign_in()
    samr.follow("Supervision")
    samr.follow("Concentration over time, as charts")
    samr.go(f"/trades/{trade_id}")
    samr.page.locator("main").get_by_role("link", name=re.compile(r"^#\d+$")).last.click()
    if script:
        samr.page.get_by_role("button", name=samr.say("Verify in my browser")).click()
        samr.sees("Recomputed in your browser: everything holds.")
    samr.follow("Supervision")
    samr.page.locator("main a[href*='/reg/findings/']").first.click()
    if samr.page.get_by_role("button", name=samr.say("Make it a case")).count():
        samr.press("Make it a case")
    samr.go(f"/reg/audit?object={trade_id}")
    samr.sees("Contract concluded")
