"""What an expression over empty tables cannot have is told from its form, and never wrongly."""

import ibis
import pytest

from supervision import plan
from supervision.emptiness import has_no_row, without_empty
from tests.supervision.test_determinism import busy

A, B = (ibis.table({"key": "string", "n": "int64"}, name=name) for name in ("a", "b"))


def nothing(expression, *empty):
    return has_no_row(expression.op(), lambda name: name in empty)


@pytest.mark.parametrize(
    ("expression", "by_a", "by_b"),
    [
        (A.filter(A.n > 0).select("key").distinct().order_by("key"), True, False),
        (A.inner_join(B, "key"), True, True),
        (A.semi_join(B, "key"), True, True),
        (A.cross_join(B), True, True),
        (A.left_join(B, "key"), True, False),
        (A.anti_join(B, "key"), True, False),
        (A.outer_join(B, "key"), False, False),
        (A.union(B), False, False),
        (A.union(A.inner_join(B, "key").select("key", "n")), True, False),
        (A.left_join(B, "key").select("key").inner_join(B, "key"), True, True),
        (A.group_by("key").agg(n=A.n.sum()), True, False),
        (A.agg(n=A.n.sum()), False, False),  # one row, of nothing too
    ],
)
def test_what_an_empty_table_leaves_empty(expression, by_a, by_b):
    assert (nothing(expression), nothing(expression, "a"), nothing(expression, "b")) == (False, by_a, by_b)


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        (A.union(B), A),
        (B.union(A), A),
        (A.union(B, distinct=True), A.distinct()),
        (A.union(B.filter(B.n > 0)).filter(lambda t: t.n > 1).order_by("n"), A.filter(A.n > 1).order_by("n")),
        (A.union(B).union(A), A.union(A)),
        (A.union(A.anti_join(B, "key")), A.union(A.anti_join(B, "key"))),
        (B.union(B), B.union(B)),  # has no row: it is not asked
        (A, A),
    ],
)
def test_of_a_union_with_an_empty_table_the_other_is_left(expression, left):
    assert without_empty(expression.op(), {"b"}.__contains__) == left.op()


def check(tmp_path, monkeypatch, emptied, *only):
    market = busy()
    market.rows[emptied], market.only = [], only
    sparing = market.supervise(tmp_path).encoded()
    asked = []
    plan._queries.cache_clear()  # what is spared once is spared for all runs of a moment
    monkeypatch.setattr(plan, "has_no_row", lambda relation, is_empty: asked.append(relation) and False)
    monkeypatch.setattr(plan, "without_empty", lambda relation, is_empty: relation)
    assert market.supervise(tmp_path).encoded() == sparing
    assert len(asked) >= len(only)


def test_what_is_not_asked_would_have_had_no_row(tmp_path, monkeypatch):
    check(tmp_path, monkeypatch, "listings", "CO3", "PRICE_CAP", "S25", "WT4", "WT6", "REDEV")


@pytest.mark.soak
@pytest.mark.parametrize("emptied", sorted(busy().rows))
def test_of_any_table_what_is_not_asked_would_have_had_no_row(tmp_path, monkeypatch, emptied):
    check(tmp_path, monkeypatch, emptied)


def test_what_can_have_no_row_is_not_asked(tmp_path, monkeypatch):
    market = busy()
    for name in market.rows.keys() - {"trades", "orgs"}:
        market.rows[name] = []

    def noted(queries, name, is_empty):
        asked = sparing(queries, name, is_empty)
        written.extend([] if asked is None else [name])
        return asked

    written, sparing = [], plan.Queries.sparing
    monkeypatch.setattr(plan.Queries, "sparing", noted)
    market.only = ("WT1", "CO3", "BR8", "AB3", "UC2", "AM2", "S30D")
    market.supervise(tmp_path)
    assert "WT1" in written
    assert not {"CO3", "BR8", "AB3", "UC2", "AM2", "S30D"} & set(written)
