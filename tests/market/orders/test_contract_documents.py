"""The contract's document: which model it names, what it says of policy and annex; the models themselves."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from market.listings.categories import ProductType
from market.listings.conditions import Purpose
from market.orders import clauses
from market.orders.clauses import ModelType, model, model_for, models
from market.orders.contract import ACCEPTED_BY, Party, Terms, draw_up
from market.orders.errors import ModelUnknown
from market.orders.scope import LicenceScope
from pricing.whole import whole_price

SELLER, BUYER, BROKER = (f"org_{digit * 26}" for digit in "123")
FOLDER = Path(clauses.__file__).parent / "models"

# A contract names these digests: a file that changes is a new version, with a line of its own here.
DIGESTS = {
    "FUSION-1.en.md": "0da57d4361007bbd212b545179f225d902e4df449e8c8bd828aaebe75d9bc520",
    "FUSION-1.zh.md": "a8bfe3b6d3310672528c5ac427a236181702a27b0bb066883e03a57de7ba139d",
    "INTERMEDIARY-1.en.md": "ddd91fd20aa1d1cca5b446b7e3049dff27a19ae774b3ad80a705dff5a4922579",
    "INTERMEDIARY-1.zh.md": "448bb2914d41d5d0accf181741d1ba17513dd493b3d0a9e6aa002fe048781c05",
    "PROCESSING-1.en.md": "4804da77b16919182383980ed93c9efc2075f65f097c70c1bcabbbf1f51f309e",
    "PROCESSING-1.zh.md": "4b5a4955d796d9bd985d5996ed64a41a4d8ce8ab9b0d2f58299cbd7a8a673bf2",
    "PROVISION-1.en.md": "db97d9e5794fad838af676dcfa01d08a36b4fa2462959c487e54f6308fc469a9",
    "PROVISION-1.zh.md": "e0691288c5b872348c7b264c52ba8ec10d0e5cda922ea37281f9b9635af6fa7e",
}


def drawn(product_type=ProductType.DATASET, mandate_id=None, **changes):
    terms = {
        "trade_id": "trd_" + "0" * 26,
        "listing_id": "lst_" + "0" * 26,
        "product_id": "prd_" + "0" * 26,
        "product_type": product_type,
        "title": "用电指数",
        "file_sha256": "ab" * 32,
        "file_bytes": 1000,
        "quality_sha256": None,
        "quote_id": "qte_" + "0" * 26,
        "quote_sha256": "cd" * 32,
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "purpose": "内部建模",
        "scenario": "中小企业信贷",
        "territory": "HK,CN",
        "term_months": 12,
        "scope": LicenceScope(purposes=(Purpose.RISK_CONTROL,), max_count=5, delete_within_wd=7),
        "price": whole_price(68_000_000, commission_bp=200, platform_bp=100),
        "contract_dated_at": datetime(2026, 11, 12, 7, 0, tzinfo=UTC),
        "mandate_id": mandate_id,
    }
    parties = [
        Party(org_id=SELLER, role="PROVIDER", name="甲", uscc="A"),
        Party(org_id=BUYER, role="BUYER", name="乙", uscc="B"),
    ]
    if mandate_id:
        parties.append(Party(org_id=BROKER, role="BROKER", name="丙", uscc="C"))
    return draw_up(Terms(**(terms | changes)), parties, document_nonce="00" * 32, opening_nonce="11" * 32)


@pytest.mark.parametrize(
    ("product_type", "kind"),
    [
        (ProductType.DATASET, "PROVISION"),
        (ProductType.API, "PROVISION"),
        (ProductType.REPORT, "PROVISION"),
        (ProductType.CERT, "PROVISION"),
        (ProductType.SERVICE, "PROCESSING"),
        (ProductType.PRIVACY, "PROCESSING"),
        (ProductType.COMPUTE, "PROCESSING"),
        (ProductType.TOOL, "FUSION"),
    ],
)
def test_what_is_traded_decides_the_model_and_the_contract_names_its_digest(product_type, kind):
    document = orjson.loads(drawn(product_type).document)
    assert document["model"] == {
        "id": kind,
        "version": 1,
        "sha256": hashlib.sha256((FOLDER / f"{kind}-1.zh.md").read_bytes()).hexdigest(),
        "translations": {"en": hashlib.sha256((FOLDER / f"{kind}-1.en.md").read_bytes()).hexdigest()},
    }
    assert document["annexes"] == []
    assert document["acceptance"]["tests"] == list(ACCEPTED_BY[product_type])
    assert document["acceptance"]["within_wd"] == (10 if product_type.by_call else 5)


def test_a_trade_with_a_broker_has_the_intermediary_contract_as_its_annex():
    (annex,) = orjson.loads(drawn(mandate_id="mnd_x").document)["annexes"]
    assert (annex["id"], annex["mandate_id"]) == ("INTERMEDIARY", "mnd_x")
    assert annex["sha256"] == model("INTERMEDIARY", 1).digests["zh"]


def test_the_document_says_the_licence_and_names_the_policy_by_its_digest():
    contract = drawn()
    document = orjson.loads(contract.document)
    assert contract.policy_sha256 == hashlib.sha256(contract.policy).hexdigest()
    assert document["licence"] == {
        "class": "internal-use",
        "quantity": 1,
        "unit": "set",
        "purpose": "内部建模",
        "scenario": "中小企业信贷",
        "territory": "HK,CN",
        "term_months": 12,
        "purposes": ["RISK_CONTROL"],
        "recipients": [],
        "derivative_allowed": False,
        "resale_allowed": False,
        "max_count": 5,
        "delete_within_wd": 7,
        "policy_sha256": contract.policy_sha256,
    }
    assert document["delivery"] == {"mode": "download", "within_wd": 5}
    assert (document["price"]["fund_within_wd"], document["price"]["late_payment_a_day"]) == (3, "0.0005")
    assert document["dispute"] == {"mediation_wd": 20}
    constraints = orjson.loads(contract.policy)["permission"][0]["constraint"]
    assert constraints[1]["rightOperand"] == ["CN", "HK"]


def test_the_same_terms_are_the_same_bytes_and_any_other_term_is_another_digest():
    assert drawn().sha256 == drawn().sha256
    assert drawn().sha256 != drawn(scope=LicenceScope()).sha256
    assert drawn().policy_sha256 != drawn(term_months=13).policy_sha256


def test_a_model_that_contracts_name_never_changes():
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()}
    assert files == DIGESTS
    assert {f"{one.id}-{one.version}.{lang}.md" for one in models() for lang in one.digests} == set(files)


# What the rules ask of a contract (`rules.md` §2.2.4, §2.3.5, §2.7), in the words of both texts.
ASKED = {
    "no resale": ("转售", "resell"),
    "purpose": ("用途", "purposes"),
    "territory": ("地域", "territory"),
    "term": ("许可期限", "term of the licence"),
    "delivery": ("交付", "deliver"),
    "acceptance window": ("验收期", "window"),
    "silent acceptance": (
        "期满未提出异议的，视为验收合格",
        "Without an objection until the end of the window",
    ),
    "use is no acceptance": ("仅有使用行为不视为验收", "use alone is no acceptance"),
    "late payment": ("万分之五", "0.05 %"),
    "delete": ("销毁全部副本", "destroys every copy"),
    "mediation": ("二十个工作日内调解", "twenty working days"),
    "refund": ("有权退款", "right to a refund"),
    "invoice": ("电子发票", "electronic invoice"),
    "policy": ("ODRL", "ODRL"),
}


@pytest.mark.parametrize("kind", [ModelType.PROVISION, ModelType.PROCESSING, ModelType.FUSION])
def test_every_model_says_what_the_rules_ask_of_a_contract(kind):
    found = model(kind, 1)
    for what, words in ASKED.items():
        for lang, word in zip(("zh", "en"), words, strict=True):
            assert word in found.text(lang), (what, lang)


def test_the_intermediary_model_says_what_binds_a_broker():
    zh, en = (model("INTERMEDIARY", 1).text(lang) for lang in ("zh", "en"))
    for word in (
        "百分之五",
        "赚取差价",
        "双方书面同意",
        "二十四小时",
        "二十年",
        "转售",
        "万分之五",
        "发票",
        "调解",
    ):
        assert word in zh, word
    for word in (
        "five per cent",
        "resell at a margin",
        "twenty-four hours",
        "twenty years",
        "0.05 %",
        "invoice",
    ):
        assert word in en, word


@pytest.mark.parametrize("one", models(), ids=lambda one: one.id.value)
def test_both_texts_of_a_model_have_the_same_articles(one):
    numbers = [re.findall(r"(?m)^\d+\.\d+ ", one.text(lang)) for lang in ("zh", "en")]
    assert numbers[0] == numbers[1]
    assert one.text("zh").count("\n## ") == one.text("en").count("\n## ")


@pytest.mark.parametrize(("kind", "version"), [("LEASE", 1), ("PROVISION", 0), ("PROVISION", 2)])
def test_a_model_that_there_is_not_is_not_found(kind, version):
    with pytest.raises(ModelUnknown):
        model(kind, version)


def test_every_type_of_product_has_its_model():
    assert {model_for(product_type).id for product_type in ProductType} == set(ModelType) - {
        ModelType.INTERMEDIARY
    }
