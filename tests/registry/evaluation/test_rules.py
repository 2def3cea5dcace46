"""A score is computed from frozen counts alone: exactly, the same each time, recomputable by anybody."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import canonical, sha256_hex
from registry.evaluation.errors import InputsBroken
from registry.evaluation.rules import (
    BAD,
    GROUPS,
    MAX_SHOWN,
    Indicator,
    compute,
    freeze,
    group_of,
    points,
    result_of,
)
from registry.evaluation.terms import cited_at, term

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
PERIOD = {"id": "evp_1", "from": "2025-01-01", "to": "2025-12-31"}


def counts(name: Indicator, groups: dict[str, int], **more: int) -> dict[str, Any]:
    made = {one: group_of(f"{one}-{number}" for number in range(groups.get(one, 0))) for one in GROUPS[name]}
    return {"groups": made, **more}


def inputs(**facts: Any) -> bytes:
    given_facts = {Indicator(name): one for name, one in facts.items()}
    return freeze(
        agency_id="org_1",
        period=PERIOD,
        as_of="2026-03-02T01:00:00.000Z",
        rules=cited_at(AT),
        facts=given_facts,
    )


def told(frozen: bytes) -> dict[str, tuple[str, int | None, int | None]]:
    return {
        one["name"]: (one["state"], one["share"], one["points"]) for one in result_of(frozen)["indicators"]
    }


WHOLE = {
    "LISTS": counts(Indicator.LISTS, {"complete": 3, "incomplete": 1, "current": 4}),
    "CONFLICTS": counts(Indicator.CONFLICTS, {"settled": 2, "conflict": 1}),
    "MOUNTING": counts(Indicator.MOUNTING, {"mounted": 2, "flagged": 1, "unmounted": 1}),
    "SHARING": counts(Indicator.SHARING, {}),
    "QUALITY": counts(
        Indicator.QUALITY, {"measured": 2, "unmeasured": 5, "fresh": 1, "stale": 1}, tenths=1_801
    ),
    "OPENING": None,
    "GRADING": counts(Indicator.GRADING, {"graded": 4}),
    "INCIDENTS": counts(Indicator.INCIDENTS, {"incident": 1, "overdue": 2}),
}


def test_the_weights_are_those_of_appendix_b_and_make_a_hundred():
    weights = {name.value: term("EVL-IND", name.value, AT).whole for name in Indicator}
    assert weights == {
        "LISTS": 20,
        "CONFLICTS": 10,
        "MOUNTING": 10,
        "SHARING": 15,
        "QUALITY": 15,
        "OPENING": 10,
        "GRADING": 10,
        "INCIDENTS": 10,
    }
    assert sum(weights.values()) == 100


def test_shares_are_exact_and_rounded_down_and_what_has_no_records_is_not_weighed():
    frozen = inputs(**WHOLE)
    assert told(frozen) == {
        "LISTS": ("SCORED", 8750, 1750),  # (3/4 + 1) / 2
        "CONFLICTS": ("SCORED", 6666, 666),
        "MOUNTING": ("SCORED", 5000, 500),
        "SHARING": ("NO_RECORDS", None, None),
        "QUALITY": ("SCORED", 3786, 567),  # (1/2 + 1801/7000) / 2, of seven files
        "OPENING": ("NOT_KEPT", None, None),
        "GRADING": ("SCORED", 10000, 1000),
        "INCIDENTS": ("SCORED", 6000, 600),  # 1 - 1/5 - 2/10
    }
    result = result_of(frozen)
    assert (result["weighed"], result["weights"]) == (75, 100)
    sums = 20 * 8750 + 10 * 6666 + 10 * 5000 + 15 * 3786 + 10 * 10000 + 10 * 6000
    assert (result["score"], result["grade"]) == (sums // 75, "C")
    assert points(result["score"]) == "67.79"
    assert result["inputs_sha256"] == sha256_hex(frozen)


def test_too_little_to_weigh_gives_a_score_and_no_grade_and_nothing_gives_neither():
    few = result_of(inputs(GRADING=WHOLE["GRADING"], LISTS=WHOLE["LISTS"]))
    assert (few["weighed"], few["score"], few["grade"]) == (30, 9166, None)
    none = result_of(inputs())
    assert (none["weighed"], none["score"], none["grade"]) == (0, None, None)
    assert {state for state, _, _ in told(inputs()).values()} == {"NOT_KEPT"}


@pytest.mark.parametrize(
    ("share", "grade"),
    [(10000, "A"), (9000, "A"), (8999, "B"), (8000, "B"), (7999, "C"), (5999, "D"), (0, "D")],
)
def test_grades_begin_at_their_thresholds(share: int, grade: str):
    graded = counts(Indicator.GRADING, {})
    graded["groups"]["graded"]["count"], graded["groups"]["ungraded"]["count"] = share, 10000 - share
    same = {}
    for name, good, bad in [
        ("GRADING", "graded", "ungraded"),
        ("LISTS", "complete", "incomplete"),
        ("MOUNTING", "mounted", "unmounted"),
        ("CONFLICTS", "settled", "conflict"),
    ]:
        same[name] = counts(Indicator(name), {})
        same[name]["groups"][good]["count"], same[name]["groups"][bad]["count"] = share, 10000 - share
    result = result_of(inputs(**same))
    assert (result["score"], result["grade"]) == (share, grade)


def test_a_group_counts_all_digests_all_and_names_the_first():
    group = group_of(f"dat_{number:05d}" for number in reversed(range(MAX_SHOWN + 5)))
    lines = "".join(f"dat_{number:05d}\n" for number in range(MAX_SHOWN + 5))
    assert group["count"] == MAX_SHOWN + 5
    assert group["sha256"] == sha256_hex(lines.encode())
    assert group["ids"] == [f"dat_{number:05d}" for number in range(MAX_SHOWN)]


some = st.integers(min_value=0, max_value=60)


@st.composite
def agencies(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Indicator:
        if draw(st.booleans()):
            groups = {group: draw(some) for group in GROUPS[name]}
            most = {"tenths": draw(st.integers(0, 1000 * groups["measured"]))} if name == "QUALITY" else {}
            found[name.value] = counts(name, groups, **most)
    return found


@given(agencies(), st.randoms())
def test_the_same_input_gives_the_same_bytes_in_whichever_order_it_was_said(facts: dict[str, Any], random):
    frozen = inputs(**facts)
    names = list(facts)
    random.shuffle(names)
    again = inputs(**{name: dict(reversed(facts[name].items())) for name in names})
    assert again == frozen
    assert compute(again) == compute(frozen)
    result = result_of(frozen)
    assert canonical(result) == compute(frozen)
    shown = [one for one in result["indicators"] if one["share"] is not None]
    if shown:  # anybody computes the score again from what is published
        weights = sum(one["weight"] for one in shown)
        assert result["score"] == sum(one["weight"] * one["share"] for one in shown) // weights
        assert 0 <= result["score"] <= 10_000


@given(agencies(), st.data())
def test_one_more_defect_never_raises_a_score_whose_weights_stay(facts: dict[str, Any], data: st.DataObject):
    names = [name for name in facts if any(one in BAD for one in GROUPS[Indicator(name)])]
    if not names:
        return
    before = result_of(inputs(**facts))
    name = data.draw(st.sampled_from(names))
    group = data.draw(st.sampled_from([one for one in GROUPS[Indicator(name)] if one in BAD]))
    worse = orjson.loads(orjson.dumps(facts))
    worse[name]["groups"][group]["count"] += 1
    after = result_of(inputs(**worse))
    shares = (
        {one["name"]: one["share"] for one in before["indicators"]},
        {one["name"]: one["share"] for one in after["indicators"]},
    )
    if shares[0][name] is not None and name not in {"QUALITY", "LISTS"}:  # another part may begin
        assert shares[1][name] <= shares[0][name]
        assert after["score"] <= before["score"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said | {"method": "databourse-agency-evaluation/2"},
        lambda said: said | {"indicators": {}},
        lambda said: said | {"rules": {}},
        lambda said: said | {"rules": {**said["rules"], "EVL-IND": {}}},
        lambda said: said | {"indicators": {**said["indicators"], "LISTS": {"groups": {}}}},
        lambda said: said | {"indicators": {**said["indicators"], "LISTS": []}},
    ],
)
def test_other_inputs_are_refused(spoil):
    said = orjson.loads(inputs(**WHOLE))
    with pytest.raises(InputsBroken):
        compute(canonical(spoil(said)))


def test_bytes_that_are_not_canonical_or_count_below_nothing_are_refused():
    frozen = inputs(**WHOLE)
    worse = orjson.loads(frozen)
    worse["indicators"]["CONFLICTS"]["groups"]["conflict"]["count"] = -1
    for wrong in (b"", b"{", b" " + frozen, b"[]", b"\xff", canonical(worse)):
        with pytest.raises(InputsBroken):
            compute(wrong)
