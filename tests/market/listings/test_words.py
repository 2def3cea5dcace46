"""How a text becomes the words it is found by."""

from hypothesis import given
from hypothesis import strategies as st

from market.listings.words import folded, query_tokens, runs, tokens


def test_a_chinese_run_is_kept_as_its_characters_and_their_pairs():
    assert tokens("月度用电指数") == {
        "月", "度", "用", "电", "指", "数", "月度", "度用", "用电", "电指", "指数"
    }  # fmt: skip


def test_latin_words_are_kept_whole_in_one_case_and_one_number():
    assert tokens("NYC Flights 2013: on-time DATA, class_a") == {
        "nyc", "flight", "2013", "on", "time", "data", "class", "a"
    }  # fmt: skip
    assert query_tokens("flights Flight") == ("flight",)


def test_full_width_letters_and_figures_are_the_same_words():
    assert tokens("ＧＤＰ ２０２５") == {"gdp", "2025"}


def test_mixed_scripts_part_where_the_script_changes():
    assert tokens("2025年GDP指数") == {"2025", "年", "gdp", "指", "数", "指数"}


def test_a_query_asks_for_pairs_and_for_a_single_character_only_when_it_stands_alone():
    assert query_tokens("用电") == ("用电",)
    assert query_tokens("用电量 电") == ("用电", "电量", "电")
    assert query_tokens("") == ()
    assert query_tokens("——！？ %_") == ()


def test_longer_runs_are_looked_for_as_they_are():
    assert runs("用电量 指数 GDP 工业企业") == ("用电量", "工业企业")


def test_only_the_beginning_of_an_endless_query_is_read():
    assert query_tokens("电" * 5000) == ("电电",)
    assert len(runs("电" * 5000)[0]) == 100


texts = st.text(st.sampled_from("用电量工业指数 航班abcsS12,_%　"), max_size=30)


@given(texts, texts)
def test_what_a_query_asks_for_is_found_in_any_text_that_contains_it(before, text):
    whole = before + " " + text
    assert set(query_tokens(text)) <= tokens(whole)
    assert all(run in folded(whole) for run in runs(text))


@given(st.text(max_size=60))
def test_any_text_has_tokens_without_spaces_or_marks(text):
    for token in tokens(text):
        assert token
        assert not any(character.isspace() for character in token)
