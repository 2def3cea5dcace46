"""From statements to tables: SC-1 wholly, and every fold on its own."""

from datetime import UTC, date, datetime

import orjson
import pyarrow.parquet as pq
import pytest

from supervision.errors import UnusableEvidence, UnusableLedger
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries, read_facts
from supervision.evidence.register import Register
from supervision.evidence.spill import Spill
from supervision.evidence.writer import Form
from supervision.schema import DERIVED, TABLES
from tests.supervision.statements import BROKER, BUYER, PARTIES, SELLER, START, Ledger, founded, sc1


def at(*date_and_time):
    return datetime(*date_and_time, tzinfo=UTC)


def tables_of(ledger, tmp_path):
    out = tmp_path / "evidence"
    derive(ledger.entries(), out)
    return {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in DERIVED}


def only(rows):
    (row,) = rows
    return row


def test_sc1_in_full(tmp_path):
    ledger = founded()
    contract = sc1(ledger)
    tables = tables_of(ledger, tmp_path)
    assert only(tables["trades"]) == {
        "trade_id": "trd_1",
        "listing_id": "lst_1",
        "product_id": "prd_1",
        "seller_id": SELLER,
        "buyer_id": BUYER,
        "broker_id": BROKER,
        "category": "energy",
        "geo": "nationwide",
        "licence_class": "INTERNAL",
        "quantity": 1,
        "unit": "set",
        "amount_minor": 68_000_000,
        "commission_minor": 1_360_000,
        "platform_fee_minor": 680_000,
        "contract_dated_at": at(2026, 11, 16, 2),
        "agreed_at": at(2026, 11, 16, 1, 20),
        "delivered_at": at(2026, 11, 17, 2, 2),
        "accepted_at": at(2026, 11, 20, 8),
        "settled_at": at(2026, 11, 23, 1),
        "status": "SETTLED",
        "seq": contract,
        "offer_accepted_at": at(2026, 11, 16, 1, 13),
        "broker_signed": True,
    }
    assert only(tables["requests"]) == {
        "request_id": "trd_1",
        "listing_id": "lst_1",
        "seller_id": SELLER,
        "buyer_id": BUYER,
        "buyer_qualified": True,
        "asked_at": at(2026, 11, 16, 1, 9),
        "answered_at": at(2026, 11, 16, 1, 10),
        "outcome": "offered",
        "reason": None,
        "seq": 9,
    }
    quote = only(tables["quotes"])
    assert (quote["quote_id"], quote["price_minor"], quote["outcome"]) == ("qte_1", 68_000_000, "contracted")
    assert [(p["purpose"], p["payer_id"], p["payee_id"], p["amount_minor"]) for p in tables["payments"]] == [
        ("escrow_in", BUYER, "ESCROW", 68_000_000),
        ("seller_share", "ESCROW", SELLER, 65_960_000),
        ("commission", "ESCROW", BROKER, 1_360_000),
        ("platform_fee", "ESCROW", "org_exchange", 680_000),
    ]
    assert only(tables["usage"]) == {
        "trade_id": "trd_1",
        "day": date(2026, 11, 17),
        "calls": 0,
        "downloads": 1,
        "compute_jobs": 0,
        "bytes": 500,
        "seq": 24,
    }
    certificate = only(tables["certificates"])
    assert certificate["sectors"] == ["energy", "transport"]
    assert certificate["valid_to"] == at(2028, 6, 30, 15, 59, 59)
    assert only(tables["certificate_events"])["event"] == "certified"
    mandate = only(tables["mandates"])
    assert (mandate["fee_bp"], mandate["signed_at"], mandate["seq"]) == (200, at(2026, 11, 16, 1, 6), 6)
    listing = only(tables["listings"])
    assert (listing["list_price_minor"], listing["listed_at"]) == (76_000_000, at(2026, 11, 16, 1, 8))
    assert {row["org_id"]: row["controller_id"] for row in tables["orgs"]}[SELLER] == f"ctl_{SELLER}"
    assert only(tables["exports"])["route"] == "DOMESTIC"
    assert len(tables["trade_events"]) == 17  # every step of the trade, the quote and the download
    assert tables["flags"] == tables["refusals"] == []


