"""The legs of an instruction are those that the statement names: each payee was shown its own."""

from pathlib import Path
from typing import Any

import pytest

from supervision.audit import audit
from supervision.audit_legs import legs_fit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, jcs, sha

LEGS: list[dict[str, Any]] = [
    {
        "end_to_end_id": f"trd_1/{seat}",
        "amount_minor": "100",
        "account": f"CN00BANK{seat}",
        "nonce": sha(seat.encode()),
    }
    for seat in "SBP"
]
NAMED = [sha(jcs(leg)) for leg in LEGS]


def instructed(legs: Any, **public: Any) -> tuple[Log, int]:
    log = Log()
    genesis(log)
    said = {"trade_id": "trd_1", "instruction_sha256": sha(b"pain.001"), **public}
    return log, log.exchange("PAY.INSTRUCT", "trd_1", opening={"legs": legs}, **said)


def test_legs_that_are_named_are_clean_and_so_are_those_of_before_they_were(tmp_path: Path) -> None:
    for name, public in (("new", {"legs_sha256": NAMED}), ("old", {})):
        log, _ = instructed(LEGS, **public)
        assert found(audit(log.write(tmp_path / name), [VKEY])) == []
    bare = [{name: text for name, text in leg.items() if name != "nonce"} for leg in LEGS]
    log, _ = instructed(bare)
    assert found(audit(log.write(tmp_path / "bare"), [VKEY])) == []


@pytest.mark.parametrize(
    "legs",
    [
        LEGS[:2],
        LEGS[::-1],
        [*LEGS, LEGS[0]],
        [{**LEGS[0], "account": "CN00OTHER"}, *LEGS[1:]],
        [{**LEGS[0], "amount_minor": "101"}, *LEGS[1:]],
        [{**LEGS[0], "nonce": LEGS[0]["nonce"][:-1]}, *LEGS[1:]],
        [{name: text for name, text in LEGS[0].items() if name != "nonce"}, *LEGS[1:]],
        ["CN00BANKS", *LEGS[1:]],
        "CN00BANKS",
        None,
    ],
)
def test_any_other_leg_is_found(tmp_path: Path, legs: Any) -> None:
    log, seq = instructed(legs, legs_sha256=NAMED)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("OPENING", seq)]


@pytest.mark.parametrize("named", [None, "", {}, NAMED[:1], [NAMED, NAMED], 3])
def test_digests_that_are_none_fit_no_legs(named: Any) -> None:
    assert not legs_fit({"legs_sha256": named}, {"legs": LEGS})
    assert legs_fit({"legs_sha256": NAMED}, {"legs": LEGS})
