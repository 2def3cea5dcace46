"""Tables of strangers: what is understood, and what is refused with the table's name."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from supervision.context import Mode
from supervision.errors import UnusableEvidence
from supervision.intake import take_in
from supervision.runner import carry_out, supervise
from supervision.schema import TABLES
from tests.supervision.tables import AS_OF, Market, plan_of

ALL_TABLES = frozenset(TABLES)


def read(folder, tmp_path, wanted=ALL_TABLES):
    work = tmp_path / "work"
    work.mkdir()
    return {s.name: pq.read_table(s.path).to_pylist() for s in take_in(folder, work, wanted).values()}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "evidence"
    made.mkdir()
    return made


def test_csv_as_the_design_says_it(folder, tmp_path):
    (folder / "orgs.csv").write_text(
        "\ufefforg_id,name,is_ciio,roles,remark\no1,甲,true,PROVIDER|BUYER,x\no2,,false,,\n", encoding="utf-8"
    )
    assert read(folder, tmp_path)["orgs"] == [
        {"org_id": "o1", "name": "甲", "is_ciio": True, "roles": ["PROVIDER", "BUYER"]},
        {"org_id": "o2", "name": None, "is_ciio": False, "roles": None},
    ]


@pytest.mark.parametrize(
    "text",
    ["2026-10-12T08:00:00Z", "2026-10-12T08:00:00.000Z", "2026-10-12T16:00:00+08:00", "2026-10-12T08:00:00"],
)
def test_times_are_utc_whatever_their_offset(folder, tmp_path, text):
    (folder / "trades.csv").write_text(f"trade_id,agreed_at\nt,{text}\n")
    assert read(folder, tmp_path)["trades"] == [
        {"trade_id": "t", "agreed_at": datetime(2026, 10, 12, 8, tzinfo=UTC)}
    ]


@pytest.mark.parametrize("form", ["csv", "date32"])
def test_a_day_alone_is_shanghais_and_a_certificate_holds_on_its_last(folder, tmp_path, form):
    table = pa.table({"cert_id": ["c"], "valid_from": ["2026-06-10"], "valid_to": ["2026-06-10"]})
    if form == "csv":
        pa_csv.write_csv(table, folder / "certificates.csv")
    else:
        days = pa.array([date(2026, 6, 10)])
        table = table.set_column(1, "valid_from", days).set_column(2, "valid_to", days)
        pq.write_table(table, folder / "certificates.parquet")
    (certificate,) = read(folder, tmp_path)["certificates"]
    assert certificate["valid_from"] == datetime(2026, 6, 9, 16, tzinfo=UTC)
    assert certificate["valid_to"] == datetime(2026, 6, 10, 15, 59, 59, 999_999, tzinfo=UTC)


def test_parquet_of_other_writers(folder, tmp_path):
    table = pa.table(
        {
            "trade_id": pa.array([1, 2]),  # ids as numbers
            "amount_minor": pa.array(
                [100.0, float("nan")]
            ),  # whole numbers with a gap, as pandas writes them
            "seq": pa.array([7, None], pa.int32()),
            "status": pa.array(["SETTLED", None]).dictionary_encode(),
            "agreed_at": pa.array([datetime(2026, 1, 1), None], pa.timestamp("ns")),  # noqa: DTZ001 - no zone: UTC
            "settled_at": pa.array(
                [datetime(2026, 1, 2, tzinfo=UTC), None], pa.timestamp("ms", "Asia/Shanghai")
            ),
            "unit": pa.array([None, None]),
        }
    )
    pq.write_table(table, folder / "trades.parquet")
    days = pa.array([datetime(2026, 1, 1, 23)])  # noqa: DTZ001 - no zone: UTC
    pq.write_table(pa.table({"trade_id": ["1"], "day": days}), folder / "usage.parquet")
    tables = read(folder, tmp_path)
    assert tables["trades"][0] == {
        "trade_id": "1",
        "amount_minor": 100,
        "seq": 7,
        "status": "SETTLED",
        "agreed_at": datetime(2026, 1, 1, tzinfo=UTC),
        "settled_at": datetime(2026, 1, 2, tzinfo=UTC),
        "unit": None,
    }
    assert tables["trades"][1]["amount_minor"] is None
    assert tables["usage"] == [{"trade_id": "1", "day": date(2026, 1, 1)}]


def test_a_table_no_rule_asks_for_is_read_for_its_times_only(folder, tmp_path):
    (folder / "exports.csv").write_text(
        "declaration_id,declared_at,sensitive\nd,2026-10-12T00:00:00Z,perhaps\n"
    )
    assert read(folder, tmp_path, frozenset()) == {
        "exports": [{"declared_at": datetime(2026, 10, 12, tzinfo=UTC)}]
    }


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_no_rule_asks_for_and_that_tells_no_time_is_counted(folder, form):
    """`undertakings` has no time at all, and these `listings` have none."""
    tables = {
        "orgs": {"org_id": ["a"], "controller_id": [""]},
        "trades": {
            "trade_id": ["t"],
            "seller_id": ["a"],
            "buyer_id": ["a"],
            "agreed_at": ["2026-01-01T00:00:00Z"],
        },
        "undertakings": {"org_id": ["a", "b"], "year": ["2025", "none"], "sales_minor": ["5", "7"]},
        "listings": {"listing_id": ["l"], "seller_id": ["a"]},
    }
    for name, columns in tables.items():
        if form == "csv":
            pa_csv.write_csv(pa.table(columns), folder / f"{name}.csv")
        else:
            pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    made = carry_out(plan_of(AS_OF, Mode.TOP_K, ("WT1",)), folder)
    assert [finding.objects for finding in made.findings] == [("t",)]
    told = made.document()["tables"]
    assert (told["undertakings"], told["listings"]["rows"]) == ({"rows": 2}, 1)


BAD = {
    "an amount with a fraction": ("trades.csv", "trade_id,amount_minor\nt,1.5\n", "trades.amount_minor"),
    "an amount beyond 64 bits": (
        "trades.csv",
        "trade_id,amount_minor\nt,9223372036854775808\n",
        "trades.amount_minor",
    ),
    "a time in another style": ("trades.csv", "trade_id,agreed_at\nt,12/10/2026\n", "trades.agreed_at"),
    "a boolean that is none": ("orgs.csv", "org_id,is_ciio\no,maybe\n", "orgs.is_ciio"),
    "a row that is too short": ("trades.csv", "trade_id,status\nt\n", "trades.csv"),
    "a column named twice": ("trades.csv", "trade_id,trade_id\n1,2\n", "trades.csv names a column twice"),
    "another table": ("trades.csv", "colour\nred\n", "trades.csv has no column"),
    "nothing": ("trades.csv", "", "trades.csv has no column"),
    "an unreadable text": ("trades.csv", b"trade_id,status\nt,\xff\xfe\n", "trades.csv"),
    "no parquet": ("trades.parquet", b"PAR1xxxxxxxxxxxxPAR1", "trades.parquet"),
    "a trade twice": (
        "trades.csv",
        "trade_id,agreed_at\nt,2026-01-01T00:00:00Z\nt,\n",
        "trades holds 't' twice",
    ),
    "a trade without id": (
        "trades.csv",
        "trade_id,agreed_at\n,2026-01-01T00:00:00Z\n",
        "a row without trade_id",
    ),
    "no time at all": ("trades.csv", "trade_id,agreed_at\nt,\n", "--as-of"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_refused_by_name(folder, case):
    name, content, said = BAD[case]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UnusableEvidence) as refused:
        supervise(folder)
    assert said in refused.value.detail
    assert [path.name for path in folder.iterdir()] == [name]  # and nothing was left behind


def test_fractions_in_parquet_are_refused_and_not_rounded(folder):
    pq.write_table(pa.table({"trade_id": ["t"], "amount_minor": [1.5]}), folder / "trades.parquet")
    with pytest.raises(UnusableEvidence, match=r"trades\.amount_minor"):
        supervise(folder)


def test_a_table_in_both_forms_is_ambiguous(folder):
    market = Market("trades").trade("t", "a", "b", 1)
    market.write(folder)
    market.write(folder, form="csv")
    with pytest.raises(UnusableEvidence, match="twice"):
        supervise(folder)


def test_an_empty_folder_and_no_folder_are_refused(folder, tmp_path):
    for path in (folder, tmp_path / "nowhere"):
        with pytest.raises(UnusableEvidence):
            supervise(path)


def test_a_path_of_patterns_and_quotes_is_a_path(tmp_path):
    folder = tmp_path / "it's [a] *star* {x}"
    market = Market("orgs", "trades").trade("t", "a", "a", 1)
    result = carry_out(plan_of(market.as_of, only=("WT1",)), market.write(folder))
    assert [finding.objects for finding in result.findings] == [("t",)]


def test_a_missing_column_switches_off_its_rules(tmp_path, folder):
    (folder / "trades.csv").write_text("trade_id,seller_id,buyer_id,agreed_at\nt,a,a,2026-01-01T00:00:00Z\n")
    (folder / "orgs.csv").write_text("org_id,controller_id\na,A\n")
    result = supervise(folder, as_of=AS_OF)
    assert [run["rule_id"] for run in result.rules_run] == ["WT1"]
    off = {entry["rule_id"]: entry.get("missing_column") for entry in result.rules_off}
    assert off["AML24-1"] == "category"
    assert off["WT2"] == "product_id"
    assert off["S30"] is None  # there the whole table is missing
