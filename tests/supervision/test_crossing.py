"""The evidence of customs: declarations as they ended up, departures as told, and those beside the log."""

from datetime import UTC, datetime, timedelta

from supervision.evidence.crossing import Crossing
from supervision.evidence.facts import Fact

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def fact(seq, event, object_id, said=None, *, opened=None, after=None):
    return Fact(
        seq=seq,
        event=event,
        object_id=object_id,
        at=START + timedelta(minutes=seq),
        actor=None,
        role=None,
        after=after,
        said=said or {},
        opened=opened or {},
        opening_missing=False,
    )


def told(*facts):
    crossing = Crossing()
    rows = [row for one in facts for row in crossing.take(one)]
    return [*rows, *crossing.rows()]


ADMITTED = fact(0, "ORG.ADMIT", "org_hk", {"org_id": "org_hk", "region": "810000"})
DECLARED = fact(
    1,
    "XBD.DECLARE",
    "xbd_1",
    {
        "declaration_id": "xbd_1",
        "exporter_id": "org_a",
        "recipient_id": "org_hk",
        "country": "HK",
        "sensitive": True,
        "important": False,
        "trade_id": "trd_1",
    },
    opened={"persons": 5, "sensitive_persons": 2},
    after="DECLARED",
)
ROUTED = fact(2, "XBD.AUTO_ROUTE", "xbd_1", {"route": "GBA_STANDARD_CONTRACT"}, after="ROUTED")
CLEARED = fact(4, "XBD.CLEAR", "xbd_1", after="CLEARED")
SOLD = fact(0, "TRD.CONTRACT", "trd_1", {"trade_id": "trd_1", "seller_id": "org_a"})
TAKEN = fact(5, "DLV.DOWNLOAD", "trd_1", {"trade_id": "trd_1"}, opened={"taken_by": "org_hk"})


def test_a_declaration_says_in_which_year_it_counts():
    routed = fact(2, "XBD.AUTO_ROUTE", "xbd_1", {"route": "EXEMPT_SMALL", "year": 2027}, after="ROUTED")
    ((_, row),) = told(DECLARED, routed)
    assert (row["route"], row["counts_in"]) == ("EXEMPT_SMALL", 2027)


def test_a_declaration_is_one_row_with_its_last_state_and_each_departure_another():
    logged = fact(
        6,
        "XBD.TRANSFER_LOGGED",
        "xbd_1",
        {"received_by": "org_hk"},
        opened={"persons": 7},
        after="IN_TRANSIT",
    )
    halted = fact(7, "XBD.HALT", "xbd_1", after="HALTED")
    (first, transfer), (second, export) = told(
        ADMITTED, SOLD, DECLARED, ROUTED, CLEARED, TAKEN, logged, halted
    )
    assert (first, second) == ("export_transfers", "exports")
    assert transfer["persons_actual"] == 7
    assert (transfer["declaration_id"], transfer["recipient_id"]) == ("xbd_1", "org_hk")
    assert (export["status"], export["route"]) == ("HALTED", "GBA_STANDARD_CONTRACT")
    assert (export["persons_declared"], export["sensitive"], export["in_gba"]) == (7, True, True)


def test_a_copy_abroad_without_a_clearance_is_told_under_its_trade():
    early = fact(3, "DLV.RELEASE_KEY", "trd_1", {"trade_id": "trd_1"}, opened={"taken_by": "org_hk"})
    rows = told(ADMITTED, SOLD, DECLARED, ROUTED, early, CLEARED, TAKEN)
    assert [(name, row["declaration_id"], row["seq"]) for name, row in rows] == [
        ("export_transfers", "trd_1", 3),
        ("exports", "xbd_1", 1),
    ]


def test_a_copy_after_a_halt_or_of_another_exporter_is_told_too():
    halted = fact(5, "XBD.HALT", "xbd_1", after="HALTED")
    late = fact(6, "DLV.DOWNLOAD", "trd_1", {"trade_id": "trd_1"}, opened={"taken_by": "org_hk"})
    begun = (ADMITTED, SOLD, DECLARED, ROUTED, CLEARED)
    assert [row["seq"] for name, row in told(*begun, late) if name == "export_transfers"] == []
    assert [row["seq"] for name, row in told(*begun, halted, late) if name == "export_transfers"] == [6]
    others = fact(0, "TRD.CONTRACT", "trd_2", {"trade_id": "trd_2", "seller_id": "org_b"})
    taken = fact(6, "DLV.DOWNLOAD", "trd_2", {"trade_id": "trd_2"}, opened={"taken_by": "org_hk"})
    rows = [row for name, row in told(*begun, others, taken) if name == "export_transfers"]
    assert [row["declaration_id"] for row in rows] == ["trd_2"]