def test_every_derived_table_is_written_even_when_nothing_happened(tmp_path):
    out = tmp_path / "evidence"
    derived = derive([], out)
    assert sorted(path.stem for path in out.glob("*.parquet")) == sorted(DERIVED)
    assert set(derived.rows.values()) == {0}
    for name in DERIVED:
        assert pq.read_schema(out / f"{name}.parquet").names == list(TABLES[name])


def test_the_summary_says_what_was_read(tmp_path):
    ledger = founded()
    derive(ledger.entries(), tmp_path / "evidence")
    summary = orjson.loads((tmp_path / "evidence" / "evidence.json").read_bytes())
    assert summary["entries"] == len(ledger.records)
    assert summary["latest_occurred_at"] == "2026-11-16T01:08:00.000Z"
    assert summary["rows"]["orgs"] == 3


def test_who_controls_a_member_is_who_was_entered_last():
    ledger = founded()
    for controller in ("甲集团", None, "乙集团"):
        ledger.say("ORG.CONTROL", BUYER, org_id=BUYER, opening={"controller_id": controller, "reason": "x"})
    register = Register()
    for fact in read_facts(ledger.entries()):
        register.take(fact)
    found = {row["org_id"]: row["controller_id"] for table, row in register.rows() if table == "orgs"}
    assert found[BUYER] == "乙集团"


def certified(*steps):
    ledger = founded()
    for event, public in steps:
        ledger.say(event, "crt_1", cert_id="crt_1", org_id=BROKER, **public)
    return ledger


def test_certificate_events_keep_their_order_and_words(tmp_path):
    ledger = certified(
        ("BRK.SUSPEND", {"reason_code": "SEVERE"}),
        ("BRK.REINSTATE", {}),
        ("BRK.REVOKE", {}),
        ("BRK.WARN", {}),
    )
    events = tables_of(ledger, tmp_path)["certificate_events"]
    assert [(e["event"], e["seq"]) for e in events] == [
        ("certified", 4),
        ("suspended", 9),
        ("reinstated", 10),
        ("revoked", 11),
    ]


def test_a_mandate_the_broker_never_took_is_none_and_one_revoked_ends(tmp_path):
    ledger = founded()
    ledger.say("MND.SIGN", "mnd_2", mandate_id="mnd_2", broker_id=BROKER, client_id=BUYER, listing_id=None)
    ledger.say("MND.REVOKE", "mnd_1", mandate_id="mnd_1", broker_id=BROKER, client_id=SELLER)
    mandate = only(tables_of(ledger, tmp_path)["mandates"])
    assert mandate["mandate_id"] == "mnd_1"
    assert mandate["ends_at"] == mandate["revoked_at"] == at(2026, 11, 16, 1, 10)


@pytest.mark.parametrize(
    ("steps", "outcome", "reason"),
    [
        ([], None, None),
        ([("TRD.OFFER", {}), ("TRD.REFUSE", {"reason_code": "POLICY"})], "refused", "POLICY"),
        ([("TRD.REFUSE", {"reason_code": "POLICY"})], "refused", "POLICY"),
        ([("TRD.TIMEOUT", {})], "lapsed", None),
        ([("TRD.TIMEOUT", {"owed_by": "PROVIDER"})], "lapsed", None),
        ([("TRD.OFFER", {}), ("TRD.TIMEOUT", {"owed_by": "BUYER"})], "offered", None),
        ([("TRD.OFFER", {}), ("TRD.TIMEOUT", {"owed_by": "PROVIDER"})], "lapsed", None),
        ([("TRD.COUNTER_OFFER", {})], None, None),  # the buyer's own offer is no answer
    ],
)
def test_what_became_of_a_request(tmp_path, steps, outcome, reason):
    ledger = founded()
    ledger.say("TRD.INQUIRE", "trd_1", trade_id="trd_1", **PARTIES)
    for event, public in steps:
        ledger.say(event, "trd_1", trade_id="trd_1", **PARTIES, **public)
    tables = tables_of(ledger, tmp_path)
    request = only(tables["requests"])
    assert (request["outcome"], request["reason"]) == (outcome, reason)
    answered = {"TRD.OFFER", "TRD.REFUSE"} & {event for event, _ in steps}
    assert (request["answered_at"] is not None) is bool(answered)
    assert tables["trades"] == []


