"""A month's statistics from tables to report: what counts, what ties, what each edition shows."""

import csv
import io
from xml.etree import ElementTree as ET

import orjson
import pytest
import typer
from typer.testing import CliRunner

from cli.statistics import statistics
from ledger.bundle import Bundle
from supervision.evidence.counted import SURVEY_AMOUNTS, SURVEY_NUMBERS
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries
from supervision.statistics import facts
from supervision.statistics.confidential import determined
from supervision.statistics.editions import Edition, hidden, linked_cells
from supervision.statistics.facts import GROUPINGS
from supervision.statistics.figures import _queries, gather, month_of
from supervision.statistics.layers import ITEMS
from supervision.statistics.ties import stated, ties
from tests.supervision.statements import SELLER, founded, sc1
from tests.supervision.tables import Market, on

app = typer.Typer()
app.command("statistics")(statistics)
NOVEMBER = "2026-11"
CITIES = ("440100", "440300", "440500")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sold(market, trade_id, seller, buyer, amount, **more):
    """A trade settled in November, with its payments: 2 % to a broker, 1 % to the exchange."""
    at = more.pop("at", on(11, 12))
    commission = amount // 50 if more.get("broker_id") else 0
    fee = amount // 100
    more |= {
        "commission_minor": commission,
        "platform_fee_minor": fee,
        "settled_at": at,
        "agreed_at": on(11, 5),
    }
    market.trade(trade_id, seller, buyer, amount, **more)
    for purpose, part in (
        ("seller_share", amount - commission - fee),
        ("commission", commission),
        ("platform_fee", fee),
    ):
        if part:
            market.add(
                "payments",
                payment_id=f"{trade_id}-{purpose}",
                trade_id=trade_id,
                amount_minor=part,
                paid_at=at,
                purpose=purpose,
            )
    return market


def market():
    """Nine units in three cities, each selling to three others in November; a ring; a trade of December."""
    made = Market("orgs", "flags", "trades", "payments", "listings", "rights", "survey_lines")
    for n in range(9):
        made.org(f"o{n}", region=CITIES[n % 3])
        made.add(
            "listings",
            listing_id=f"lst-o{n}",
            seller_id=f"o{n}",
            category="transport",
            level=f"general-{n % 2 + 1}",
            product_type="DATASET",
            public_data=n == 0,
            list_price_minor=0 if n == 0 else 100,
            listed_at=on(10, 1),
            product_id=f"prd-o{n}",
        )
        for right in ("HOLD", "USE", "OPERATE")[: 2 + n % 2]:
            made.add("rights", product_id=f"prd-o{n}", holder_id=f"o{n}", right=right, entered_at=on(10, 1))
        for step in (1, 2, 4):
            broker = "o8" if step == 4 else None
            category = ("transport", "energy")[n % 2]
            sold(
                made,
                f"t{n}-{step}",
                f"o{n}",
                f"o{(n + step) % 9}",
                100_000 + 1000 * n + step,
                broker_id=broker,
                category=category,
            )
    for n in range(3):
        sold(made, f"ring{n}", f"o{n}", f"o{(n + 1) % 3}", 77_000_000)
        made.add("flags", trade_id=f"ring{n}", case_id="cse", from_seq=9)
    sold(made, "december", "o0", "o1", 5, at=on(11, 30, 16))  # the first moment of December in Shanghai
    sold(made, "back", "o0", "o1", 900, status="REFUNDED")
    return made


def report(made, tmp_path, *more):
    made.write(tmp_path / "evidence")
    done = run(tmp_path / "evidence", "--month", NOVEMBER, "--out", tmp_path / "report", *more)
    assert done.exit_code in {0, 1}, done.output
    return done, tmp_path / "report"


def rows(folder, name):
    return list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text(encoding="utf-8-sig"))))