def test_to_receive_abroad_is_abroad_and_at_home_is_not():
    at_home = fact(0, "ORG.ADMIT", "org_hk", {"org_id": "org_hk", "region": "440300"})
    assert told(at_home, TAKEN) == []
    moved = fact(1, "XBR.ENDPOINT", "org_hk", {"region": "SG"})
    assert [name for name, _ in told(at_home, moved, TAKEN)] == ["export_transfers"]


def test_a_field_that_a_sample_shows_is_a_row_and_a_sample_without_one_is_none():
    fields = [{"field": "id_card", "kind": "sensitive:cn-id"}]
    clean = fact(6, "XBD.SCAN", "xbd_1", {"hidden": 0}, opened={"fields": []}, after="CLEARED")
    planted = fact(7, "XBD.SCAN", "xbd_1", {"hidden": 1}, opened={"fields": fields}, after="CLEARED")
    begun = (ADMITTED, DECLARED, ROUTED, CLEARED)
    assert [name for name, _ in told(*begun, clean)] == ["exports"]
    (name, row), _ = told(*begun, planted)
    assert (name, row["declaration_id"], row["field"], row["kind"], row["seq"]) == (
        "export_scans",
        "xbd_1",
        "id_card",
        "sensitive:cn-id",
        7,
    )


def test_what_is_declared_again_is_what_counts_and_has_no_route_until_it_is_routed():
    again = fact(
        5,
        "XBD.REDECLARE",
        "xbd_1",
        {"trade_id": "trd_1", "sensitive": False, "important": False, "lists": 1},
        opened={"persons": 9, "sensitive_persons": 0},
        after="DECLARED",
    )
    ((_, row),) = told(ADMITTED, DECLARED, ROUTED, again)
    assert (row["persons_declared"], row["sensitive_persons"], row["route"], row["status"]) == (
        9,
        0,
        None,
        "DECLARED",
    )
    routed = fact(
        6, "XBD.AUTO_ROUTE", "xbd_1", {"route": "EXEMPT_SMALL"}, opened={"persons": 30, "sensitive": 4}
    )
    ((_, row),) = told(ADMITTED, DECLARED, ROUTED, again, routed)
    assert (row["group_persons"], row["group_sensitive"]) == (30, 4)
    ((_, plain),) = told(ADMITTED, DECLARED, ROUTED)
    assert plain.get("group_persons") is None


def test_a_clearance_of_other_goods_covers_no_delivery_and_metered_uses_are_looked_at_too():
    sold = fact(0, "TRD.CONTRACT", "trd_9", {"trade_id": "trd_9", "seller_id": "org_a", "buyer_id": "org_hk"})
    taken = fact(6, "DLV.DOWNLOAD", "trd_9", {"trade_id": "trd_9"}, opened={"taken_by": "org_hk"})
    used = fact(7, "DLV.USAGE", "trd_9", {"trade_id": "trd_9", "kind": "API", "uses": 3})
    begun = (ADMITTED, SOLD, sold, DECLARED, ROUTED, CLEARED)
    rows = [row for name, row in told(*begun, taken, used) if name == "export_transfers"]
    assert [(row["declaration_id"], row["seq"]) for row in rows] == [("trd_9", 6), ("trd_9", 7)]
    halted = fact(5, "XBD.HALT", "xbd_1", after="HALTED")
    mine = fact(7, "DLV.USAGE", "trd_1", {"trade_id": "trd_1", "kind": "API", "uses": 3})
    assert [name for name, _ in told(*begun, halted, mine) if name == "export_transfers"] == []


def test_the_exchanges_decision_on_a_trade_is_a_row_unless_a_declaration_carries_it():
    said = {"declaration_id": "xbd_2", "trade_id": "trd_1", "route": "DOMESTIC", "country": "CN"}
    ((name, row),) = told(fact(1, "XBD.AUTO_ROUTE", "xbd_2", said))
    assert (name, row["route"], row["status"]) == ("exports", "DOMESTIC", None)
    carried = fact(3, "XBD.AUTO_ROUTE", "xbd_2", said | {"route": "CLEARED", "clearance_id": "xbd_1"})
    assert [row["declaration_id"] for _, row in told(DECLARED, carried)] == ["xbd_1"]