def delivered(*steps):
    ledger = founded()
    ledger.say(
        "TRD.CONTRACT", "trd_1", opening={"amount_minor": "5"}, to="CONTRACTED", trade_id="trd_1", **PARTIES
    )
    for event, public in steps:
        opening = {"bytes": public.pop("opened")} if "opened" in public else None
        ledger.say(event, "trd_1", opening=opening, trade_id="trd_1", **public)
    return ledger


@pytest.mark.parametrize(
    ("steps", "downloads", "size"),
    [
        ([("TRD.DELIVERED", {"mode": "download", "bytes": 9})], 1, 9),
        (
            [
                ("DLV.DOWNLOAD", {"complete": True, "opened": "9"}),
                ("TRD.DELIVERED", {"mode": "download", "bytes": 9}),
            ],
            1,
            9,
        ),
        (
            [
                ("DLV.DOWNLOAD", {"complete": True, "opened": 9}),
                ("DLV.DOWNLOAD", {"complete": True, "opened": 9}),
            ],
            2,
            18,
        ),
        ([("DLV.DOWNLOAD", {"complete": False, "opened": 9})], None, None),
        (
            [("DLV.RELEASE_KEY", {"opened": 9}), ("TRD.DELIVERED", {"mode": "released", "bytes": 0})],
            1,
            9,
        ),
        ([("TRD.DELIVERED", {"mode": "confirmed", "bytes": 9})], None, None),
    ],
)
def test_use_is_finished_downloads_by_day(tmp_path, steps, downloads, size):
    usage = tables_of(delivered(*[(event, dict(public)) for event, public in steps]), tmp_path)["usage"]
    if downloads is None:
        assert usage == []
    else:
        assert (only(usage)["downloads"], only(usage)["bytes"]) == (downloads, size)


def test_flags_are_set_and_cleared_by_case(tmp_path):
    ledger = founded()
    for event, case in (("FLG.SET", "c1"), ("FLG.SET", "c2"), ("FLG.CLEAR", "c1"), ("FLG.SET", "c1")):
        ledger.say(event, "trd_1", trade_id="trd_1", case_id=case)
    flags = tables_of(ledger, tmp_path)["flags"]
    assert sorted((f["from_seq"], f["case_id"], f["to_seq"]) for f in flags) == [
        (9, "c1", 11),
        (10, "c2", None),
        (12, "c1", None),
    ]


def test_a_freeze_is_a_status_and_lifting_it_another(tmp_path):
    ledger = delivered(("TRD.FREEZE", {"order_id": "ord_1"}))
    assert only(tables_of(ledger, tmp_path)["trades"])["status"] == "CONTRACTED"  # a statement without `to`
    ledger.say("TRD.FREEZE", "trd_1", to="FROZEN", trade_id="trd_1")
    assert only(tables_of(ledger, tmp_path)["trades"])["status"] == "FROZEN"
    ledger.say("TRD.UNFREEZE", "trd_1", to="CONTRACTED", trade_id="trd_1")
    assert only(tables_of(ledger, tmp_path)["trades"])["status"] == "CONTRACTED"


def test_refusals_and_mismatches_have_tables_of_their_own(tmp_path):
    ledger = founded()
    ledger.say(
        "REF.REFUSE",
        "trd_1",
        opening={"detail": "no"},
        code="broker-not-certified",
        rule_id="BR1",
        attempted="TRD.OFFER",
        refused=BROKER,
    )
    ledger.say(
        "PAY.MISMATCH",
        "pay_1",
        opening={"expected_minor": "100", "actual_minor": "99"},
        trade_id="trd_1",
        kind="amount",
        bank_message_sha256="aa" * 32,
    )
    tables = tables_of(ledger, tmp_path)
    refusal = only(tables["refusals"])
    assert (refusal["code"], refusal["actor"], refusal["object_id"]) == (
        "broker-not-certified",
        BROKER,
        "trd_1",
    )
    mismatch = only(tables["payment_mismatches"])
    assert (mismatch["expected_minor"], mismatch["actual_minor"], mismatch["kind"]) == (100, 99, "amount")