def test_every_breakdown_adds_up_and_the_ring_is_left_out(tmp_path):
    done, folder = report(market(), tmp_path)
    assert done.exit_code == 0, done.output
    assert "27 settled trades count" in done.output
    assert "'flagged': 3" in done.output
    value = sum(100_000 + 1000 * n + step for n in range(9) for step in (1, 2, 4))
    for name in ("sector", "seller_region", "buyer_region", "right", "level", "product_type", "channel"):
        told = rows(folder, f"by_{name}")
        assert sum(int(row["trades"]) for row in told) == 27
        assert sum(int(row["value_minor"]) for row in told) == value
    for name in ("flow_region", "flow_zone", "flow_industry"):
        assert sum(int(row["value_minor"]) for row in rows(folder, name)) == value
    standings = {row["standing_en"]: row for row in rows(folder, "standings")}
    counted, flagged, undone = standings.values()
    parts = [int(counted[name]) for name in ("seller_share", "commission", "platform_fee")]
    assert sum(parts) == int(counted["value_minor"]) == value
    assert (flagged["trades"], flagged["value_minor"]) == ("3", "231000000")
    assert (undone["trades"], undone["value_minor"]) == ("1", "900")


def test_rights_levels_zones_and_medians_are_those_of_the_tables(tmp_path):
    _, folder = report(market(), tmp_path)
    assert [row["code"] for row in rows(folder, "by_right")] == ["HOLD+USE", "HOLD+USE+OPERATE"]
    assert [row["code"] for row in rows(folder, "by_level")] == ["general-1", "general-2"]
    assert {row["code"] for row in rows(folder, "by_sector")} == {"energy", "transport"}
    zones = {(row["from_code"], row["to_code"]) for row in rows(folder, "flow_zone")}
    assert zones <= {(a, b) for a in ("gba", "east") for b in ("gba", "east")}
    (channel,) = [row for row in rows(folder, "by_channel") if row["code"] == "mediated"]
    assert channel["trades"] == "9"
    prices = {row["code"]: row["median_minor"] for row in rows(folder, "median_prices")}
    energy = sorted(100_000 + 1000 * n + step for n in (1, 3, 5, 7) for step in (1, 2, 4))
    assert prices["energy"] == f"{energy[5] + energy[6]}/2"  # exact: half a fen is half a fen
    (public,) = [row for row in rows(folder, "listings") if row["public_data_en"] == "yes"]
    assert (public["free_en"], public["on_offer"]) == ("yes", "1")


@pytest.mark.parametrize(("purpose", "by"), [("seller_share", -1), ("platform_fee", 1)])
def test_a_fen_that_is_missing_or_too_much_is_named(tmp_path, purpose, by):
    made = market()
    (payment,) = [row for row in made.rows["payments"] if row["payment_id"] == f"t4-2-{purpose}"]
    payment["amount_minor"] += by
    done, folder = report(made, tmp_path)
    assert done.exit_code == 1
    assert "does not tie: trade.t4-2" in done.stderr
    assert "does not tie: settlement.counted.shares_and_fees" in done.stderr
    failed = [row["comparison"] for row in rows(folder, "ties") if row["holds"] == "false"]
    assert failed == ["settlement.counted.shares_and_fees", "trade.t4-2"]


def test_a_payment_of_no_settled_trade_does_not_tie(tmp_path):
    made = market()
    made.add(
        "payments", payment_id="p", trade_id="nobody", amount_minor=7, paid_at=on(11, 9), purpose="commission"
    )
    done, _ = report(made, tmp_path)
    assert done.exit_code == 1
    assert "settlement.of_no_trade: 0 here, 7 there" in done.stderr


def test_the_public_edition_tells_nothing_of_a_single_unit(tmp_path):
    made = market()
    made.org("lone", region="440800")
    sold(made, "lone-sale", "lone", "o1", 123_457, category="finance")
    done, folder = report(made, tmp_path, "--edition", "public")
    assert done.exit_code == 0, done.output
    every = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"123457" not in every
    assert b"1,234.57" not in every
    sectors = {row["code"]: row["value_minor"] for row in rows(folder, "by_sector")}
    assert sectors["finance"] == "withheld"
    assert "withheld" in {sectors["energy"], sectors["transport"]}  # or the total would tell it
    regions = {row["code"]: row["value_minor"] for row in rows(folder, "by_seller_region")}
    assert regions["440800"] == "withheld"
    told = gather(tmp_path / "evidence", NOVEMBER)
    closed = hidden(told, Edition.PUBLIC, year=None)
    cells, sums = linked_cells(told)
    assert not determined({name for name in closed if name in cells}, sums)
    assert {name for name, cell in cells.items() if cell.is_primary} <= closed
    assert hidden(told, Edition.REGULATOR, year=None) == frozenset()
    document = orjson.loads((folder / "figures.json").read_bytes())
    assert document["edition"] == "public"


