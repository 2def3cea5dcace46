"""An entry of the catalogue beside an object: explained, exact, and never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.grading.errors import GradingMalformed
from registry.grading.matching import Covered, Covering, How, check_described, compared

GRID = Covering(
    sector="D44",
    objects=frozenset({"dat_grid"}),
    digests=frozenset({"a" * 64}),
    keywords=("电网调度", "实时负荷"),
    patterns=("负荷", "节点"),
)
PLAIN = Covered(
    object_id="prd_x",
    file_sha256="b" * 64,
    sector="D",
    words="工业用电月度指数",
    fields=frozenset({"county", "month", "index"}),
    ancestors=frozenset(),
)


def found(**changes):
    from dataclasses import replace

    return compared(GRID, replace(PLAIN, **changes))


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, None),
        ({"object_id": "dat_grid"}, How.IDENTITY),
        ({"file_sha256": "a" * 64}, How.DIGEST),
        ({"ancestors": frozenset({"dat_grid", "prd_y"})}, How.LINEAGE),
        ({"ancestors": frozenset({"a" * 64})}, How.LINEAGE),
        ({"words": "电网调度日志", "fields": frozenset({"节点编号", "有功负荷"})}, How.DESCRIPTION),
        ({"words": "ＤＩＡＮ 电网 调度", "fields": frozenset({"节点_编号", "负荷"})}, How.DESCRIPTION),
        ({"words": "电网调度日志"}, How.PARTLY),  # the words, not the fields
        ({"fields": frozenset({"节点", "负荷"})}, How.PARTLY),  # the fields, not the words
        ({"fields": frozenset({"负荷"})}, None),  # one of two fields, and no word
        ({"sector": "F", "words": "电网调度", "fields": frozenset({"节点", "负荷"})}, How.PARTLY),
        ({"sector": "F", "words": "电网调度"}, None),
        ({"sector": "", "fields": frozenset({"节点", "负荷"})}, None),
    ],
)
def test_what_covers_and_what_only_resembles(changes, how):
    answer = found(**changes)
    assert (None if answer is None else answer.how) == how
    assert answer is None or answer.stops == (how is not How.PARTLY)


def test_the_answer_says_what_was_compared():
    answer = found(words="电网调度日志", fields=frozenset({"节点", "负荷"}))
    assert answer is not None
    assert answer.grounds == ("sector D", "keyword 电网调度", "field 负荷", "field 节点")


@given(st.text(), st.frozensets(st.text(), max_size=4), st.sampled_from(["", "A", "D", "F44"]))
def test_words_alone_never_stop_anything(words, fields, sector):
    entry = Covering(sector="D", objects=frozenset(), digests=frozenset(), keywords=(words,), patterns=())
    answer = compared(entry, Covered("prd_x", None, sector, words, fields, frozenset()))
    assert answer is None or answer.how is How.PARTLY


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"patterns": ("负荷",)},
        {"keywords": ("x",)},
        {"keywords": ("字" * 61,)},
        {"keywords": tuple(f"词语{n}" for n in range(51))},
        {"keywords": ("词语",), "patterns": (" ",)},
        {"objects": tuple(f"dat_{n}" for n in range(201))},
    ],
)
def test_an_entry_names_or_describes_something_in_bounds(said):
    empty = {"objects": (), "digests": (), "keywords": (), "patterns": ()}
    with pytest.raises(GradingMalformed):
        check_described(**(empty | said))
