"""What others' files hold of a kind: numbers beside empty ones, long decimals, texts as views."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from supervision.arrow import ARROW, as_kind, in_figures
from supervision.engine import Engine
from supervision.schema import Kind

NAN = float("nan")
AT = datetime(2026, 5, 4, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "values", "read"),
    [
        (Kind.INT, pa.array([1.0, NAN]), [1, None]),
        (Kind.INT, pa.array(["1200.0", " 7 ", None]), [1200, 7, None]),
        (Kind.INT, pa.array([Decimal("680000.00")]), [680_000]),
        (Kind.INT, pa.array(["5"]).dictionary_encode(), [5]),
        (Kind.SHARE, pa.array(["0.3333333333333333", "5e-2"]), [Decimal("0.333333333"), Decimal("0.05")]),
        (Kind.SHARE, pa.array([Decimal("0.2500000000004")]), [Decimal("0.25")]),
        (Kind.TIME, pa.array([NAN, NAN]), [None, None]),
        (Kind.TIME, pa.array(["2026-05-04T09:02:03+08:00"], pa.string_view()), [AT]),
        (Kind.TIME, pa.array(["2026-05-04 01:02:03"]), [AT]),
        (Kind.DAY, pa.array([b"2026-05-04"]), [date(2026, 5, 4)]),
        (Kind.LIST, pa.array(["a|b"], pa.string_view()), [["a", "b"]]),
        (Kind.BOOL, pa.array([1, 0, None], pa.int8()), [True, False, None]),
        (Kind.TEXT, pa.array([NAN]), [None]),
    ],
)
def test_what_is_written_otherwise_is_read_as_what_it_is(kind, values, read):
    told = as_kind(values, kind)
    assert told.type == ARROW[kind]
    assert told.to_pylist() == [None if one is None else pa.scalar(one, ARROW[kind]).as_py() for one in read]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.INT, pa.array(["1.5"])),
        (Kind.INT, pa.array([1.5])),
        (Kind.INT, pa.array(["1,200"])),
        (Kind.SHARE, pa.array(["5 %"])),
        (Kind.TIME, pa.array([1_700_000_000])),
        (Kind.TIME, pa.array([1.5])),
        (Kind.TIME, pa.array([["2026-01-01"]])),
        (Kind.TEXT, pa.array([b"\xff"])),
        (Kind.LIST, pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))),
    ],
)
def test_what_is_of_no_such_kind_is_refused(kind, values):
    with pytest.raises((TypeError, ValueError, NotImplementedError)):
        as_kind(values, kind)


def test_a_grade_may_be_said_in_words():
    said = pa.array(["一级", "第三级", "Grade 2", "g1", "III", "2", "2.0", None, "best"])
    assert in_figures(said).to_pylist() == ["1", "3", "2", "1", "3", "2", "2.0", None, "BEST"]
    assert in_figures(pa.array([1, None])).to_pylist() == [1, None]


def test_answers_are_told_in_plain_values():
    """Times aware to the microsecond, before 1970 too; whole decimals are whole numbers, however wide."""
    early, wide = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), 10**30
    batch = pa.record_batch(
        {
            "at": pa.array([AT, early, None], pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")),
            "zoned": pa.array([AT, None, AT], pa.timestamp("us", tz="UTC")),
            "sum": pa.array([Decimal(wide), Decimal(-7), None], pa.decimal128(38, 0)),
            "share": pa.array([Decimal("0.5"), Decimal("1.0"), None], pa.decimal128(18, 9)),
            "day": pa.array([date(2026, 5, 4), None, None]),
        }
    )

    class Answers(Engine):
        batches = staticmethod(lambda _: [batch])
        keep = None

    told = list(Answers({}).rows(""))
    assert told == [
        {"at": AT, "zoned": AT, "sum": wide, "share": Decimal("0.5"), "day": date(2026, 5, 4)},
        {"at": early, "zoned": None, "sum": -7, "share": 1, "day": None},
        {"at": None, "zoned": AT, "sum": None, "share": None, "day": None},
    ]
    assert [type(row["sum"]) for row in told[:2]] == [int, int]
    assert type(told[1]["share"]) is int
