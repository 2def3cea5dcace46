"""What changed in a table is told whole and no more, and what stood in the last run's file is not read."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervision import row_groups
from supervision.arrow import arrow_schema
from supervision.duckdb import open_duckdb
from supervision.intake import Source
from supervision.row_groups import told_of
from supervision.schema import TABLES
from supervision.state_files import StateFiles

COLUMNS = {name: TABLES["usage"][name] for name in ("trade_id", "calls")}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with open_duckdb({}, tmp_path_factory.mktemp("work")) as opened:
        yield opened


@pytest.fixture
def read(monkeypatch):
    """The ordinals of the groups of which rows are hashed."""
    seen, hashes = [], row_groups._hashes
    monkeypatch.setattr(row_groups, "_hashes", lambda *args: seen.append(args[2]) or hashes(*args))
    return seen


def written(folder, rows, *, group=4):
    path = folder / "usage.parquet"
    table = pa.Table.from_pylist(
        [{"trade_id": trade, "calls": calls} for trade, calls in rows], arrow_schema(COLUMNS)
    )
    pq.write_table(table, path, row_group_size=group)
    return Source("usage", path, COLUMNS, len(rows))


def changed(engine, told, names):
    """Which of these trades are among the changed keys."""
    values = ", ".join(f"('{name}')" for name in names)
    keys = engine.numbers(f"SELECT hash(id) AS h FROM (VALUES {values}) AS v (id)")[0]
    found = dict(zip(keys.tolist(), names, strict=True))
    return {found[key] for key in told.changed.tolist()}


def test_groups_that_stood_there_are_not_read(tmp_path, engine, read):
    files = StateFiles(tmp_path / "state")
    rows = [(f"t{n}", n) for n in range(12)]
    first = told_of(engine, written(tmp_path, rows), files, None)
    assert (read, first.changed) == ([0, 1, 2], None)
    read.clear()
    rows[5] = ("t5", 99)
    second = told_of(engine, written(tmp_path, [*rows, ("new", 1)]), files, first.document)
    assert read == [1, 3]
    assert changed(engine, second, ["t4", "t5", "t11", "new"]) == {"t5", "new"}
    assert second.document["version"] != first.document["version"]


def test_another_order_of_the_rows_is_no_change(tmp_path, engine):
    files, rows = StateFiles(tmp_path / "state"), [(f"t{n % 5}", n) for n in range(12)]
    first = told_of(engine, written(tmp_path, rows), files, None)
    again = told_of(engine, written(tmp_path, rows[::-1], group=5), files, first.document)
    assert (list(again.changed), again.document["version"]) == ([], first.document["version"])


ROWS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), max_size=9)


@given(ROWS, ROWS, st.integers(1, 4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_is_whose_rows_one_side_has_more_often(tmp_path, engine, before, now, group):
    files = StateFiles(tmp_path / "state")
    first = told_of(engine, written(tmp_path, before), files, None)
    second = told_of(engine, written(tmp_path, now, group=group), files, first.document)
    differing = (Counter(before) - Counter(now)) + (Counter(now) - Counter(before))
    assert changed(engine, second, list("abcd")) == {trade for trade, _ in differing}
    assert (second.document["version"] == first.document["version"]) == (not differing)
