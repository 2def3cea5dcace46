"""Money that goes back, as an operator could state it and nobody decided it: the auditor finds it."""

from pathlib import Path
from typing import Any

import pytest

from supervision.audit import audit
from supervision.audit_report import Report
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, sha, trade

PRICE, COMMISSION, PLATFORM = 68_000_000, 1_360_000, 680_000
FUNDED, SETTLED = 17, 21
KNOWN: dict[str, Any] = {
    "trade_id": "trd_0000",
    "listing_id": "lst_1",
    "seller_id": "org_seller",
    "buyer_id": "org_buyer",
    "broker_id": "org_broker",
}
PROOF = {"bank_message_sha256": sha(b"camt.054")}
DIVIDED = {
    "amount_minor": str(PRICE),
    "seller_minor": "33626667",
    "commission_minor": "693333",
    "platform_fee_minor": "346667",
    "refund_minor": "33333333",
}


def until(seq: int) -> Log:
    """A trade as far as an entry."""
    log = Log()
    genesis(log)
    trade(log, 0)
    del log.envelopes[seq + 1 :]
    log.openings = {at: opening for at, opening in log.openings.items() if at <= seq}
    return log


def step(
    log: Log,
    event: str,
    before: str,
    after: str,
    opening: dict[str, str] | None = None,
    *,
    by: bytes | None = None,
) -> int:
    """A step of the trade; what it pays is paid by an instruction of its own, unless another is named."""
    moves: dict[str, Any] = {"before": before, "after": after}
    moves["instruction_sha256"] = sha(by or b"pain.001/%d" % len(log.envelopes))
    if opening is not None:
        moves["opening"] = opening
    return log.exchange(f"TRD.{event}", "trd_0000", **KNOWN, **moves, **PROOF)


def audited(log: Log, tmp_path: Path) -> Report:
    return audit(log.write(tmp_path / "b"), [VKEY])


def failed(amount_minor: int) -> tuple[Log, int]:
    """A trade that was funded, never delivered, and refunded."""
    log = until(FUNDED)
    step(log, "DELIVERY_FAIL", "FUNDED", "REFUND_PENDING")
    opening = {"amount_minor": str(amount_minor)}
    return log, step(log, "REFUND", "REFUND_PENDING", "REFUNDED", opening)


def divided(*, by: bytes | None = None, **changes: str | None) -> tuple[Log, int]:
    """A trade that was settled in part."""
    log = until(SETTLED - 2)
    step(log, "DISPUTE", "DELIVERED", "DISPUTED")
    step(log, "PARTIAL", "DISPUTED", "PARTIAL_SETTLE", {"refund_minor": "33333333"})
    said = {name: text for name, text in (DIVIDED | changes).items() if text is not None}
    return log, step(log, "SETTLE", "PARTIAL_SETTLE", "SETTLED", said, by=by)


def claimed_back(*amounts: int, decided: str | None = None) -> tuple[Log, int]:
    """A settled trade that was refunded after release."""
    log = until(SETTLED)
    step(log, "POST_REFUND", "SETTLED", "REFUND_PENDING", {"refund_minor": decided} if decided else None)
    for amount in amounts:
        seq = step(log, "REFUND", "REFUND_PENDING", "REFUNDED", {"amount_minor": str(amount)})
    return log, seq


def test_all_that_was_held_goes_back(tmp_path: Path) -> None:
    log, _ = failed(PRICE)
    assert audited(log, tmp_path).clean


@pytest.mark.parametrize("amount", [PRICE - 1, PRICE + 1, 1])
def test_another_amount_than_was_held_is_found(tmp_path: Path, amount: int) -> None:
    log, seq = failed(amount)
    report = audited(log, tmp_path)
    assert found(report) == [("OPENING", seq)]
    assert "held" in report.problems[0].why


def test_a_divided_price_is_split_as_the_contract_splits_it(tmp_path: Path) -> None:
    log, _ = divided()
    assert audited(log, tmp_path).clean


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seller_minor": "33626668"}, "do not sum"),
        ({"seller_minor": "33626668", "commission_minor": "693332"}, "not split as the contract"),
        ({"seller_minor": "32960000", "commission_minor": "1360000"}, "not split as the contract"),
        ({"refund_minor": "33333332", "seller_minor": "33626668"}, "not what was decided"),
        ({"amount_minor": "67999999"}, "not what the parties signed for"),
        ({"refund_minor": None}, "settled in part"),
        ({"platform_fee_minor": None}, "all its parts"),
    ],
)
def test_a_price_that_is_divided_otherwise_is_found(
    tmp_path: Path, changes: dict[str, str | None], why: str
) -> None:
    log, seq = divided(**changes)
    report = audited(log, tmp_path)
    assert {problem.seq for problem in report.problems} == {seq}
    assert any(why in problem.why for problem in report.problems)


