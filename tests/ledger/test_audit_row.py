"""Two logs of one exchange in a row: the second begins where the first has ended, and its parties go on."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from cli.audit import audit as audit_command
from ledger.bundle import KeyWindow
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey
from ledger.errors import NoteInvalid
from ledger.rotation import Predecessor
from ledger.tree import leaf_hash, root_of
from supervision.audit import audit
from supervision.audit_report import Report
from supervision.audit_row import audit_in_a_row
from tests.ledger.audited import found
from tests.ledger.make_bundle import OPERATOR, b64, key, sha, story
from tests.ledger.turning import NEW, OLD, Turning

NEXT = NoteSigner("databourse.example/log-2", key("log two"))
FOREIGN = NoteSigner("databourse.example/log-2", key("log of a forger"))


def closed(reason: str = "shard", successor: NoteSigner | None = NEXT) -> Turning:
    log = Turning(envelopes=(told := story(2)).envelopes, openings=told.openings)
    log.close(reason, OLD, successor)
    return log


def head_of(log: Turning) -> Checkpoint:
    leaves = [leaf_hash(entry) for entry in log.entries()]
    return Checkpoint(log.origin, len(leaves), root_of(leaves))


def following(before: Turning, signer: NoteSigner = NEXT, exchange: str = "exchange", **said: Any) -> Turning:
    """The next log: entry 0, and what a party says with a key of the log before."""
    log = Turning(origin=signer.name, signer=signer, windows=[KeyWindow(signer.vkey)], owners=[signer])
    public = key(exchange).public
    facts: dict[str, Any] = {
        "origin": log.origin,
        "vkey": str(signer.vkey),
        "exchange_key": {"keyid": sha(public), "public_key": b64(public)},
        "operator_id": OPERATOR,
        "previous": Predecessor.of(head_of(before)).document(),
    }
    actor = said.pop("actor", OPERATOR)
    facts |= said
    log.say("LOG.GENESIS", "log", key(exchange), actor=actor, role="EXCHANGE_OPERATOR", **facts)
    log.party("org_seller", "LST.DRAFT", f"lst_{signer.name[-1]}", signer=key("org_seller 2"))
    return log


def in_a_row(tmp_path: Path, *logs: Turning, vkeys: list[VerifierKey]) -> list[Report]:
    bundles = [log.bundle(tmp_path / str(number)) for number, log in enumerate(logs)]
    return audit_in_a_row(bundles, vkeys)


def test_who_trusts_the_first_log_s_key_is_led_into_the_second(tmp_path: Path) -> None:
    before = closed()
    first, second = in_a_row(tmp_path, before, following(before), vkeys=[OLD.vkey])
    assert (first.clean, second.clean) == (True, True), (first.problems, second.problems)
    assert (first.pinned, second.pinned) == (True, True)
    assert second.signatures == 2


def test_a_compromised_key_leads_nowhere_and_the_new_one_is_pinned_anew(tmp_path: Path) -> None:
    before = closed("compromised", None)
    _, second = in_a_row(tmp_path / "a", before, following(before), vkeys=[OLD.vkey])
    assert (second.clean, second.pinned) == (True, False)
    _, second = in_a_row(tmp_path / "b", before, following(before), vkeys=[OLD.vkey, NEXT.vkey])
    assert (second.clean, second.pinned) == (True, True)


def test_three_logs_in_a_row(tmp_path: Path) -> None:
    before = closed()
    middle = following(before)
    last = NoteSigner("databourse.example/log-3", key("log three"))
    middle.close("shard", NEXT, last)
    reports = in_a_row(tmp_path, before, middle, following(middle, last), vkeys=[OLD.vkey])
    assert [(report.clean, report.pinned) for report in reports] == [(True, True)] * 3, reports


def test_the_second_log_alone_says_what_it_goes_on_from(tmp_path: Path) -> None:
    before = closed()
    report = audit(following(before).bundle(tmp_path / "b"), [NEXT.vkey])
    assert found(report) == [("KEY", 1)]
    assert "goes on from databourse.example/log: audit that one first" in report.problems[0].why


def other(before: Turning, **change: Any) -> dict[str, Any]:
    return {"previous": Predecessor.of(head_of(before)).document() | change}


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (lambda log: {"previous": None}, "names no checkpoint"),
        (lambda log: other(log, size=5), "does not go on"),
        (lambda log: other(log, root="00" * 32), "does not go on"),
        (lambda log: other(log, note_sha256="00" * 32), "does not go on"),
        (lambda log: other(log, origin="databourse.example/another"), "does not go on"),
        (
            lambda log: {"operator_id": "org_seller", "actor": "org_seller"},
            "not the exchange of the log before",
        ),
        (lambda log: {"exchange": "a forger"}, "not with a key that was valid there"),
        (lambda log: {"signer": FOREIGN}, "in favour of another key"),
    ],
)
def test_a_log_that_only_claims_to_go_on_is_found(tmp_path: Path, forged, why) -> None:
    before = closed()
    log = following(before, **forged(before))
    _, second = in_a_row(tmp_path, before, log, vkeys=[OLD.vkey, log.signer.vkey])
    bundles = [tmp_path / "0", tmp_path / "1"]
    quick = audit_in_a_row(bundles, [OLD.vkey, log.signer.vkey], signatures=False)[1]
    for report in (second, quick):
        assert ("KEY", 0) in found(report)
        assert any(why in problem.why for problem in report.problems if problem.seq == 0), report.problems


def test_nothing_goes_on_from_a_log_that_is_open(tmp_path: Path) -> None:
    before = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    _, second = in_a_row(tmp_path, before, following(before), vkeys=[OLD.vkey, NEXT.vkey])
    assert [problem.why for problem in second.problems] == ["databourse.example/log was not closed"]


def test_a_key_that_was_revoked_in_the_first_log_does_not_speak_in_the_second(tmp_path: Path) -> None:
    before = closed()
    log = following(before)
    late = log.party("org_seller", "LST.DRAFT", "lst_6")  # with the key that the story revoked
    back = log.register("org_seller", ["PROVIDER"], key("org_seller"), key("org_seller 2"))
    _, second = in_a_row(tmp_path, before, log, vkeys=[OLD.vkey])
    assert found(second) == [("KEY", late), ("KEY", back)]


def test_a_statement_of_the_first_log_is_not_sealed_again_in_the_second(tmp_path: Path) -> None:
    before = closed()
    log = following(before)
    log.envelopes.append(before.envelopes[-2])
    log.openings[2] = before.openings[len(before.envelopes) - 2]
    _, second = in_a_row(tmp_path, before, log, vkeys=[OLD.vkey])
    assert found(second) == [("SIG", 2)]
    assert "in a log before" in second.problems[0].why


def test_trades_go_on_from_the_first_log_and_nobody_makes_one_up_in_the_second(tmp_path: Path) -> None:
    before = closed()
    log = following(before)
    amounts = {"amount_minor": "900000000", "commission_minor": "0", "platform_fee_minor": "0"}
    parties = {"seller_id": "org_seller", "buyer_id": "org_buyer", "broker_id": None}
    moves = {"before": "CONTRACT_READY", "after": "CONTRACTED", "contract_sha256": "0" * 64}
    facts = {"signatures": [], "opening": amounts, **parties, **moves}
    forged = log.exchange("TRD.CONTRACT", "trd_forged", **facts)
    moves = {"before": "ACCEPTED_GOODS", "after": "SETTLED"}
    again = log.exchange(
        "TRD.SETTLE", "trd_0000", opening=amounts | {"seller_minor": "9"}, **parties, **moves
    )
    first, second = in_a_row(tmp_path, before, log, vkeys=[OLD.vkey])
    assert (first.clean, second.warnings) == (True, [])
    assert {("KEY", forged), ("KEY", again)} <= set(found(second))


def test_a_trade_may_be_signed_in_one_log_and_paid_in_the_next_and_only_as_signed(tmp_path: Path) -> None:
    whole = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    begun = 18  # its statements up to TRD.FUND
    for amount in (None, "1"):
        before = Turning(envelopes=whole.envelopes[:begun], openings=dict(whole.openings))
        before.register("org_seller", ["PROVIDER"], key("org_seller 2"), key("org_seller"))
        before.openings = {seq: opening for seq, opening in whole.openings.items() if seq < begun}
        before.close("shard", OLD, NEXT)
        log = following(before)
        log.envelopes += whole.envelopes[begun : begun + 3]
        log.openings = {}
        stated = orjson.loads(whole.openings[begun + 3]) | ({"amount_minor": amount} if amount else {})
        predicate = orjson.loads(base64.b64decode(whole.envelopes[begun + 3]["payload"]))["predicate"]
        facts = {name: predicate[name] for name in ("seller_id", "buyer_id", "broker_id", "trade_id")}
        moves = {"before": "ACCEPTED_GOODS", "after": "SETTLED"}
        settled = log.exchange("TRD.SETTLE", "trd_0000", opening=stated, **facts, **moves)
        _, second = in_a_row(tmp_path / str(amount), before, log, vkeys=[OLD.vkey])
        assert set(found(second)) == ({("OPENING", settled)} if amount else set())


def test_an_opening_of_the_first_log_may_be_erased_by_the_word_of_the_second(tmp_path: Path) -> None:
    before = closed()
    digest = sha(before.openings.pop(9))
    log = following(before)
    alone = audit(before.bundle(tmp_path / "alone"), [OLD.vkey])
    assert (alone.clean, [str(one.code) for one in alone.warnings]) == (True, ["OPENING"])
    _, hidden = in_a_row(tmp_path / "hidden", before, log, vkeys=[OLD.vkey])
    assert [problem.why.partition(": ")[0] for problem in hidden.problems] == ["databourse.example/log seq 9"]
    log.exchange("OPN.ERASE", "sta_1", opening_sha256=digest, seq=9)
    _, told = in_a_row(tmp_path / "told", before, log, vkeys=[OLD.vkey])
    assert told.clean, told.problems


def test_a_log_without_the_one_before_it_warns(tmp_path: Path) -> None:
    report = audit(following(closed()).bundle(tmp_path / "b"), [NEXT.vkey])
    assert [str(warning.code) for warning in report.warnings] == ["GOES_ON"]


def test_the_first_log_may_have_turned_its_key_over(tmp_path: Path) -> None:
    before = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    before.rotate()
    before.retire()
    before.close("shard", NEW, NEXT)
    reports = in_a_row(tmp_path, before, following(before), vkeys=[OLD.vkey])
    assert [(report.clean, report.pinned) for report in reports] == [(True, True)] * 2


def test_a_pinned_key_of_none_of_the_logs_is_no_pin_at_all(tmp_path: Path) -> None:
    before = closed()
    stranger = NoteSigner("databourse.example/elsewhere", key("log"))
    with pytest.raises(NoteInvalid, match="none of the logs"):
        in_a_row(tmp_path, before, following(before), vkeys=[stranger.vkey])


def test_the_command_audits_the_closed_logs_first(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(audit_command)
    before = closed()
    first, second = before.bundle(tmp_path / "one"), following(before).bundle(tmp_path / "two")
    answer = CliRunner().invoke(app, [str(second), "--after", str(first), "--vkey", str(OLD.vkey)])
    assert answer.exit_code == 0, answer.output
    assert [line for line in answer.output.splitlines() if "CLEAN" in line] == ["CLEAN", "CLEAN"]
    assert "databourse.example/log-2, 2 entries" in answer.output
    alone = CliRunner().invoke(app, [str(second), "--vkey", str(NEXT.vkey)])
    assert (alone.exit_code, "audit that one first" in alone.output) == (1, True)
    (first / "checkpoints" / "5").write_bytes(b"nothing")
    damaged = CliRunner().invoke(app, [str(second), "--after", str(first), "--vkey", str(OLD.vkey)])
    assert damaged.exit_code == 1, "a log is not clean where the one before is not"