def test_a_consent_is_told_for_each_interest_that_it_names(tmp_path):
    ledger = founded()
    for interest_id, kind in (("int_1", "OWNERSHIP"), ("int_2", "MANAGEMENT")):
        ledger.say(
            "CND.DISCLOSE",
            interest_id,
            interest_id=interest_id,
            broker_id=BROKER,
            party_id=SELLER,
            kind=kind,
        )
    seq = ledger.say(
        "CND.CONSENT",
        "trd_1",
        trade_id="trd_1",
        broker_id=BROKER,
        org_id=BUYER,
        interests=["int_1", "int_2", "int_of_before"],
    )
    consents = tables_of(ledger, tmp_path)["conflict_consents"]
    assert [(row["party_id"], row["kind"]) for row in consents] == [
        (SELLER, "OWNERSHIP"),
        (SELLER, "MANAGEMENT"),
        (None, None),
    ]
    assert {(row["trade_id"], row["org_id"], row["seq"]) for row in consents} == {("trd_1", BUYER, seq)}


@pytest.mark.parametrize(
    ("route", "status"), [("EXEMPT", "CLEARED"), ("REFUSED", "REJECTED"), ("DOMESTIC", None), (None, None)]
)
def test_what_customs_decided(tmp_path, route, status):
    ledger = founded()
    ledger.say("XBD.AUTO_ROUTE", "dcl_1", declaration_id="dcl_1", trade_id="trd_1", country="HK", route=route)
    export = only(tables_of(ledger, tmp_path)["exports"])
    assert (export["route"], export["status"], export["country"]) == (route, status, "HK")


def test_an_erased_opening_leaves_its_columns_empty_and_is_counted(tmp_path):
    ledger = delivered()
    erased = [(seq, entry, None if seq == 9 else opening) for seq, entry, opening in ledger.entries()]
    derived = derive(erased, tmp_path / "evidence")
    assert derived.openings_missing == 1
    trade = only(pq.read_table(tmp_path / "evidence" / "trades.parquet").to_pylist())
    assert trade["amount_minor"] is None
    assert trade["seller_id"] == SELLER


def test_csv_holds_the_same_as_parquet(tmp_path):
    ledger = founded()
    sc1(ledger)
    derive(ledger.entries(), tmp_path / "csv", Form.CSV)
    lines = (tmp_path / "csv" / "certificates.csv").read_text("utf-8").splitlines()
    assert lines[0] == ",".join(TABLES["certificates"])
    assert lines[1] == (
        "crt_1,org_broker,M,2,energy|transport,general-3,false,2025-07-01T00:00:00.000Z,2028-06-30T15:59:59.000Z"
    )
    assert not list((tmp_path / "csv").glob("*.parquet"))


