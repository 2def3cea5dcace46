"""What may be asked where the data stays, by forms alone: stated with the draft, shown to buyers in words."""

import pytest

from market.delivery.sandbox.telling import table_of_answer
from market.listings.repository import sandbox_of
from market.listings.sandboxing import sandbox_from
from tests.market.listings.goods import CLEAN
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_selling import DRAFT, drafted
from web.pages.forms import Form, Invalid
from web.pages.sandboxing import plain, sandbox_of_form

COLUMNS = """county | text | filter group | | 440101，440102
index | decimal(1) | sum | -10 .. 99.5

month | text | group
"""
SAID = {
    "sandbox_columns": COLUMNS,
    "sandbox_mode": "DP",
    "sandbox_min_group": "7",
    "sandbox_epsilon_query": "0.5",
    "sandbox_epsilon_total": "2.25",
    "sandbox_delta": "0.000001",
    "sandbox_max_queries": "30",
    "sandbox_unit_column": "county",
    "sandbox_unit_rows": "3",
    "sandbox_approval": "yes",
}
TERMS = sandbox_from(
    {
        "columns": [
            {"name": "county", "filter": True, "group": True, "values": ["440101", "440102"]},
            {"name": "index", "type": "decimal", "decimals": 1, "low": "-10", "high": "99.5"},
            {"name": "month", "group": True},
        ],
        "min_group": 7,
        "epsilon_query_micro": 500_000,
        "epsilon_total_micro": 2_250_000,
        "delta_pico": 1_000_000,
        "max_queries": 30,
        "unit_column": "county",
        "unit_rows": 3,
        "approval": True,
    }
)


def form(**fields: str) -> Form:
    return Form({name: [value] for name, value in fields.items()})


async def test_a_seller_states_the_terms_by_a_form_and_buyers_read_them_in_words(market: Market) -> None:
    seller = Browser(market.served, market.provider)
    raw = CLEAN.replace("4401", "4406").encode()
    listing_id = await drafted(market, seller, raw, said=DRAFT | SAID)
    async with market.served.node.database.read() as s:
        assert await sandbox_of(s, listing_id=listing_id) == TERMS
    for lang, words in (
        (
            "en",
            ("ε 2.25 in all; a question costs up to 0.5", "all rows of one value of county", "-10 … 99.5"),
        ),
        ("zh", ("共 ε 2.25；一次提问最多消耗 0.5", "每个问题运行前须经供方批准", "δ 为 0.000001")),
    ):
        browser = Browser(market.served, market.provider, lang)
        for path in (f"/{lang}/sell/{listing_id}", f"/{lang}/products/{listing_id}"):
            page = await browser.get(path)
            assert [word for word in words if word not in page.words] == []


async def test_terms_that_contradict_each_other_come_back_with_what_was_typed(market: Market) -> None:
    seller = Browser(market.served, market.provider)
    raw = CLEAN.replace("4401", "4407").encode()
    page = await seller.get("/sell/new")
    await seller.send_file(page, "/sell/new", "b.csv", raw, field_name="file")
    page = await seller.follow()
    for wrong, words in (
        ({"sandbox_delta": ""}, "Questions where the data stays"),  # found groups take a δ
        ({"sandbox_epsilon_query": "a lot"}, "Enter a number, such as 0.5."),
        ({"sandbox_columns": "county | words | group"}, "Write each column as"),
    ):
        page = await seller.send(page, seller.last.url.path, DRAFT | SAID | wrong, expect=422)
        assert words in page.words
        assert "county | " in page.words


def test_a_form_without_columns_has_no_terms_and_exact_answers_have_no_budget() -> None:
    assert sandbox_of_form(form(sandbox_mode="DP", sandbox_epsilon_query="1")) is None
    exact = sandbox_of_form(form(**(SAID | {"sandbox_mode": "PLAIN"})))
    assert exact is not None
    assert "epsilon_query_micro" not in exact
    assert sandbox_from(sandbox_of_form(form(**SAID)) or {}) == TERMS


@pytest.mark.parametrize(
    "line",
    [
        "| text | group",
        "a",
        "a | decimal(7) | sum | 0 .. 1",
        "a | integer | sum",
        "a | integer | filter | 0 .. 1",
        "a | integer | sum | 0",
        "a | text | delete",
        "a | text | group | | x | y",
    ],
)
def test_a_line_that_says_something_else_is_refused(line: str) -> None:
    with pytest.raises(Invalid):
        sandbox_of_form(form(sandbox_columns=line))


@pytest.mark.parametrize("text", ["-1", "1e-9", "nan", "１", "1_0", "0.0000001", "9" * 30])
def test_an_epsilon_is_whole_millionths(text: str) -> None:
    with pytest.raises(Invalid):
        sandbox_of_form(form(**(SAID | {"sandbox_epsilon_query": text})))
    assert plain(1_500_000, 10**6) == "1.5"
    assert plain(1, 10**12) == "0.000000000001"


def test_noise_is_told_as_a_deviation_and_an_interval() -> None:
    answer = (
        b'{"columns":[{"name":"county","column":"county","aggregate":null,"noise":[]},{"name":"n","column":null,'
        b'"aggregate":"COUNT","noise":[{"measured":"ROWS","laplace_scale":"10.0000"}]}],"rows":[["1",5]]}'
    )
    none, (count,) = table_of_answer(answer).noise
    assert none == ()
    assert (count.deviation, count.within) == ("14", "30")  # √2 and ln 20 times the scale
