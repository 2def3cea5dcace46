"""Two sources are checked against each other: exactly, the same each time; what is no file is refused."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import sha256_hex
from registry.errors import FileEmpty
from registry.measuring.comparing import compare_files
from registry.measuring.errors import CrossCheckMalformed
from registry.measuring.rules import (
    Agreement,
    Property,
    Side,
    check_question,
    chosen_columns,
    five_properties,
    read_result,
    result_of,
)
from registry.quality import Dimension

LEFT = """uscc,name,city,staff
A1,粤能数科,广州,12
A2,湾区数据,深圳,
A3,岭南信息,佛山,7
A3,岭南信息,佛山,7
,无号,广州,1
A4,珠江科技,珠海,30
"""
RIGHT = """city,uscc,staff,name
广州,A1,12,粤能数科
东莞,A2,5,湾区数据
佛山,A3,7,岭南信息
 珠海 ,A4,31,珠江科技
中山,A9,2,香山
"""


def files(folder: Path, left: str = LEFT, right: str = RIGHT) -> tuple[Path, Path]:
    paths = folder / "left.csv", folder / "right.csv"
    for path, text in zip(paths, (left, right), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


async def test_matching_keys_and_agreeing_values_are_counted_exactly_and_again(tmp_path: Path) -> None:
    left, right = files(tmp_path)
    result = await compare_files(left, right, key=["uscc"])
    assert await compare_files(left, right, key=["uscc"]) == result
    said = read_result(result)
    assert said["left"] == {
        "sha256": sha256_hex(LEFT.encode()),
        "rows": 6,
        "keyless": 1,
        "repeated": 2,
        "keys": 3,
    }
    assert (said["right"]["keys"], said["matching"], said["matching_share"]) == (5, 3, 6000)  # 3 of 5
    assert {one["name"]: (one["compared"], one["agreeing"]) for one in said["columns"]} == {
        "city": (3, 2),
        "name": (3, 3),
        "staff": (2, 1),
    }
    assert (said["compared"], said["agreeing"], said["rate"]) == (8, 6, 7500)
    assert "粤能数科" not in result.decode()
    one = orjson.loads(await compare_files(left, right, key=["uscc", "name"], columns=["city"]))
    assert [column["name"] for column in one["columns"]] == ["city"]


@pytest.mark.parametrize(
    ("key", "columns"),
    [(["none"], []), (["uscc"], ["none"]), ([], []), (["uscc", "uscc"], []), (["uscc"], ["uscc"])],
)
async def test_a_key_that_is_not_in_both_is_refused(tmp_path: Path, key, columns) -> None:
    left, right = files(tmp_path)
    with pytest.raises(CrossCheckMalformed):
        await compare_files(left, right, key=key, columns=columns)


async def test_a_file_that_is_none_is_refused_in_the_child(tmp_path: Path) -> None:
    left, right = files(tmp_path, right="")
    with pytest.raises(FileEmpty):
        await compare_files(left, right, key=["uscc"])


def test_a_result_that_contradicts_its_counts_is_none() -> None:
    sides = Side("a" * 64, 10, 1, 2), Side("b" * 64, 9, 0, 0)
    good = result_of(*sides, key=["k"], matching=7, agreements=[Agreement("v", 7, 3)])
    assert read_result(good)["rate"] == 4285
    worse = orjson.loads(good) | {"rate": 9999}
    with pytest.raises(ValueError, match="not the result"):
        read_result(orjson.dumps(worse, option=orjson.OPT_SORT_KEYS))
    for matching, agreement in [
        (8, Agreement("v", 1, 1)),
        (7, Agreement("v", 8, 1)),
        (7, Agreement("v", 2, 3)),
    ]:
        with pytest.raises(ValueError, match="more"):
            result_of(*sides, key=["k"], matching=matching, agreements=[agreement])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6))
def test_a_rate_is_a_share_and_whole_only_where_everything_agrees(pairs: list[tuple[int, int]]) -> None:
    agreements = [Agreement(f"c{i}", max(pair), min(pair)) for i, pair in enumerate(pairs)]
    side = Side("a" * 64, 60, 0, 0)
    said = read_result(result_of(side, side, key=["k"], matching=55, agreements=agreements))
    compared, agreeing = sum(max(one) for one in pairs), sum(min(one) for one in pairs)
    if not compared:
        assert said["rate"] is None
    else:
        assert said["rate"] == agreeing * 10_000 // compared
        assert (said["rate"] == 10_000) == (agreeing == compared)


def test_columns_are_those_of_both_and_each_once() -> None:
    check_question(["k"], [])
    assert chosen_columns(["k", "b", "a", "x"], ["a", "k", "b", "y"], ["k"], []) == ("a", "b")
    for left, right in [(["k", "a", "a"], ["k", "a"]), (["k"], ["k"]), (["a"], ["k", "a"])]:
        with pytest.raises(CrossCheckMalformed):
            chosen_columns(left, right, ["k"], ["a"] if "a" in left else [])


def test_guangzhous_five_are_a_view_of_the_six_and_of_the_cross_check() -> None:
    scores = {
        Dimension.CONFORMITY: 1000,
        Dimension.COMPLETENESS: 950,
        Dimension.ACCURACY: 900,
        Dimension.CONSISTENCY: 801,
        Dimension.TIMELINESS: 700,
        Dimension.ACCESSIBILITY: 1000,
    }
    assert five_properties(scores, 7555) == {
        Property.TRUTH: 755,
        Property.ACCURACY: 900,
        Property.COMPLETENESS: 950,
        Property.TIMELINESS: 700,
        Property.USABILITY: 933,
    }
    assert five_properties(scores, None)[Property.TRUTH] is None
