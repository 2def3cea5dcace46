"""Use, terms, accounts, marks and texts, each fold on its own; what is gone is missing, and nothing else."""

from datetime import UTC, date, datetime

from tests.supervision.statements import BUYER, PARTIES, SELLER, founded, sc1
from tests.supervision.test_evidence import only, tables_of

DAYS = [{"day": "2026-11-20", "uses": 2, "bytes": 10}, {"day": "2026-11-21", "uses": 1, "bytes": 5}]


def used(ledger, kind, uses, opening):
    said = {"trade_id": "trd_1", "entitlement_id": "ent_1", "kind": kind, "first": 1, "last": uses}
    return ledger.say("DLV.USAGE", "trd_1", opening=opening, uses=uses, units=uses, root="0" * 64, **said)


def test_metered_uses_count_by_the_days_of_their_statement_and_by_their_kind(tmp_path):
    ledger = founded()
    sc1(ledger)
    for kind in ("API", "SHARE", "QUERY"):
        used(ledger, kind, 3, {"units_so_far": 3, "days": DAYS})
    rows = {row["day"]: row for row in tables_of(ledger, tmp_path)["usage"]}
    assert rows[date(2026, 11, 20)] | {"seq": 0} == {
        "trade_id": "trd_1",
        "day": date(2026, 11, 20),
        "calls": 2,
        "downloads": 2,
        "compute_jobs": 2,
        "bytes": 30,
        "seq": 0,
    }
    assert rows[date(2026, 11, 21)]["calls"] == 1


def test_uses_without_their_days_count_on_the_day_of_their_statement(tmp_path):
    ledger = founded()
    sc1(ledger)
    ledger.until(2026, 12, 24, 1)
    used(ledger, "API", 7, {"units_so_far": 7})
    rows = {row["day"]: row["calls"] for row in tables_of(ledger, tmp_path)["usage"]}
    assert rows[date(2026, 12, 24)] == 7


def test_terms_are_from_the_contract_to_the_end_of_the_last_offers_term(tmp_path):
    ledger = founded()
    sc1(ledger)
    rows = {row["kind"]: row for row in tables_of(ledger, tmp_path)["clauses"]}
    assert rows["licence_class"]["text"] == "INTERNAL"
    assert rows["licence_class"]["starts_at"] == datetime(2026, 11, 16, 1, 20, tzinfo=UTC)
    assert {row["clause_id"] for row in rows.values()} == {f"trd_1:{kind}" for kind in rows}


def test_an_account_is_one_digest_however_it_is_written_and_whoever_says_it(tmp_path):
    ledger = founded()
    account = "CN12 3456 7890"
    ledger.say(
        "PAY.ACCOUNT", SELLER, actor=SELLER, opening={"account": account, "holder": "x"}, org_id=SELLER
    )
    for written in ("cn1234567890", "CN1234567890"):
        opening = {"amount_minor": "1", "payer_account": written}
        ledger.say("TRD.FUND", "trd_9", opening=opening, trade_id="trd_9", **PARTIES)
    ledger.say("PAY.ACCOUNT", BUYER, actor=BUYER, opening=None, org_id=BUYER)  # erased
    rows = tables_of(ledger, tmp_path)["identifiers"]
    assert [(row["org_id"], row["kind"]) for row in rows] == [
        (SELLER, "bank_account"),
        (BUYER, "bank_account"),
    ]
    assert len({row["value_sha256"] for row in rows}) == 1


def test_a_text_counts_from_the_day_it_is_listed_and_each_draft_once(tmp_path):
    ledger = founded()
    draft = {"listing_id": "lst_9", "product_id": "prd_9", "seller_id": BUYER}
    says = {"title": "优于粤能数科", "description": "d", "scenario": "s"}
    ledger.say(
        "LST.DRAFT", "lst_9", actor=BUYER, opening=says | {"description": "粤能数科 粤能数科"}, **draft
    )
    ledger.say("LST.DRAFT", "lst_9", actor=BUYER, opening=says, **draft)
    assert tables_of(ledger, tmp_path)["texts"] == []
    ledger.say("LST.LIST", "lst_9", listing_id="lst_9", seller_id=BUYER)
    ledger.say("LST.LIST", "lst_9", listing_id="lst_9", seller_id=BUYER)
    row = only(tables_of(ledger, tmp_path)["texts"])
    assert (row["author_id"], row["about_id"], row["text"]) == (BUYER, SELLER, "优于粤能数科\nd\ns")


