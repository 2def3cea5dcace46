"""Everything on the pages is said in both languages: nothing untranslated, nothing never extracted."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from jinja2 import nodes

from web import pages
from web.numbers import numbers
from web.pages import laws, rule_words, step_words, words
from web.pages.extraction import particulars, renewed, texts, titles, untranslated
from web.pages.forms import Problem
from web.pages.languages import CATALOGUE, DETAILS, LANGS, details, preferred, translations
from web.pages.visiting import TEMPLATES, environment

TEMPLATE_NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
# Names of things that are the same in every language.
SAME = {
    "HHI",
    "CR4",
    "SHA",
    "JSON",
    "DSSE",
    "databourse",
    "sign",
    "audit",
    "key",
    "KEY",
    "BUNDLE",
    "vkey",
    "VKEY",
    "CSV",
    "JSONL",
    "XML",
    "RDF",
    "LD",
    "Turtle",
    "DCAT",
    "AP",
    "ODRL",
    "dat",
    "prd",
}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_CN")


def test_the_catalogue_holds_what_is_said_and_all_of_it_is_translated(catalogue: Catalog) -> None:
    """Renew the catalogue with `python -m web.pages.extraction`, then translate what it names."""
    gathered = texts()
    kept = {message.id for message in catalogue if message.id}
    said = {message.id for message in gathered if message.id}
    assert kept == said, kept ^ said
    assert untranslated(renewed(gathered)) == []


def test_what_refusals_say_in_particular_is_said_in_the_code_and_in_chinese() -> None:
    """Renew the catalogue with `python -m web.pages.extraction`, then translate what it names."""
    gathered = particulars()
    with DETAILS.open("rb") as file:
        kept = {message.id for message in read_po(file, locale="zh_CN") if message.id}
    said = {message.id for message in gathered if message.id}
    assert kept == said, kept ^ said
    assert untranslated(renewed(gathered, DETAILS)) == []
    assert [text for text in details("zh").values() if not re.search(r"[\u4e00-\u9fff]", text)] == []
    assert details("en") == {}


def test_what_is_filled_in_stands_in_the_chinese_too() -> None:
    places = {text: sorted(re.findall(r"\{.*?\}", text)) for text in details("zh")}
    told = {text: sorted(re.findall(r"\{.*?\}", said)) for text, said in details("zh").items()}
    assert told == places


def test_a_refusal_that_names_something_says_it_in_chinese() -> None:
    shown = environment("zh").from_string("{{ detail|explained }}")
    detail = "EXCHANGE_OPERATOR and COURT must be different organisations"
    assert shown.render({"detail": detail}) == "交易所运营机构与人民法院须为不同机构"


def test_a_fact_without_a_word_is_marked_as_english_on_a_chinese_page() -> None:
    shown = "{{ name|named }} {{ detail|explained }}"
    words = {"name": "zz_top", "detail": "said by nobody"}
    english = '<span lang="en">{}</span>'
    assert environment("en").from_string(shown).render(words) == "zz top said by nobody"
    assert environment("zh").from_string(shown).render(words) == " ".join(
        english.format(one) for one in ("zz top", "said by nobody")
    )
    known = {"name": "seller_id", "detail": "the offer has expired"}
    assert environment("zh").from_string(shown).render(known) == "供方 要约已过有效期"


def test_a_translation_fills_in_the_same_values(catalogue: Catalog) -> None:
    for message in catalogue:
        source = message.id if isinstance(message.id, str) else message.id[1]
        spoken = message.string if isinstance(message.string, str) else message.string[0]
        assert set(PLACEHOLDER.findall(source)) == set(PLACEHOLDER.findall(spoken)), message.id


def test_a_translation_is_chinese_or_says_the_same_in_both_languages(catalogue: Catalog) -> None:
    plain = [
        message.id
        for message in catalogue
        if message.id and not re.search(r"[\u4e00-\u9fff]", str(message.string))
    ]
    assert plain == []


def test_a_chinese_sentence_has_chinese_marks_and_one_word_for_each_side_of_a_trade() -> None:
    """Full-width marks beside Chinese; 供方 and 需方, as the glossary says."""
    half = re.compile(r"[\u4e00-\u9fff] ?[,;:!?()]|[,;:!?()] ?[\u4e00-\u9fff]|卖方|买方|提供方(?!式)")
    said = [text for path in (CATALOGUE, DETAILS) for text in _spoken(path) if half.search(text)]
    assert said == []


def _spoken(path: Path) -> list[str]:
    with path.open("rb") as file:
        spoken = [message.string for message in read_po(file, locale="zh_CN") if message.id]
    return [text for one in spoken for text in ([one] if isinstance(one, str) else one)]


def test_every_number_of_a_rule_table_and_every_unit_has_words_and_no_word_waits_for_one() -> None:
    rows = [row for _, row in numbers("")]
    used = {("number", row.name) for row in rows} | {("unit", row.unit) for row in rows}
    assert {key for key in rule_words.known() if key[0] != "figure"} == used
    assert all(
        row["en"] and re.search(r"[\u4e00-\u9fff%‰]|^HHI$", row["zh"]) for row in rule_words.known().values()
    )
    assert rule_words.said("zh", "number", "WT2@1.longest") == "最长"
    assert rule_words.said("zh", "number", "BR11@1.legs_from") == "环节数，不低于"
    assert rule_words.said("en", "number", "hhi_above") == "HHI, more than"
    assert rule_words.said("en", "unit", "of_nothing") == "of nothing"


def _calls(node: nodes.Node, *, spoken: bool = False) -> list[str]:
    """Literals with a word in them that stand in an expression and are handed to nobody who translates."""
    if isinstance(node, nodes.Const):
        text = node.value
        loose = isinstance(text, str) and re.search(r"[A-Za-z]{2,} |[A-Z][a-z]{2,}$", text) and not spoken
        return [text] if loose else []
    translating = isinstance(node, nodes.Call) and getattr(node.node, "name", "") in {
        "_",
        "gettext",
        "ngettext",
    }
    found = []
    for child in node.iter_child_nodes():
        found += _calls(child, spoken=spoken or translating)
    return found


@pytest.mark.parametrize("name", TEMPLATE_NAMES)
def test_a_template_says_nothing_that_is_not_extracted(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    bare = re.sub(r"\{#.*?#\}|\{% macro _ties.*?endmacro -?%\}", " ", source, flags=re.DOTALL)
    bare = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", " ", bare, flags=re.DOTALL)
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", bare, flags=re.DOTALL)
    shown = re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]*)"', bare)
    shown.append(re.sub(r"<[^<>]*>", " ", bare))
    assert set(re.findall(r"[A-Za-z][A-Za-z0-9]+", " ".join(shown))) - SAME == set()
    tree = environment("en").parse(source)
    assert [text for text in _calls(tree) if not text.startswith(("/", "{", "<"))] == []


def test_every_code_of_the_house_that_pages_show_has_its_word() -> None:
    from brokers.rules import BrokerType
    from brokers.states import CertificateState, MandateState
    from cases.rules import CaseState, Measure
    from identity.rules import Custody, KeyStatus, RevocationReason, Role
    from market.delivery.rules import DownloadStatus, EntitlementStatus
    from market.listings.catalogue import BANDS, Sort
    from market.listings.states import ListingState
    from market.listings.tables import Decision
    from market.orders.rules import RefusalReason
    from market.orders.states import TradeState
    from market.settlement.tables import InstructionState
    from registry.declared import Frequency
    from registry.quality import Dimension, Fix
    from registry.rules import Level, Source

    for group, codes in (
        ("state", TradeState),
        ("state", ListingState),
        ("state", CertificateState),
        ("state", MandateState),
        ("state", CaseState),
        ("state", EntitlementStatus),
        ("state", KeyStatus),
        ("state", InstructionState),
        ("role", Role),
        ("refusal", RefusalReason),
        ("level", Level),
        ("custody", Custody),
        ("dimension", Dimension),
        ("dimension_says", Dimension),
        ("fix", Fix),
        ("frequency", Frequency),
        ("source", Source),
        ("sort", Sort),
        ("band", BANDS),
        ("broker_type", BrokerType),
        ("revocation", RevocationReason),
        ("decision", Decision),
        ("measure", Measure),
        ("download", DownloadStatus),
    ):
        lacking = [str(code) for code in codes if words.word(group, str(code)) == str(code)]
        assert lacking == [], group


def test_a_step_to_be_taken_has_words_of_its_own_and_every_norm_a_title() -> None:
    from cases.ladder import codes
    from web.pages.proceeding import STEPS

    assert {f"CSE.{event}" for event in STEPS} <= step_words.STEPS.keys() <= words.EVENTS.keys()
    assert words.word("step", "CSE.DECIDE") == "Decide the case"
    assert words.word("event", "CSE.DECIDE") == "Case decided"
    assert [code for code in codes() if words.word("norm", code) == code] == []


@pytest.mark.parametrize(
    ("basis", "english", "chinese"),
    [
        ("反垄断法 art. 63 64", "Anti-Monopoly Law, arts. 63, 64", "反垄断法第63、64条"),
        ("数据安全法 art. 45(1)", "Data Security Law, art. 45(1)", "数据安全法第45条第1款"),
        (
            "反垄断法（2022年修正）第二十二条第一款第三项；判据为项目默认",
            "Anti-Monopoly Law (2022), art. 22(1)(3); set by this project",
            "反垄断法（2022年修正）第二十二条第一款第三项；判据为项目默认",
        ),
        (
            "民法典第一百六十八条、第九百六十二条；个人信息保护法 15、47(3)",
            "Civil Code, arts. 168, 962; Personal Information Protection Law, arts. 15, 47(3)",
            "民法典第一百六十八条、第九百六十二条；个人信息保护法 15、47(3)",
        ),
        (
            "市场监督管理投诉举报处理办法（2026-04-15 起由第121号令替代，数字待核）",
            "Measures on Complaints and Reports in Market Regulation",
            "市场监督管理投诉举报处理办法（2026-04-15 起由第121号令替代，数字待核）",
        ),
        ("贝恩分类（学术）", "", "贝恩分类（学术）"),
    ],
)
def test_a_legal_basis_is_cited_in_the_reader_s_language(basis: str, english: str, chinese: str) -> None:
    assert (laws.cited("en", basis), laws.cited("zh", basis)) == (english, chinese)
    assert laws.law("zh", basis) == chinese
    shown = f'<span class="soft" lang="zh-CN">{chinese}</span>'
    assert laws.law("en", basis) == (f"{english} {shown}" if english else shown)


def test_no_group_of_words_takes_the_name_of_another() -> None:
    for module in (import_module(f"web.pages.{one.name}") for one in iter_modules(pages.__path__)):
        for name, said in getattr(module, "GROUPS", {}).items():
            if module is not words:
                assert words.GROUPS[name] is said, (module.__name__, name)


def test_no_template_shows_what_a_mapping_can_do_instead_of_what_it_holds() -> None:
    """`row.update` of a mapping is its method: `row["update"]` is what was meant."""
    methods = r"\{\{[^}]*\.(?:update|copy|pop|keys|clear|fromkeys|setdefault)\b(?!\.value)[^(}][^}]*\}\}"
    found = {name: re.findall(methods, (TEMPLATES / name).read_text("utf-8")) for name in TEMPLATE_NAMES}
    assert {name: one for name, one in found.items() if one} == {}


def test_the_languages_are_chosen_by_cookie_then_by_the_browser_then_chinese() -> None:
    assert preferred("en", "zh-CN") == "en"
    assert preferred("fr", "en-GB,en;q=0.9,zh;q=0.5") == "en"
    assert preferred(None, "fr-FR, zh-TW;q=0.4, en;q=0.3") == "zh"
    assert preferred(None, "en;q=0") == "zh"
    assert preferred(None, "en;q=nonsense") == "zh"
    assert preferred(None, None) == "zh"
    assert LANGS == ("zh", "en")


def test_a_chinese_page_speaks_the_words_of_the_glossary() -> None:
    say = translations("zh").gettext
    assert [
        say(text) for text in ("Provider", "Buyer", "Data broker", "Listed", "Negotiating", "Finding")
    ] == [
        "供方",
        "需方",
        "数据经纪人",
        "已挂牌",
        "磋商中",
        "线索",
    ]
    assert [
        say(text) for text in ("Escrow", "Delivery", "Goods accepted", "Settled", "Contract concluded")
    ] == [
        "资金存管",
        "交付",
        "已验收",
        "已结算",
        "签约完成",
    ]


def test_the_titles_of_errors_are_found_where_they_stand(tmp_path) -> None:
    path = tmp_path / "errors.py"
    path.write_text(
        'class A(E):\n    code = "a"\n    title = "It is so"\nclass B(E):\n    title: str\n    title = name\n'
    )
    with path.open("rb") as file:
        assert list(titles(file)) == [(3, "It is so")]


def test_a_refusal_told_at_a_field_is_told_in_chinese() -> None:
    shown = environment("zh").from_string("{{ problem|told }}")
    assert shown.render({"problem": Problem("recipients", "to provide to others is asked by itself")}) == (
        "向他人提供须单独征求同意"
    )
