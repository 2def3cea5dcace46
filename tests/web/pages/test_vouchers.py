"""SC-2 by clicks: the bank asks, the factory authorises and shows, the grid company makes it."""

import pytest

from tests.web.nodes import Served
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit
from tests.web.vouchers import GOODS, LOW, MONTHS, PURPOSE, REFERENCE, TYPE, Loan, lending

ITEMS = [item["code"] for item in TYPE["items"]]
MADE = {
    "MONTHLY_USE.low": LOW,
    "MONTHLY_USE.high": "140000",
    "STABILITY.index": "981",
    "IN_ARREARS.holds": "no",
    **{f"{code}.source_department": "市场营销部" for code in ITEMS},
    **{f"{code}.level": "general-3" for code in ITEMS},
    "told": ITEMS,
    "data_sha256": GOODS["data_sha256"],
    "quality": "97.6",
}


@pytest.fixture
async def loan(served: Served):
    async with served.client() as http:
        yield await lending(served, http)


async def test_from_the_request_to_the_use_and_its_end(loan: Loan) -> None:
    bank = Browser(loan.served, loan.people["bank"], "en")
    page = await bank.get("/registry/vouchers/types")
    assert structure(page, "en") == []
    assert "36 months of data, 90 days, 5 uses" in page.words
    path = f"/registry/vouchers/types/{loan.type_id}/request"
    page = await bank.get(path)
    assert structure(page, "en") == []
    asked = {"subject_id": loan.factory.org_id, "purpose": PURPOSE, "reference": REFERENCE, "max_uses": "3"}
    page = await submit(bank, page, path, items=ITEMS, **asked, **MONTHS)
    assert "Waits for the subject" in page.words
    path = bank.place.path.removeprefix("/en")

    factory = Browser(loan.served, loan.people["factory"], "zh")
    wallet = await factory.get("/wallet")
    assert structure(wallet, "zh") == []
    assert "岭南农商行希望了解南粤电网有限公司掌握的贵方情况" in wallet.words
    page = await factory.get(path)
    assert "他人不得使用，您可随时撤回授权" in page.words
    assert structure(page, "zh") == []
    too_long = {"items": ITEMS, "valid_days": "91", "max_uses": "3"}
    page = await submit(factory, page, f"{path}/authorise", 409, **too_long)
    assert "voucher-beyond-type" in page.words
    page = await submit(factory, page, f"{path}/authorise", items=ITEMS, valid_days="60", max_uses="2")

    grid = Browser(loan.served, loan.people["grid"], "zh")
    page = await grid.get(path)
    assert structure(page, "zh") == []
    page = await submit(grid, page, f"{path}/generate", **MADE)
    assert "已生成" in page.words
    assert LOW not in page.words  # what it made, the provider does not read again here
    desk = await grid.get("/registry/vouchers")
    assert structure(desk, "zh") == []
    assert "did:key:" in desk.words

    page = await submit(factory, await factory.get(path), f"{path}/store")
    assert f"{LOW} – 140000 kWh" in page.words
    page = await submit(factory, page, f"{path}/present", items=["MONTHLY_USE"])
    sheet = await factory.get(f"{path}/sheet")
    assert structure(sheet, "zh") == []
    assert f"/zh/verify/{path.rpartition('/')[2]}" in sheet.words

    page = await bank.get(path)
    assert f"{LOW} – 140000 kWh" in page.words
    assert "981" not in page.words  # it was not shown
    page = await submit(bank, page, f"{path}/verify", purpose=PURPOSE, reference=REFERENCE)
    assert "Use 1" in page.words
    page = await submit(bank, page, f"{path}/verify", 409, purpose="CREDIT_REVIEW", reference=REFERENCE)
    assert "voucher-purpose-mismatch" in page.words
    page = await submit(factory, await factory.get(path), f"{path}/revoke", reason="贷款已结清")
    assert "超出主体授权的用途" in page.words
    assert "已吊销" in page.words
    await at_the_gate(loan, path)


async def at_the_gate(loan: Loan, path: str) -> None:
    """What anybody is told of it, and what nobody else is."""
    voucher_id = path.rpartition("/")[2]
    await loan.served.settle_down()
    nobody = Browser(loan.served, None, "en")
    page = await nobody.get(f"/verify/{voucher_id}")
    assert structure(page, "en") == []
    assert TYPE["name"] in page.words
    assert "Not everything holds" in page.words
    assert REFERENCE not in page.words
    assert "佛山禾禧金属制品厂" not in page.words
    types = await nobody.get("/registry/vouchers/types")
    assert [form for form in types.forms if "/registry/" in form.action] == []
    other = Browser(loan.served, loan.people["other"], "en")
    for place in (path, f"{path}/sheet"):
        answer = await other.client.get(f"/en{place}")
        assert answer.status_code == 404
        assert REFERENCE not in Page(answer.text).words