def test_a_request_is_public_at_once_and_who_writes_of_oneself_writes_of_nobody(tmp_path):
    ledger = founded()
    said = {"title": "湾区普惠银行求购", "description": "不要珠江数据经纪的", "period": "2026"}
    ledger.say("REQ.PUBLISH", "req_1", actor=BUYER, opening=said, request_id="req_1", buyer_id=BUYER)
    assert only(tables_of(ledger, tmp_path)["texts"])["about_id"] == "org_broker"


def test_a_mark_is_found_where_its_very_copy_is_offered_and_nowhere_else(tmp_path):
    ledger = founded()
    draft = {"seller_id": SELLER, "category": "energy"}
    ledger.say(
        "LST.DRAFT",
        "lst_s",
        listing_id="lst_s",
        product_id="prd_s",
        file={"sha256": "aa", "bytes": 1},
        **draft,
    )
    made = {"trade_id": "trd_1", "entitlement_id": "ent_1", "buyer_id": BUYER, "source_sha256": "aa"}
    marked = ledger.say("DLV.MARK", "trd_1", file_sha256="bb", commitment="cc", **made)
    for listing_id, sha256 in (("lst_t", "bb"), ("lst_u", "dd")):
        file = {"sha256": sha256, "bytes": 1}
        ledger.say("LST.DRAFT", listing_id, listing_id=listing_id, product_id="prd_t", file=file, **draft)
    tables = tables_of(ledger, tmp_path)
    mark = only(tables["watermarks"])
    assert (mark["mark_sha256"], mark["product_id"], mark["seq"]) == ("cc", "prd_s", marked)
    hit = only(tables["mark_hits"])
    assert (hit["mark_sha256"], hit["listing_id"]) == ("cc", "lst_t")


FORM = {
    "select": [{"name": "n", "column": None, "aggregate": "COUNT"}],
    "where": {"and": [{"column": "city", "op": "=", "value": "x"}, {"not": {"column": "age", "in": ["1"]}}]},
    "group_by": [],
}


def test_questions_are_told_by_their_shape_and_screens_by_their_reasons(tmp_path):
    ledger = founded()
    right = {"trade_id": "trd_1", "entitlement_id": "ent_1"}
    sold = {**right, "buyer_id": BUYER, "product_id": "prd_1", "epsilon_micro": 5}
    other = FORM | {"where": {"or": [{"column": "age", "is_null": True}, {"column": "city", "in": ["y"]}]}}
    ledger.say("DLV.APPROVE_ALGORITHM", "trd_1", opening={"query": FORM}, algorithm_sha256="a" * 64, **right)
    for digest, form in enumerate((FORM, other, FORM | {"where": None})):  # of each a digest with a nonce
        ledger.say("DLV.QUERY", "trd_1", opening={"query": form}, query_sha256=f"{digest}" * 64, **sold)
    said = {"code": "algorithm-changed", "attempted": "DLV.QUERY", "refused": BUYER}
    ledger.say("REF.REFUSE", "ent_1", opening={"detail": "", "facts": {}}, rule_id=None, **said)
    ledger.say("REF.REFUSE", "trd_1", opening={}, **(said | {"attempted": "TRD.FUND"}))
    drafted = {"listing_id": "lst_9", "product_id": "prd_9", "seller_id": SELLER}
    ledger.say("LST.DRAFT", "lst_9", opening={}, **drafted)
    reasons = ["NL4-not-anonymised"]
    ledger.say("LST.SCREEN_FAIL", "lst_9", listing_id="lst_9", reason_code=reasons[0], reasons=reasons)
    ledger.say("LST.SCREEN_PASS", "lst_9", listing_id="lst_9")
    tables = tables_of(ledger, tmp_path)
    rows = tables["questions"]
    assert [row["event"] for row in rows] == ["approved", "asked", "asked", "asked", "refused"]
    assert [row["entitlement_id"] for row in rows] == ["ent_1"] * 5
    assert [row["org_id"] for row in rows] == [None, BUYER, BUYER, BUYER, BUYER]
    shapes = [row["shape_sha256"] for row in rows]
    assert shapes[0] == shapes[1] == shapes[2] != shapes[3]
    forms = [row["form_sha256"] for row in rows]
    assert forms[0] == forms[1]
    assert len(set(forms)) == 4
    assert [row["epsilon_micro"] for row in rows] == [None, 5, 5, 5, None]
    assert (rows[4]["code"], forms[4], shapes[4]) == ("algorithm-changed", None, None)
    told = [(row["outcome"], row["reasons"], row["product_id"]) for row in tables["screenings"]]
    assert told == [("failed", reasons, "prd_9"), ("passed", [], "prd_9")]
