"""What a regulator looks at: by month as the statistics have it, groups of comparable sales, flows."""

from datetime import UTC, datetime

import orjson
import pytest
from typer.testing import CliRunner

from cli.main import app
from supervision.analysis import analyse, month_ends
from supervision.errors import UnusableEvidence
from tests.supervision.tables import AS_OF, Market, on


def market() -> Market:
    made = Market("orgs", "flags", "trades", "listings", "exports", "export_transfers")
    made.org("seller-1", "group", region="440100").org("seller-2", "group", region="440100")
    made.org("seller-3", region="440300").org("buyer", region="810000").org("sham", region="440300")
    for seller in ("seller-1", "seller-2", "seller-3"):
        made.add("listings", listing_id=f"lst-{seller}", product_type="DATASET", level="general-1")
    made.trade("t1", "seller-1", "buyer", 300, on(9, 1)).trade("t2", "seller-2", "buyer", 300, on(9, 2))
    made.trade("t3", "seller-3", "buyer", 400, on(10, 10))
    made.trade("t4", "seller-3", "sham", 9000, on(10, 11)).add("flags", trade_id="t4", from_seq=1)
    for n, amount in enumerate((100, 200, 300, 400)):
        made.trade(f"u{n}", "seller-1", "buyer", amount, on(11, 2 + n), unit="set")
    declared = {"exporter_id": "seller-1", "recipient_id": "r", "declared_at": on(10, 1)}
    made.add("exports", declaration_id="d1", country="SG", persons_declared=10, sensitive=True, **declared)
    made.add("exports", declaration_id="d2", country="SG", persons_declared=5, **declared)
    made.add("exports", declaration_id="d3", country="CN", persons_declared=7, **declared)
    made.add("export_transfers", declaration_id="d1", transferred_at=on(10, 2), persons_actual=4)
    return made


def test_the_figures_are_those_of_the_tables_and_the_same_twice(tmp_path) -> None:
    folder = market().write(tmp_path / "evidence")
    out = tmp_path / "analysis.json"
    done = CliRunner().invoke(
        app, ["analyse", str(folder), "--as-of", AS_OF.isoformat(), "--months", "3", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "1 markets in 2026-11, 3 months" in done.output
    told = orjson.loads(out.read_bytes())
    months = {one["month"]: one["markets"] for one in told["concentration"]}
    assert [(month, [m["hhi"] for m in markets]) for month, markets in months.items()] == [
        ("2026-09", [10_000]),  # both sellers are one undertaking
        ("2026-10", [5_200]),  # 600 and 400; what is under a flag is left out
        ("2026-11", [6_800]),  # 1600 and 400
    ]
    (october,) = months["2026-10"]
    assert (october["flagged_left_out"], october["total_minor"], october["cr4_bp"]) == (1, "1000", 10_000)
    assert [(one["controller_id"], one["share_bp"], one["org_ids"]) for one in october["largest"]] == [
        ("group", 6000, ["seller-1", "seller-2"]),
        ("c-seller-3", 4000, ["seller-3"]),
    ]
    assert told["bands"]["HHI"] == {"moderate_from": 1000, "high_above": 1800}
    assert told["limits"] == {"ratio_from": "2", "share": "1/2"}
    (group,) = told["prices"]
    assert {name: group[f"{name}_minor"] for name in ("low", "lower", "median", "upper", "high")} == {
        "low": "100",
        "lower": "200",
        "median": "300",
        "upper": "400",
        "high": "400",
    }
    assert (group["sales"], group["product_type"], group["size_digits"]) == (7, "DATASET", None)
    assert [
        (one["seller_region"], one["buyer_region"], one["value_minor"], one["trades"])
        for one in told["flows"]["regions"]
    ] == [("440100", "810000", "1600", 6), ("440300", "810000", "400", 1)]
    assert [(one["seller_zone"], one["buyer_zone"]) for one in told["flows"]["zones"]] == [
        ("gba", "hk-macao")
    ]
    for grouping in told["flows"].values():
        assert sum(int(one["value_minor"]) for one in grouping) == 2000
    (abroad,) = told["exports"]
    assert {name: abroad[name] for name in ("country", "declarations", "sensitive", "transfers")} == {
        "country": "SG",
        "declarations": 2,
        "sensitive": 1,
        "transfers": 1,
    }
    assert (abroad["persons_declared"], abroad["persons_sent"]) == (15, 4)


def test_months_end_where_they_end_and_the_running_one_now() -> None:
    now = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)  # it is April in Shanghai
    assert list(month_ends(now, 3)) == [
        ("2026-02", datetime(2026, 2, 28, 15, 59, 59, 999_000, tzinfo=UTC)),
        ("2026-03", datetime(2026, 3, 31, 15, 59, 59, 999_000, tzinfo=UTC)),
        ("2026-04", now),
    ]


def test_without_organisations_there_is_nothing_to_look_at(tmp_path) -> None:
    folder = Market("trades").write(tmp_path / "evidence")
    with pytest.raises(UnusableEvidence, match="orgs"):
        analyse(folder)
    done = CliRunner().invoke(app, ["analyse", str(folder), "--out", str(tmp_path / "x.json")])
    assert done.exit_code == 2
    assert not (tmp_path / "x.json").exists()