def test_nothing_goes_back_of_a_trade_that_is_settled_whole(tmp_path: Path) -> None:
    log = until(SETTLED - 1)
    seq = step(log, "SETTLE", "ACCEPTED_GOODS", "SETTLED", DIVIDED)
    assert found(audited(log, tmp_path)) == [("OPENING", seq)]


@pytest.mark.parametrize(
    ("amounts", "decided", "codes"),
    [
        ((PRICE,), None, []),
        ((PRICE,), str(PRICE), []),
        ((1,), "1", []),
        ((PRICE + 1,), None, ["OPENING"]),
        ((2,), "1", ["OPENING"]),
    ],
)
def test_after_release_no_more_goes_back_than_was_decided_and_paid_out(
    tmp_path: Path, amounts: tuple[int, ...], decided: str | None, codes: list[str]
) -> None:
    log, seq = claimed_back(*amounts, decided=decided)
    assert found(audited(log, tmp_path)) == [(code, seq) for code in codes]


def test_after_a_divided_settlement_no_more_than_its_rest_goes_back(tmp_path: Path) -> None:
    for amount, clean in ((PRICE - 33_333_333, True), (PRICE - 33_333_332, False)):
        log, _ = divided()
        step(log, "POST_REFUND", "SETTLED", "REFUND_PENDING")
        seq = step(log, "REFUND", "REFUND_PENDING", "REFUNDED", {"amount_minor": str(amount)})
        assert found(audited(log, tmp_path / str(amount))) == ([] if clean else [("OPENING", seq)])


def test_a_second_refund_of_a_void_trade_is_found(tmp_path: Path) -> None:
    log = until(FUNDED)
    voided(log, "FUNDED")
    step(log, "REFUND", "VOIDED", "VOIDED", {"amount_minor": str(PRICE)})
    seq = step(log, "REFUND", "VOIDED", "VOIDED", {"amount_minor": str(PRICE)})
    assert found(audited(log, tmp_path)) == [("OPENING", seq)]


def voided(log: Log, before: str) -> None:
    law: dict[str, Any] = {"before": before, "after": "VOIDED", "order_id": "ord_1", "reason_code": "X"}
    log.party("org_authority", "TRD.VOID", "trd_0000", **KNOWN, **law)


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("meanwhile", ["void", "refunded and void"])
def test_one_instruction_releases_money_once(tmp_path: Path, meanwhile: str, *, other: bool) -> None:
    """Each sum is within what was paid out: only the instruction tells that it is the same payment."""
    log = until(SETTLED)
    back = {"amount_minor": "1000"}
    if meanwhile == "void":
        voided(log, "SETTLED")
        step(log, "REFUND", "VOIDED", "VOIDED", back, by=b"one")
    else:
        step(log, "POST_REFUND", "SETTLED", "REFUND_PENDING", {"refund_minor": "1000"})
        step(log, "REFUND", "REFUND_PENDING", "REFUNDED", back, by=b"one")
        voided(log, "REFUNDED")
    seq = step(log, "REFUND", "VOIDED", "VOIDED", back, by=b"other" if other else b"one")
    report = audited(log, tmp_path)
    assert found(report) == ([] if other else [("OPENING", seq)])
    assert other or "second time" in report.problems[0].why


def test_a_refund_by_the_instruction_of_the_settlement_is_found(tmp_path: Path) -> None:
    log, _ = divided(by=b"one")
    step(log, "POST_REFUND", "SETTLED", "REFUND_PENDING")
    seq = step(log, "REFUND", "REFUND_PENDING", "REFUNDED", {"amount_minor": "1"}, by=b"one")
    assert found(audited(log, tmp_path)) == [("OPENING", seq)]


def test_the_parties_of_a_settled_trade_stay_who_they_were(tmp_path: Path) -> None:
    log = until(SETTLED)
    moves: dict[str, Any] = {"before": "SETTLED", "after": "SETTLED"}
    seq = log.party("org_buyer", "TRD.INVOICE", "trd_0000", **(KNOWN | {"seller_id": "org_buyer"}), **moves)
    assert {problem.seq for problem in audited(log, tmp_path).problems} == {seq}