def test_old_tables_are_replaced_and_nothing_of_another_hand(tmp_path):
    out = tmp_path / "evidence"
    derive(founded().entries(), out, Form.CSV)
    derive([], out)
    assert not list(out.glob("*.csv"))
    (out / "thesis.doc").write_text("mine")
    before = sorted(path.name for path in out.iterdir())
    with pytest.raises(UnusableEvidence):
        derive(founded().entries(), out)
    assert sorted(path.name for path in out.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


@pytest.mark.parametrize(
    ("event", "public", "opening"),
    [
        ("ORG.ADMIT", {"name": "no id"}, None),
        ("MND.ACCEPT", {"mandate_id": "mnd_unknown"}, None),
        ("TRD.CONTRACT", {"trade_id": "t", "listing_id": "l"}, {"amount_minor": "12.5"}),
        ("TRD.CONTRACT", {"trade_id": "t", "listing_id": "l"}, {"quantity": [1]}),
        ("TRD.CONTRACT", {"trade_id": 5, "listing_id": "l"}, None),
        ("BRK.CERTIFY", {"cert_id": "c", "valid_from": "yesterday"}, None),
        ("LST.DRAFT", {"listing_id": "l", "public_data": "maybe"}, None),
    ],
)
def test_a_statement_that_is_not_of_its_form_is_named_and_nothing_is_written(
    tmp_path, event, public, opening
):
    ledger = founded()
    ledger.say(event, "x", opening=opening, **public)
    with pytest.raises(UnusableLedger):
        derive(ledger.entries(), tmp_path / "evidence")
    assert list(tmp_path.iterdir()) == []


def test_the_seq_of_a_bad_statement_is_told(tmp_path):
    ledger = founded()
    ledger.say("MND.ACCEPT", "x", mandate_id="mnd_unknown")
    with pytest.raises(UnusableLedger) as refused:
        derive(ledger.entries(), tmp_path / "evidence")
    assert refused.value.facts == {"seq": 9}


class Record:
    def __init__(self, seq, entry, opening):
        self.seq, self.entry, self.opening = seq, entry, opening


def test_an_opening_of_another_entry_is_not_believed():
    ledger = founded()
    records = [Record(*record) for record in ledger.records]
    assert len(list(opened_entries(records))) == 9
    records[1].opening = records[2].opening
    with pytest.raises(UnusableLedger) as refused:
        list(opened_entries(records))
    assert refused.value.facts == {"seq": 1}
    assert "OPENING" in refused.value.detail


@pytest.mark.parametrize(
    "entry", [b"no json", b"[]", b"{}", b'{"envelope":{"payload":"!"}}', b'{"envelope":{"payload":"e30="}}']
)
def test_what_is_no_sealed_statement_is_named(tmp_path, entry):
    with pytest.raises(UnusableLedger) as refused:
        derive(opened_entries([Record(5, entry, None)]), tmp_path / "evidence")
    assert refused.value.facts == {"seq": 5}


def test_stories_come_back_whole_and_in_ledger_order(tmp_path):
    ledger = Ledger()
    for n in range(400):
        ledger.say("TRD.OFFER", f"t{n % 40}", trade_id=f"t{n % 40}", offer_no=n)
    tables = tables_of(ledger, tmp_path)
    seqs = {}
    for row in tables["trade_events"]:
        seqs.setdefault(row["trade_id"], []).append(row["seq"])
    assert seqs == {f"t{n}": list(range(n, 400, 40)) for n in range(40)}
    assert tables["trade_events"][0]["at"] >= START


def test_a_spill_without_facts_tells_no_story(tmp_path):
    with Spill(tmp_path) as spill:
        assert list(spill.stories()) == []


def test_a_brokers_check_a_copy_and_what_a_product_was_made_of_are_rows(tmp_path):
    ledger = founded()
    sc1(ledger)
    taken = {"trade_id": "trd_1", "entitlement_id": "ent_1", "complete": False}
    opening = {"bytes": 7, "purpose": "X", "recipient": BROKER, "taken_by": BROKER}
    copied = ledger.say("DLV.DOWNLOAD", "ent_1", opening=opening, **taken)
    made = {"listing_id": "lst_2", "product_id": "prd_2", "seller_id": BROKER, "category": "energy"}
    ledger.say("LST.DRAFT", "lst_2", geo="CN", level="general-1", derived_from=["ab" * 32, "prd_9"], **made)
    tables = tables_of(ledger, tmp_path)
    checked = only(tables["source_checks"])
    assert (checked["trade_id"], checked["broker_id"], checked["at"]) == (
        "trd_1",
        BROKER,
        at(2026, 11, 16, 1, 17),
    )
    assert checked["keep_until"] == at(2046, 12, 31)
    assert [(row["org_id"], row["recipient_id"], row["bytes"]) for row in tables["access"]] == [
        (BUYER, None, 500),  # one that does not say who took it
        (BROKER, BROKER, 7),
    ]
    assert tables["access"][1]["seq"] == copied
    sources = {(row["product_id"], row["source_product_id"]) for row in tables["lineage"]}
    assert sources == {("prd_2", "prd_1"), ("prd_2", "prd_9")}  # a file is named for its product


def test_a_report_says_on_which_year_it_is(tmp_path):
    ledger = founded()
    ledger.say("BRK.ANNUAL_REPORT", "crt_1", cert_id="crt_1", org_id=BROKER, year=2025, late=False)
    (*_, told) = tables_of(ledger, tmp_path)["certificate_events"]
    assert (told["event"], told["year"]) == ("annual_report", 2025)