def answered(made, org, **changes):
    amounts = {f"{item}_minor": 10_000 for item in ITEMS}
    values = {
        "survey_id": f"s-{org}",
        "org_id": org,
        "year": 2025,
        "answered_at": on(3, 1),
        "line_no": 1,
        "source": "enterprise",
        "form": "text",
        "industry": "I65",
        "stage": "product",
        "right": "HOLD",
        "level": "general-2",
        "region": "440100",
        "cross_border": False,
        "staff_bp": 1000,
        "own_use_bp": 10_000,
        "useful_life_years": 5,
        "seq": 7,
    }
    return made.add("survey_lines", **(values | amounts | changes))


def test_a_later_answer_takes_the_place_of_the_one_it_corrects(tmp_path):
    made = market()
    answered(made, "o1", collection_minor=99)
    answered(made, "o1", survey_id="s2", seq=8, answered_at=on(3, 2))
    answered(made, "o2", answered_at=on(12, 2), seq=9)  # after the month: not known then
    done, folder = report(made, tmp_path)
    assert done.exit_code == 0, done.output
    layers = {row["figure_en"]: row["value_minor"] for row in rows(folder, "survey_layers")}
    assert layers["Units that answered"] == "1"
    assert layers["Layer 1: expenditure on data"] == "70000"
    assert layers["Layer 2: Capital formation (active)"] == "50000"
    assert layers["Layer 3: Effect on regional GDP (cautious)"] == "40000"
    flows = {(row["from_code"], row["to_code"]) for row in rows(folder, "flow_industry")}
    assert ("I", "") in flows  # it names its industry; a seller that names none has its product's


def test_the_report_is_well_formed_and_its_drawings_have_names(tmp_path):
    made = market()
    made.rows["trades"][0]["unit"] = '=cmd|"/c calc"<script>'
    _, folder = report(made, tmp_path)
    for language, word in (("zh", "勾稽核对"), ("en", "Tie-out")):
        text = (folder / f"report.{language}.html").read_text(encoding="utf-8")
        assert word in text
        assert "<script>" not in text
        assert "http" not in text.replace("http-equiv", "")
        drawings = text.split("<svg")[1:]
        assert drawings
        for drawing in drawings:
            tree = ET.fromstring("<svg" + drawing.split("</svg>")[0] + "</svg>")
            names = {child.get("id") for child in tree if child.tag in {"title", "desc"}}
            assert set(tree.get("aria-labelledby").split()) == names
    assert "'=cmd" in (folder / "volumes.csv").read_text(encoding="utf-8-sig")


