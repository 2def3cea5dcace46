"""Evidence that cannot be: refused with its name, or told in the report; never a crash or silence."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervision.arrow import arrow_schema
from supervision.context import Mode
from supervision.errors import UnusableEvidence
from supervision.intake import take_in
from supervision.runner import carry_out, supervise
from supervision.schema import KEYS, TABLES, Kind
from supervision.sifting import MOST
from tests.supervision.tables import AS_OF, Market, on, plan_of
from tests.supervision.test_determinism import busy

HEADER = "trade_id,seller_id,buyer_id,agreed_at,amount_minor,category\n"
ROW = "t1,a,a,2026-01-01T00:00:00Z,5,c\n"
WILD = {
    Kind.TEXT: ["", "x", "\0", "甲", "a|b", "'\"", "🙂", "9" * 40],
    Kind.INT: [0, -1, 1, 7, 2**63 - 1, -(2**63), MOST, -MOST, 2**53],
    Kind.BOOL: [True, False],
    Kind.TIME: [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), AS_OF, on(6, 1)],
    Kind.DAY: [date.min, date.max, AS_OF.date()],
    Kind.SHARE: [Decimal(0), Decimal(1), Decimal(-1), Decimal(999_999_999), Decimal("0.000000001")],
    Kind.LIST: [[], [""], ["a", "a"], ["*"], [None]],
}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "evidence"
    made.mkdir()
    return made


def told(folder, *rules):
    return carry_out(plan_of(AS_OF, Mode.TOP_K, rules or ("WT1",)), folder).document()


@pytest.fixture(scope="module")
def market():
    return busy()


def wild(market, chance, part):
    """The market with a part of all values, in every column of every table, gone or an extreme."""
    spoilt = Market(*TABLES)
    for name, columns in TABLES.items():
        rows = [dict(row) for row in market.rows.get(name, [{}, {}])]
        for row in rows:
            for column, kind in columns.items():
                if chance.random() < part:
                    row[column] = None if chance.random() < 0.5 else chance.choice(WILD[kind])
        if name in KEYS:
            rows = list({row[KEYS[name]]: row for row in rows if row.get(KEYS[name])}.values())
        spoilt.rows[name] = rows
    return spoilt


def check_wild(market, tmp_path_factory, chance, part):
    spoilt = wild(market, chance, part)
    once = spoilt.supervise(tmp_path_factory.mktemp("wild"))
    encoded = once.encoded()
    assert not once.rules_off
    for name, table in once.document()["tables"].items():
        assert table["rows"] + sum(table.get("left_out", {}).values()) == len(spoilt.rows[name])
    return spoilt, encoded


def test_every_rule_judges_what_is_left_of_wild_tables(market, tmp_path_factory):
    check_wild(market, tmp_path_factory, random.Random(4), 0.06)


@pytest.mark.soak
@given(st.integers(0, 10**9), st.sampled_from([0.005, 0.05, 0.3]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_rule_judges_what_is_left_of_any_wild_tables(market, tmp_path_factory, seed, part):
    chance = random.Random(seed)
    spoilt, encoded = check_wild(market, tmp_path_factory, chance, part)
    again = spoilt.supervise(
        tmp_path_factory.mktemp("wild"), shuffle=lambda rows: chance.sample(rows, len(rows))
    )
    assert again.encoded() == encoded


BAD = {
    "a quote never closed": (HEADER + ROW + '"t2,a,a,,5,c\nt3,a,a,,5,c\n', "never closed, after line 2"),
    "a value of another kind": (HEADER + ROW + ROW.replace("5", "5.5"), "trades.amount_minor, row 2"),
    "a year of six digits": (HEADER + ROW.replace("2026", "262000"), "trades.agreed_at, row 1"),
    "a column twice, but for its case": ("Trade_ID," + HEADER + "1," + ROW, "names a column twice: trade_id"),
    "a row of twenty megabytes": (
        HEADER + ROW + f"t2,a,a,,5,{'c' * 20_000_000}\n" + ROW,
        "a row is longer than",
    ),
    "text of another encoding": ((HEADER + ROW).encode("utf-16"), "trades.csv cannot be read"),
    "half a character": (HEADER.encode() + b"t\xed\xa0\x80,a,a,,5,c\n", "trades.csv cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_refused_by_its_place(folder, case):
    content, said = BAD[case]
    (folder / "trades.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UnusableEvidence) as refused:
        take_in(folder, folder.parent, frozenset(TABLES))
    assert said in refused.value.detail


@pytest.mark.parametrize("form", ["folder", "nowhere", "itself"])
def test_what_stands_under_a_tables_name_and_is_no_file_is_refused(folder, form):
    path = folder / "trades.parquet"
    if form == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if form == "itself" else folder / "nowhere")
    with pytest.raises(UnusableEvidence, match=r"trades\.parquet is there, and is no file"):
        supervise(folder)


def test_a_link_to_a_table_is_that_table(folder, tmp_path):
    Market("trades", "orgs").trade("t", "a", "a", 1).write(tmp_path / "elsewhere")
    for name in ("trades", "orgs"):
        (folder / f"{name}.parquet").symlink_to(tmp_path / "elsewhere" / f"{name}.parquet")
    assert [finding["objects"] for finding in told(folder)["findings"]] == [["t"]]


def test_what_was_left_out_or_read_otherwise_stands_in_the_report(folder):
    (folder / "trades.csv").write_text(
        HEADER
        + ROW
        + "t2,,a,2026-01-01T00:00:00Z,5,c\n"  # sold by nobody
        + "t3,a,a,2026-01-01T00:00:00Z,-5,c\n"  # money below nothing
        + f"t4,a,a,0001-01-01T00:00:00Z,{2**63 - 1},c\n"
        + "t5,a,a,,5,c\n"
    )
    (folder / "orgs.csv").write_text("org_id,controller_id,colour\na,A,red\n")
    (folder / "Trades.csv").write_text("1")
    document = told(folder)
    trades = document["tables"]["trades"]
    assert (trades["rows"], trades["left_out"], trades["undated"]) == (4, {"seller_id": 1}, 1)
    assert trades["read_otherwise"] == {"amount_minor": 2, "agreed_at": 1}
    assert "status" in trades["missing_columns"]
    assert document["tables"]["orgs"]["ignored_columns"] == ["colour"]
    assert document["ignored_files"] == ["Trades.csv"]
    amounts = {one["objects"][0]: one["statistic"]["amount_minor"] for one in document["findings"]}
    assert amounts == {"t1": "5", "t3": None, "t4": None}
    assert orjson.loads(orjson.dumps(document))["tables"] == document["tables"]


def test_parquet_of_the_agreed_types_is_sifted_too(folder):
    market = Market("orgs", "trades").trade("t", "a", "a", -7).trade("u", "a", None, 7)
    market.trade("v", "", "a", 7).trade("w", "a", "a", 7, quantity=-1)
    market.write(folder)
    document = told(folder)
    assert document["tables"]["trades"]["left_out"] == {"seller_id": 1, "buyer_id": 1}
    assert document["tables"]["trades"]["read_otherwise"] == {"amount_minor": 1, "quantity": 1}


def test_times_of_an_integer_beyond_any_calendar_are_sifted(folder):
    far = (
        pa.array([2**62, -(2**62), None], pa.int64()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    )
    table = pa.table({"trade_id": ["t", "u", "v"], "seller_id": ["a"] * 3, "buyer_id": ["a"] * 3})
    pq.write_table(table.append_column("agreed_at", far), folder / "trades.parquet")
    (folder / "orgs.csv").write_text("org_id,controller_id\na,A\n")
    document = told(folder)
    assert document["tables"]["trades"]["read_otherwise"] == {"agreed_at": 2}
    assert [finding["objects"] for finding in document["findings"]] == [["u"]]  # the other is not yet
    with pytest.raises(UnusableEvidence, match=r"trades\.agreed_at.*--as-of"):
        supervise(folder)


def test_nothing_is_looked_at_from_before_all_times(folder):
    Market("trades").trade("t", "a", "a", 1).write(folder)
    with pytest.raises(UnusableEvidence, match="nothing can be looked at from 0001"):
        supervise(folder, as_of=datetime.min.replace(tzinfo=UTC))


def test_a_damaged_parquet_is_refused_or_read_and_never_a_crash(folder):
    market = Market("orgs", "trades").org("a", "A")
    for n in range(40):
        market.trade(f"t{n}", "a", "b", 1000 + n, on(6, 1) + timedelta(hours=n))
    whole = (market.write(folder) / "trades.parquet").read_bytes()
    chance, refused = random.Random(8), 0
    for n in range(40):
        damaged = bytearray(whole[: chance.randrange(len(whole))] if n % 3 == 0 else whole)
        for _ in range(n % 3 * 3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (folder / "trades.parquet").write_bytes(damaged)
        try:
            told(folder)
        except UnusableEvidence as error:
            refused += "trades" in error.detail or "WT1" in error.detail
    assert refused >= 30


def test_a_broken_character_in_a_parquet_names_its_file(folder):
    Market("orgs", "trades").trade("t", "Straße", "Straße", 1).write(folder)
    path = folder / "trades.parquet"
    row = {"trade_id": "t", "seller_id": "abcdef", "buyer_id": "abcdef", "agreed_at": AS_OF}
    schema = arrow_schema({column: TABLES["trades"][column] for column in row})
    table = pa.Table.from_pylist([row], schema=schema)
    pq.write_table(table, path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"abcdef", b"abc\xffef"))
    with pytest.raises(UnusableEvidence, match=r"^\w+: the tables cannot be asked: .*trades\.parquet"):
        told(folder)
