"""The contract on paper, as a stranger's viewer shows it: PDFium reads and draws it, ZXing reads its code."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import orjson
import pypdfium2
import pytest
import zxingcpp
from fontTools.ttLib import TTFont

from market.listings.categories import ProductType
from market.listings.conditions import Purpose
from market.orders.clauses import models
from market.orders.contract import Party, Terms, draw_up
from market.orders.scope import LicenceScope
from pricing.whole import whole_price
from tests.houses import some_uscc
from web.papers import Paper, Signed, draw
from web.papers_font import Typecase
from web.papers_words import LANGUAGES, MODES, TESTS, WORDS

SELLER, BUYER, BROKER = (f"org_{digit * 26}" for digit in "123")
TITLE = "2025年广东省工业企业月度用电指数数据集"
DRAWN = draw_up(
    Terms(
        trade_id="trd_01m7gzkce0n9eg2mcbbyfp8975",
        listing_id="lst_" + "0" * 26,
        product_id="prd_" + "0" * 26,
        product_type=ProductType.DATASET,
        title=TITLE,
        file_sha256="ab" * 32,
        file_bytes=31_123_456,
        quality_sha256="cd" * 32,
        quote_id="qte_" + "0" * 26,
        quote_sha256="ef" * 32,
        quantity=1,
        unit="份",
        licence_class="internal-use",
        purpose="<b>信贷</b> & 模型",
        scenario="中小企业信贷𠮷",
        territory="CN",
        term_months=12,
        scope=LicenceScope(purposes=(Purpose.MODEL_TRAINING, Purpose.RISK_CONTROL)),
        price=whole_price(68_000_000, commission_bp=200, platform_bp=100),
        contract_dated_at=datetime(2026, 11, 12, 7, 0, tzinfo=UTC),
        mandate_id="mnd_" + "0" * 26,
    ),
    [
        Party(org_id=SELLER, role="PROVIDER", name="粤能数科", uscc=some_uscc(1, region="440101")),
        Party(org_id=BUYER, role="BUYER", name="湾区普惠银行", uscc=some_uscc(2, region="440101")),
        Party(org_id=BROKER, role="BROKER", name="珠江数据经纪", uscc=some_uscc(3, region="440101")),
    ],
    document_nonce="00" * 32,
    opening_nonce="11" * 32,
)
URL = f"https://exchange.example/zh/contracts/{DRAWN.sha256}"


def paper(language: str = "zh", *, signed: int = 3) -> Paper:
    at = "2026-11-13T02:00:00Z"
    return Paper(
        document=DRAWN.document.decode(),
        sha256=DRAWN.sha256,
        signatures=tuple(
            Signed(org_id, at, f"{number}f" * 32) if number < signed else Signed(org_id)
            for number, org_id in enumerate(DRAWN.parties)
        ),
        receipt_url=URL,
        origin="exchange.example/log",
        language=language,
    )


def read(pdf: bytes) -> list[str]:
    """The text of each page, its line ends gone: where a line breaks is the page's business."""
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return ["".join(page.split()) for page in pages]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_contract_is_the_same_bytes_and_others_are_not(language: str) -> None:
    first = draw(paper(language))
    assert hashlib.sha256(first).digest() == hashlib.sha256(draw(paper(language))).digest()
    assert first != draw(paper(language, signed=2))
    assert b"exchange.example" in first
    assert first.startswith(b"%PDF-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_paper_says_the_terms_the_clauses_the_signatures_and_the_digest(language: str) -> None:
    pages = read(draw(paper(language)))
    whole = "".join(pages)
    assert all(DRAWN.sha256 in page for page in pages)  # at the foot of each
    for said in (
        TITLE,
        f"粤能数科({some_uscc(1, region='440101')})",
        "¥680,000.00",
        "¥38,490.57",
        "¥659,600.00",
        "0.05%",
        "ab" * 32,
        DRAWN.policy_sha256,
        "<b>信贷</b>&模型",
        "中小企业信贷[U+20BB7]",  # a character that the font does not have is told by its code
        "2026-11-1310:00(UTC+8)",
        "2f" * 32,
    ):
        assert said in whole, said
    for one in models():
        if one.id.value in {"PROVISION", "INTERMEDIARY"}:
            assert one.digests[language] in whole
            for clause in one.text(language).split("\n\n"):
                assert "".join(clause.lstrip("# ").split()) in whole, clause


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            {
                "method": "tiers",
                "tiers": [{"up_to": 1_000, "rate_minor": "900.5"}, {"up_to": None, "rate_minor": 5}],
            },
            "1–1,000:¥9.005/份1,001–:¥0.05/份",
        ),
        (
            {"method": "metered", "rate_minor": "0.3", "commit_minor": 1_000, "cap_minor": 5_000},
            "≥¥10.00≤¥50.00",
        ),
        ({"method": "subscription", "fee_minor": 30_000}, "¥300.00"),
    ],
)
def test_the_paper_says_the_plan_that_made_the_price(plan: dict[str, Any], said: str) -> None:
    document = orjson.loads(DRAWN.document)
    document["price"]["plan"] = plan
    planned = replace(paper("en"), document=orjson.dumps(document).decode())
    whole = "".join(read(draw(planned)))
    assert "Priceplan" in whole
    assert said in whole
    assert "Priceplan" not in "".join(read(draw(paper("en"))))


def test_the_paper_of_a_contract_that_is_not_concluded_says_so() -> None:
    zh, en = ("".join(read(draw(paper(language, signed=2)))) for language in LANGUAGES)
    assert "尚未由各方签署完毕" in zh
    assert zh.count("尚未签署") == 1
    assert "thiscontractisnotconcluded" in en
    assert "本合同已由各方签署" not in zh


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_leads_to_the_contract_s_entry(language: str) -> None:
    with pypdfium2.PdfDocument(draw(paper(language))) as document:
        image = document[0].render(scale=3).to_pil()
    (code,) = zxingcpp.read_barcodes(image)
    assert code.text == URL


def test_the_font_has_the_characters_of_the_paper_and_no_others() -> None:
    typecase = Typecase()
    font = typecase.font("合同合同A")
    with TTFont(BytesIO(font)) as read_back:
        assert sorted(read_back.getBestCmap()) == sorted({ord("合"), ord("同"), ord("A")})
        assert read_back["head"].unitsPerEm == 1000
    assert typecase.font("A同合") == font
    assert Typecase().font("同A合") == font
    assert typecase.readable("A𠮷\n") == "A[U+20BB7]\n"


def test_every_word_of_a_paper_stands_in_both_languages_with_the_same_parts() -> None:
    def parts(text: str) -> set[str]:
        return {piece.split("}")[0] for piece in text.split("{")[1:]}

    for labels in (WORDS, MODES, TESTS):
        table: Any = labels
        for label in table.values():
            assert label.zh
            assert label.en
            assert parts(label.zh) == parts(label.en)