def test_an_empty_month_is_a_report_of_nothing(tmp_path):
    made = Market("orgs", "trades", "payments")
    done, folder = report(made, tmp_path)
    assert done.exit_code == 0, done.output
    assert rows(folder, "by_sector") == []
    assert "survey_lines" in orjson.loads((folder / "figures.json").read_bytes())["without"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--month", "2026-13"], "--month"),
        (["--month", "2026-5"], "--month"),
        (["--month", NOVEMBER, "--edition", "secret"], "--edition"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_written(tmp_path, options, said):
    folder = market().write(tmp_path / "evidence")
    done = run(folder, "--out", tmp_path / "report", *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "report").exists()


def test_a_folder_without_payments_cannot_be_tied(tmp_path):
    folder = Market("orgs", "trades").org("o").write(tmp_path / "evidence")
    done = run(folder, "--month", NOVEMBER, "--out", tmp_path / "report")
    assert done.exit_code == 2
    assert "payments" in done.stderr


def test_a_folder_that_is_no_report_is_not_replaced(tmp_path):
    folder = market().write(tmp_path / "evidence")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "mine.txt").write_text("mine")
    assert run(folder, "--month", NOVEMBER, "--out", tmp_path / "report").exit_code == 2
    assert (tmp_path / "report" / "mine.txt").read_text() == "mine"


def test_from_the_ledger_rights_quality_survey_and_the_settlements_themselves(tmp_path):
    ledger = founded()
    ledger.say(
        "LST.SUBMIT", "lst_1", listing_id="lst_1", seller_id=SELLER, rights=["HOLD", "USE"], source="DERIVED"
    )
    ledger.say("REG.MEASURE", "lst_1", listing_id="lst_1", score="91.4")
    line = dict.fromkeys(SURVEY_AMOUNTS, "500") | dict.fromkeys(SURVEY_NUMBERS, 3)
    line |= {"region": "440100", "industry": "I65", "source": "enterprise", "cross_border": True}
    ledger.say(
        "STA.SURVEY",
        "sta_1",
        survey_id="sta_1",
        org_id=SELLER,
        year=2025,
        corrects=None,
        opening={"lines": [line]},
    )
    ledger.say("CSE.FILE", "cse_1", case_id="cse_1")
    ledger.until(2026, 11, 16, 2)
    sc1(ledger)
    ledger.say("REG.CANCEL", "prd_1", product_id="prd_1", holder_id=SELLER, right="USE", reason_code="X")
    bundle = ledger.bundle(tmp_path / "bundle")
    with Bundle(bundle) as opened:
        derive(opened_entries(opened.records()), tmp_path / "evidence")
    told = gather(tmp_path / "evidence", "2026-11")
    (right,) = told.cells["right"]
    assert right == ("HOLD+USE", "")  # ended later: it stood when the trade was made
    assert told.total.trades == 1
    ended = {row["right"]: row["ended"] for row in told.registers["rights"]}
    assert ended == {"HOLD": 0, "USE": 1}
    assert told.registers["quality"] == [{"listings": 1, "tenths": 914}]
    assert told.registers["cases"] == [{"event": "CSE.FILE", "times": 1}]
    (answer,) = told.lines
    assert (answer.expenditure, answer.useful_life, answer.cross_border) == (3500, 3, True)
    with Bundle(bundle) as opened:
        ledgers = stated(opened.records(), told.period)
    assert ledgers.settlements == 1
    made = ties(told, ledgers)
    assert all(tie.holds for tie in made)
    assert ledgers.paid == told.total.value
    done = run(tmp_path / "evidence", "--month", "2026-11", "--out", tmp_path / "r", "--bundle", bundle)
    assert done.exit_code == 0, done.output


def test_every_grouping_is_a_table_of_the_report(tmp_path):
    _, folder = report(market(), tmp_path)
    names = {path.stem for path in folder.glob("*.csv")}
    missing = {
        name
        for name in GROUPINGS
        if name != "total" and not {name, f"by_{name}"} & names and "zone" not in name
    }
    assert missing == set()


def test_every_expression_can_be_asked_of_the_second_engine_too():
    kept, queries = _queries(month_of(NOVEMBER), "pyspark")
    assert "CASE" in kept
    assert all(
        facts.SETTLED in queries[name] for name in ("cells", "volumes", "standings", "medians", "waits")
    )


def overview(folder):
    return {row["figure_en"]: row["value"] for row in rows(folder, "overview")}


@pytest.mark.parametrize(
    ("trades", "closed", "middle"), [(2, True, True), (4, False, True), (6, False, False)]
)
def test_no_middle_of_a_few_is_published_and_nothing_that_tells_a_withheld_total(
    tmp_path, trades, closed, middle
):
    made = Market("orgs", "flags", "trades", "payments", "listings")
    for n in range(2 * trades):
        made.org(f"o{n}", region=CITIES[0])
    for n in range(trades):
        sold(made, f"t{n}", f"o{n}", f"o{n + trades}", 100_000 + n, category="transport")
    _, folder = report(made, tmp_path, "--edition", "public")
    told = overview(folder)
    assert (told["Settled trades that count"] == "withheld") is closed
    for name in ("median", "mean"):
        assert (told[f"Days from contract to settlement, {name}"] == "withheld") is middle
    assert (told["Trade certificates issued"] == "withheld") is closed
    assert (rows(folder, "median_prices")[0]["median_minor"] == "withheld") is middle
    _, whole = report(made, tmp_path)
    assert "withheld" not in overview(whole).values()
