"""A client that takes over from its broker: the trade goes on without it, and nobody else takes over."""

from pathlib import Path
from typing import Any

import pytest

from supervision.audit import audit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, jcs, key, sha

PARTIES: dict[str, Any] = {"trade_id": "trd_0000", "seller_id": "org_seller", "buyer_id": "org_buyer"}
PEOPLE = ["org_seller", "org_buyer"]
MANDATE: dict[str, Any] = {
    "mandate_id": "mnd_1",
    "broker_id": "org_broker",
    "client_id": "org_seller",
    "side": "PROVIDER",
    "trades": ["trd_0000"],
}


def inquired(**changes: Any) -> Log:
    log = Log()
    genesis(log)
    facts = PARTIES | {"broker_id": "org_broker"} | changes
    log.party("org_buyer", "TRD.INQUIRE", "trd_0000", **facts, after="INQUIRED")
    return log


def offered(log: Log, broker_id: str | None) -> int:
    facts = PARTIES | {"broker_id": broker_id}
    return log.party("org_seller", "TRD.OFFER", "trd_0000", **facts, before="INQUIRED", after="NEGOTIATING")


def test_after_it_the_trade_has_no_broker(tmp_path: Path) -> None:
    log = inquired()
    log.party("org_seller", "MND.TAKE_OVER", "mnd_1", **MANDATE)
    offered(log, None)
    assert audit(log.write(tmp_path / "b"), [VKEY]).clean


def test_a_broker_that_is_dropped_or_kept_on_without_it_is_found(tmp_path: Path) -> None:
    log = inquired()
    dropped = offered(log, None)
    assert found(audit(log.write(tmp_path / "dropped"), [VKEY])) == [("KEY", dropped)]
    log = inquired()
    log.party("org_seller", "MND.TAKE_OVER", "mnd_1", **MANDATE)
    kept = offered(log, "org_broker")
    assert found(audit(log.write(tmp_path / "kept"), [VKEY])) == [("KEY", kept)]


@pytest.mark.parametrize(
    ("inquiry", "said"),
    [
        ({"broker_id": None}, {}),
        ({"broker_id": "org_other"}, {}),
        ({"seller_id": "org_other"}, {}),
        ({}, {"trades": ["trd_0001"]}),
    ],
)
def test_what_is_another_s_is_not_taken_over(tmp_path: Path, inquiry, said) -> None:
    log = inquired(**inquiry)
    seq = log.party("org_seller", "MND.TAKE_OVER", "mnd_1", **(MANDATE | said))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", seq)]


def agreed(log: Log) -> None:
    """From the inquiry to a contract that the seller has signed, with its broker in it."""
    facts = PARTIES | {"broker_id": "org_broker"}
    offered(log, "org_broker")
    log.party("org_buyer", "TRD.ACCEPT", "trd_0000", **facts, before="NEGOTIATING", after="ACCEPTED")
    log.exchange("TRD.PRECHECK_PASS", "trd_0000", **facts, before="ACCEPTED", after="CONTRACT_READY")


def signed(log: Log, who: str, contract: str, parties: list[str]) -> str:
    """A party's signature of a contract; answers the digest of its envelope."""
    said = {"trade_id": "trd_0000", "contract_sha256": contract, "parties": parties}
    log.say("TRD.SIGN", "trd_0000", key(who), actor=None, **said)
    return sha(jcs(log.envelopes[-1]))


@pytest.mark.parametrize("anew", [True, False])
def test_a_contract_is_signed_anew_once_the_broker_is_out_of_it(tmp_path: Path, anew) -> None:
    log = inquired()
    agreed(log)
    old = [signed(log, who, "a" * 64, ["org_seller", "org_buyer", "org_broker"]) for who in PEOPLE]
    log.party("org_seller", "MND.TAKE_OVER", "mnd_1", **MANDATE)
    facts = PARTIES | {"broker_id": None}
    again = {"before": "CONTRACT_READY", "after": "CONTRACT_READY"}
    log.exchange("TRD.PRECHECK_PASS", "trd_0000", **facts, **again)
    new = [signed(log, who, "b" * 64, PEOPLE) for who in PEOPLE] if anew else old
    facts |= {"contract_sha256": ("b" if anew else "a") * 64, "signatures": new}
    contract = log.exchange("TRD.CONTRACT", "trd_0000", **facts, before="CONTRACT_READY", after="CONTRACTED")
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == ([] if anew else [("SIG", contract)])


@pytest.mark.parametrize(
    ("end", "unsigned", "sound"),
    [
        ("MND.REVOKE", ["org_broker"], True),
        ("MND.TAKE_OVER", ["org_broker"], True),
        ("MND.EXPIRE", ["org_broker"], True),
        (None, ["org_broker"], False),  # the mandate runs: its broker signs
        ("MND.TERMINATE", ["org_broker"], False),  # lost with the certificate
        ("MND.REVOKE", None, False),
        ("MND.REVOKE", ["org_buyer"], False),
        ("MND.REVOKE", [], False),
    ],
)
def test_a_contract_is_without_its_brokers_name_only_after_the_mandate(
    tmp_path, end, unsigned, sound
) -> None:
    log = inquired()
    mandate = {name: value for name, value in MANDATE.items() if name != "trades"}
    mandate |= {"ends_at": "2099-01-01T00:00:00.000Z"}
    log.party("org_seller", "MND.SIGN", "mnd_1", **mandate)
    facts = PARTIES | {"broker_id": "org_broker"}
    offered(log, "org_broker")
    log.party("org_buyer", "TRD.ACCEPT", "trd_0000", **facts, before="NEGOTIATING", after="ACCEPTED")
    passed = facts | {"mandate_id": "mnd_1", "before": "ACCEPTED", "after": "CONTRACT_READY"}
    log.exchange("TRD.PRECHECK_PASS", "trd_0000", **passed)
    if end in {"MND.EXPIRE", "MND.TERMINATE"}:
        log.exchange(end, "mnd_1", **mandate)
    elif end is not None:
        log.party("org_seller", end, "mnd_1", **mandate, **({"trades": []} if end == "MND.TAKE_OVER" else {}))
    signatures = [signed(log, who, "a" * 64, [*PEOPLE, "org_broker"]) for who in PEOPLE]
    facts |= {"contract_sha256": "a" * 64, "signatures": signatures}
    facts |= {} if unsigned is None else {"unsigned": unsigned}
    contract = log.exchange("TRD.CONTRACT", "trd_0000", **facts, before="CONTRACT_READY", after="CONTRACTED")
    told = found(audit(log.write(tmp_path / "b"), [VKEY]))
    assert set(told) == (set() if sound else {("SIG", contract)})
