"""BR3, BR10, BR14, BR15: what a broker records, copies, reports, and how it leaves; bad beside good."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.supervision.conduct import SECOND, TRADED, brokered, change, mandate, mediate
from tests.supervision.tables import AS_OF, Market, objects_of, of_rule, on

BEFORE = TRADED - timedelta(hours=1)


def checked(**changes):
    market = brokered("BR3")
    said = {"trade_id": "t", "broker_id": "broker", "at": BEFORE, "seq": 900}
    said |= {"keep_until": BEFORE.replace(year=BEFORE.year + 20)} | changes
    return market.add("source_checks", **said)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"at": TRADED, "keep_until": TRADED.replace(year=2046)}, None),
        ({"at": TRADED, "seq": 5000}, "after-contract"),  # at equal times the ledger's order decides
        ({"at": TRADED + SECOND}, "after-contract"),
        ({"broker_id": "rival"}, "missing"),
        ({"trade_id": "u"}, "missing"),
        ({"keep_until": BEFORE.replace(year=2046) - SECOND}, "kept-too-short"),
        ({"keep_until": None}, "kept-too-short"),
    ],
)
def test_br3_the_broker_of_a_contract_has_recorded_its_check_before(tmp_path, changes, reason):
    found = of_rule(checked(**changes).supervise(tmp_path), "BR3")
    assert [finding.statistic["reasons"] for finding in found] == ([] if reason is None else [[reason]])
    if reason:
        assert (found[0].subjects, found[0].objects) == (("broker",), ("t",))


def test_br3_one_record_that_will_do_is_enough_and_who_has_no_broker_needs_none(tmp_path):
    market = checked().add("source_checks", trade_id="t", broker_id="broker", at=TRADED + SECOND, seq=901)
    market.trade("plain", "seller", "buyer", 5, TRADED)
    assert not of_rule(market.supervise(tmp_path), "BR3")
    market.rows["source_checks"].clear()
    assert objects_of(market.supervise(tmp_path), "BR3") == [("t",)]


def taken(org_id, recipient_id=None, **changes):
    market = brokered("BR10").org("sister", "c-broker")
    market.rows["access"] = []
    said = {"trade_id": "t", "entitlement_id": "e", "org_id": org_id, "recipient_id": recipient_id}
    return market.add("access", **(said | {"at": on(6, 2), "seq": 2000} | changes))


@pytest.mark.parametrize(
    ("org_id", "recipient_id", "found"),
    [
        ("buyer", None, False),
        ("buyer", "rival", False),
        ("rival", "rival", False),
        (None, None, False),  # the opening is erased: nothing is held against anybody
        ("broker", None, True),
        ("buyer", "broker", True),
        ("sister", "sister", True),  # its group is itself
        ("buyer", "sister", True),
    ],
)
def test_br10_a_broker_has_no_copy_of_what_it_mediates(tmp_path, org_id, recipient_id, found):
    result = taken(org_id, recipient_id).supervise(tmp_path)
    assert objects_of(result, "BR10") == ([("t",)] if found else [])
    if found:
        (finding,) = of_rule(result, "BR10")
        assert "broker" in finding.subjects
        assert 2000 in finding.evidence_seqs
        assert finding.statistic["kind"] == "copy"


def test_br10_what_a_broker_buys_for_itself_or_takes_of_anothers_trade_is_no_copy_of_this_rule(tmp_path):
    market = taken("buyer")
    mediate(market, "own", "seller", "sister", product_id="other")  # BR5 tells this
    market.add("access", trade_id="own", entitlement_id="f", org_id="sister", at=on(6, 2), seq=1)
    market.trade("direct", "rival", "broker", 5, TRADED, product_id="bought")
    market.add("access", trade_id="direct", entitlement_id="g", org_id="broker", at=on(6, 2), seq=2)
    mediate(market, "theirs", "rival", "buyer", broker_id="agent")
    market.add("access", trade_id="theirs", entitlement_id="h", org_id="broker", at=on(6, 2), seq=3)
    assert not of_rule(market.supervise(tmp_path), "BR10")


def offered(seller="sister", source="prd-seller", at=None):
    market = brokered("BR10").org("sister", "c-broker")
    market.rows["access"] = []
    market.add(
        "listings", listing_id="new", seller_id=seller, product_id="blend", listed_at=at or on(6, 9), seq=77
    )
    return market.add("lineage", product_id="blend", source_product_id=source)


def test_br10_a_product_made_of_a_clients_data_is_a_second_use(tmp_path):
    (finding,) = of_rule(offered().supervise(tmp_path), "BR10")
    assert (finding.statistic["kind"], finding.objects) == ("secondary-use", ("new", "t"))
    assert finding.subjects == ("broker", "sister")


@pytest.mark.parametrize(
    "market",
    [
        lambda: offered(seller="rival"),
        lambda: offered(source="prd-rival"),
        lambda: offered(at=TRADED - SECOND),  # it was there before the client came
        lambda: offered().trade("b", "seller", "broker", 5, on(6, 5), product_id="prd-seller"),  # bought
    ],
)
def test_br10_another_product_and_one_that_was_bought_are_none(tmp_path, market):
    assert not of_rule(market().supervise(tmp_path), "BR10")


def certified(rule_id, since, *events, valid_from=None, valid_to=None):
    market = Market("certificates", "certificate_events", "mandates", "trades", "orgs")
    market.only = (rule_id,)
    market.as_of = AS_OF
    market.add(
        "certificates",
        cert_id="c",
        org_id="broker",
        valid_from=valid_from or since,
        valid_to=valid_to or on(12, 31, year=2028),
    )
    for n, (event, at, *year) in enumerate([("certified", since), *events]):
        market.add(
            "certificate_events", cert_id="c", event=event, at=at, seq=n, year=year[0] if year else None
        )
    return market


def late_by(seconds):
    """31 March 2026 ends in Shanghai at 16:00 UTC."""
    return datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("since", "events", "found"),
    [
        (on(5, 1, year=2025), [], [(2025, False)]),
        (on(5, 1, year=2025), [("annual_report", late_by(0), 2025)], []),
        (on(5, 1, year=2025), [("annual_report", late_by(2), 2025)], [(2025, True)]),
        (on(5, 1, year=2025), [("annual_report", late_by(0), 2024)], [(2025, False)]),  # on another year
        (on(5, 1, year=2025), [("annual_report", on(2, 1))], []),  # says no year: that before
        (on(9, 20, year=2025), [], [(2025, False)]),  # three whole months were left
        (on(10, 1, 15, year=2025), [], [(2025, False)]),  # three still
        (on(10, 1, 16, year=2025), [], []),  # two, for it is the second in Shanghai: on 2026 first
        (on(5, 1, year=2025), [("revoked", late_by(-5))], []),
        (on(5, 1, year=2025), [("exited", on(3, 1))], []),
        (on(5, 1, year=2025), [("suspended", on(3, 1))], [(2025, False)]),  # duties go on
        (on(2, 1, year=2024), [("annual_report", on(3, 1, year=2025), 2024)], [(2025, False)]),
        (on(2, 1, year=2024), [], [(2024, False), (2025, False)]),
    ],
)
def test_br14_a_report_is_filed_by_the_end_of_march(tmp_path, since, events, found):
    result = of_rule(certified("BR14", since, *events).supervise(tmp_path), "BR14")
    told = sorted((one.statistic["year"], one.statistic["filed_at"] is not None) for one in result)
    assert told == found
    assert all((one.subjects, one.objects) == (("broker",), ("c",)) for one in result)


def test_br14_is_not_due_before_its_day_and_not_after_the_certificate(tmp_path):
    market = certified("BR14", on(5, 1, year=2025))
    assert not of_rule(market.supervise(tmp_path, as_of=late_by(0)), "BR14")
    assert of_rule(market.supervise(tmp_path, as_of=late_by(2)), "BR14")
    market = certified("BR14", on(5, 1, year=2025), valid_to=late_by(-10))
    assert not of_rule(market.supervise(tmp_path), "BR14")


@pytest.mark.parametrize(
    ("valid_from", "years"),
    [
        (on(10, 1, year=2025), [2025]),
        (on(10, 2, year=2025), []),  # one day on, two whole months are left
        (on(1, 1, year=2024), [2025]),  # it began before it was entered: the register counts from the entry
    ],
)
def test_br14_counts_from_the_later_of_entry_and_beginning(tmp_path, valid_from, years):
    market = certified("BR14", on(5, 1, year=2025), valid_from=valid_from)
    assert [one.statistic["year"] for one in of_rule(market.supervise(tmp_path), "BR14")] == years


def test_br14_says_whether_the_exchange_suspended(tmp_path):
    market = certified("BR14", on(5, 1, year=2025), ("suspended", late_by(60)))
    (finding,) = of_rule(market.supervise(tmp_path), "BR14")
    assert (finding.statistic["suspended"], finding.evidence_seqs) == (True, (1,))


NOTICE, GONE = on(3, 1), on(9, 1)


def leaving(*steps, **more):
    return certified("BR15", on(1, 5, year=2025), *steps, **more)


def gave(market, mandate_id="m", **changes):
    said = {"signed_at": on(2, 1), "ends_at": on(12, 31), "seq": 300} | changes
    return mandate(market, mandate_id, "seller", side="PROVIDER", **said)


@pytest.mark.parametrize(
    ("steps", "reasons"),
    [
        ([("exit_notice", NOTICE), ("exited", GONE)], None),
        ([("exit_notice", NOTICE), ("exited", GONE - SECOND)], ["short-notice"]),
        ([("exited", GONE)], ["short-notice"]),
        ([("exit_notice", NOTICE)], None),
        ([("expired", GONE)], None),  # an end of its own
        ([("revoked", GONE)], None),
    ],
)
def test_br15_who_leaves_says_so_six_months_before(tmp_path, steps, reasons):
    found = of_rule(leaving(*steps).supervise(tmp_path), "BR15")
    assert [one.statistic["reasons"] for one in found] == ([] if reasons is None else [reasons])


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ["not-handed-over"]),
        ({"revoked_at": GONE}, None),
        ({"revoked_at": GONE + SECOND}, ["not-handed-over"]),
        ({"ends_at": GONE}, None),
        ({"broker_id": "rival"}, None),
        ({"signed_at": NOTICE + SECOND, "revoked_at": on(8, 1)}, ["new-mandate"]),
        ({"signed_at": NOTICE, "seq": 1, "revoked_at": on(8, 1)}, None),
        ({"signed_at": NOTICE, "seq": 2, "revoked_at": on(8, 1)}, ["new-mandate"]),
        ({"signed_at": GONE + SECOND, "seq": 900}, None),  # of a certificate that came later
    ],
)
def test_br15_mandates_are_handed_over_and_none_is_taken_on_the_way_out(tmp_path, changes, reasons):
    market = gave(leaving(("exit_notice", NOTICE), ("exited", GONE)), **changes)
    found = of_rule(market.supervise(tmp_path), "BR15")
    assert [one.statistic["reasons"] for one in found] == ([] if reasons is None else [reasons])
    if reasons:
        assert found[0].objects == ("c", "m")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, False),  # settled before
        ({"settled_at": None, "status": "DELIVERING"}, True),
        ({"settled_at": GONE + SECOND}, True),
        ({"settled_at": None, "status": "VOIDED"}, False),
        ({"settled_at": None, "status": "DELIVERING", "broker_id": "rival"}, False),
        ({"at": GONE + SECOND, "settled_at": None, "status": "DELIVERING"}, False),
    ],
)
def test_br15_no_trade_runs_on_without_its_broker(tmp_path, changes, found):
    market = leaving(("exit_notice", NOTICE), ("exited", GONE))
    mediate(market, "t", **changes)
    assert bool(of_rule(market.supervise(tmp_path), "BR15")) is found


def test_br14_and_br15_leave_a_clean_year_alone(tmp_path):
    market = leaving(("annual_report", on(3, 1), 2025), ("annual_pass", on(4, 1), 2025))
    change(market, "certificates")
    for rule_id in ("BR14", "BR15"):
        market.only = (rule_id,)
        assert not of_rule(market.supervise(tmp_path), rule_id)
