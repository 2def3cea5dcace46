"""What entries say: their form, their signatures, whose keys signed, their openings."""

import base64
from pathlib import Path

import pytest

from ledger.bundle import Edition
from supervision.audit import audit
from supervision.audit_report import Code, Report
from tests.ledger.audited import FORGER, first, found, spoken
from tests.ledger.make_bundle import (
    OPERATOR,
    ORIGIN,
    VKEY,
    Log,
    b64,
    dsse,
    genesis,
    jcs,
    key,
    resign,
    sha,
    story,
    trade,
)

# --- entries that are not of the published form


def with_entry(tmp_path: Path, change, seq: int = 7) -> Report:
    """A log whose entry `seq` is changed before it is sealed into tree and checkpoint."""
    log = story()
    entries = log.entries()[: seq + 1]
    entries[seq] = change(entries[seq])
    del log.envelopes[seq + 1 :]
    return audit(log.write(tmp_path / "b", entries=entries, openings={}), [VKEY])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: raw.replace(b'"v":1}', b'"v": 1}'), "canonical"),
        (lambda raw: raw[:-1] + b',"v":1}', "canonical"),
        (lambda raw: raw.replace(b'"payloadType":', b'"payloadType" :'), "canonical"),
        (lambda raw: raw.replace(b'{"at":', b'{"at":"2026-01-01T00:00:00.000Z","at":'), "canonical"),
        (lambda raw: raw[:-1] + b',"w":1}', "members"),
        (lambda raw: raw.replace(b'"v":1}', b'"v":2}'), "version"),
        (lambda raw: raw.replace(b".000Z", b"Z"), "time"),
        (
            lambda raw: raw.replace(b'"payloadType":"application/vnd.in-toto+json"', b'"payloadType":"x"'),
            "in-toto",
        ),
        (lambda raw: b"nothing", "not JSON"),
        (lambda raw: b"[" * 3000, "not JSON"),
        (lambda raw: b"", "not JSON"),
        (lambda raw: b"1", "members"),
        (lambda raw: raw.replace(b'"signatures":[', b'"signatures":[],"x":['), "envelope"),
    ],
)
def test_an_entry_of_another_form_is_a_hash_problem(tmp_path: Path, change, why: str) -> None:
    report = with_entry(tmp_path, change)
    assert ("HASH", 7) in found(report)
    assert any(why in problem.why for problem in report.problems if problem.code is Code.HASH), (
        report.problems
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said | {"_type": "https://in-toto.io/Statement/v0.1"},
        lambda said: said | {"predicateType": "urn:databourse:statement:OTHER:v1"},
        lambda said: said | {"extra": 1},
        lambda said: said | {"subject": []},
        lambda said: said | {"subject": [{"name": "other", "digest": said["subject"][0]["digest"]}]},
        lambda said: said | {"subject": [{"name": "obj", "digest": {"md5": "0" * 64}}]},
        lambda said: said | {"predicate": {**said["predicate"], "opening": {"sha256": "zz"}}},
        lambda said: said | {"predicate": {**said["predicate"], "opening": {"sha256": sha(b"another")}}},
        lambda said: said | {"predicate": []},
    ],
)
def test_a_statement_of_another_form_is_a_hash_problem(tmp_path: Path, change) -> None:
    said = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "obj", "digest": {"sha256": sha(b"")}}],
        "predicateType": "urn:databourse:statement:TST.SAY:v1",
        "predicate": {"event": "TST.SAY", "object": "obj", "actor": "org_seller", "role": "PROVIDER"},
    }
    log = Log()
    genesis(log)
    log.envelopes.append(dsse(jcs(said), key("org_seller")))
    assert audit(log.write(tmp_path / "good"), [VKEY]).clean
    log.envelopes[-1] = dsse(jcs(change(said)), key("org_seller"))
    assert found(audit(log.write(tmp_path / "bad"), [VKEY])) == [("HASH", 9)]


def test_a_payload_that_is_not_canonical_is_a_hash_problem(tmp_path: Path) -> None:
    log = story(1)
    payload = base64.b64decode(log.envelopes[-1]["payload"])
    log.envelopes[-1] = dsse(payload.replace(b'"role":', b'"role":"BUYER","role":'), key("org_seller 2"))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("HASH", 24)]


def test_base64_in_another_spelling_is_a_hash_problem(tmp_path: Path) -> None:
    log = story(1)
    signature = log.envelopes[24]["signatures"][0]
    sig = signature["sig"]
    signature["sig"] = sig[:-3] + chr(ord(sig[-3]) + 1) + "=="
    assert base64.b64decode(signature["sig"]) == base64.b64decode(sig)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("HASH", 24)]


def test_time_does_not_go_back(tmp_path: Path) -> None:
    log = story()
    log.sealed_at[7] = "2026-11-16T01:00:00.000Z"
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("LINK", 7)]


def test_an_entry_of_another_log_is_a_broken_link(tmp_path: Path) -> None:
    log = story(1)
    entries = log.entries()
    entries[20] = entries[20].replace(ORIGIN.encode(), b"databourse.example/lag")
    assert first(audit(log.write(tmp_path / "b", entries=entries), [VKEY])) == ("LINK", 20)


# --- signatures and keys


def test_a_right_voice_is_clean(tmp_path: Path) -> None:
    log = spoken(actor="org_seller", role="PROVIDER", signer=key("org_seller"))
    assert audit(log.write(tmp_path / "b"), [VKEY]).clean


@pytest.mark.parametrize(
    ("actor", "role", "signer", "why"),
    [
        ("org_seller", "BUYER", "org_seller", "role"),
        ("org_seller", "DATA_AUTHORITY", "org_seller", "role"),
        ("org_buyer", "BUYER", "org_seller", "speaks for"),
        ("org_seller", "PROVIDER", "exchange", "speaks for"),
        (OPERATOR, "DATA_AUTHORITY", "exchange", "role"),
        ("org_seller", "PROVIDER", "stranger", "not registered"),
        ("org_seller", None, "org_seller", "role"),
        (None, None, "org_seller", "speaks for"),
    ],
)
def test_a_key_that_could_not_say_it_is_a_key_problem(
    tmp_path: Path, actor: str, role: str, signer: str, why: str
) -> None:
    log = spoken(actor=actor, role=role, signer=key(signer))
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("KEY", 9)]
    assert why in report.problems[0].why


def test_a_second_signer_who_is_not_the_actor_is_a_key_problem(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.say("TST.SAY", "obj", key("org_seller"), key("org_buyer"), actor="org_seller", role="PROVIDER")
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", 9)]


def test_a_contract_is_signed_by_its_parties_only(tmp_path: Path) -> None:
    parties = ["org_seller", "org_buyer"]
    for signer, clean in (("org_seller", True), ("org_buyer", True), ("org_broker", False)):
        log = spoken(actor=None, role=None, signer=key(signer), event="TRD.SIGN", parties=parties)
        report = audit(log.write(tmp_path / signer), [VKEY])
        why = "a step of a trade that no inquiry began" if clean else f"{signer} is no party of this contract"
        assert [(problem.seq, problem.why) for problem in report.problems] == [(9, why)]


@pytest.mark.parametrize("part", ["sig", "payload"])
def test_a_changed_statement_under_an_old_signature_is_a_sig_problem(tmp_path: Path, part: str) -> None:
    log = story()
    envelope = log.envelopes[12]
    if part == "sig":
        envelope["signatures"][0]["sig"] = b64(bytes(64))
    else:
        envelope["payload"] = log.envelopes[9]["payload"]
    report = audit(log.write(tmp_path / "b", openings={}), [VKEY])
    assert first(report) == ("SIG", 12)


def test_a_signature_under_the_keyid_of_another_is_a_sig_problem(tmp_path: Path) -> None:
    log = spoken(actor="org_seller", role="PROVIDER", signer=key("stranger"))
    log.envelopes[-1]["signatures"][0]["keyid"] = sha(key("org_seller").public)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("SIG", 9)]


def test_a_revoked_key_used_later_is_a_key_problem(tmp_path: Path) -> None:
    log = story()
    seq = log.party("org_seller", "TST.SAY", "lst_9")
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("KEY", seq)]
    assert "revoked" in report.problems[0].why


def test_a_statement_sealed_twice_is_a_sig_problem(tmp_path: Path) -> None:
    log = story()
    log.envelopes.append(log.envelopes[-1])
    log.openings[len(log.envelopes) - 1] = log.openings[len(log.envelopes) - 2]
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("SIG", len(log.envelopes) - 1)]
    assert f"seq {len(log.envelopes) - 2}" in report.problems[0].why


def test_a_statement_sealed_twice_is_found_whatever_signs_beside_it_and_in_whatever_order(
    tmp_path: Path,
) -> None:
    log = Log()
    genesis(log)
    seq = log.register("org_new", ["BUYER"], key("org_new"), key("exchange"))
    again = dict(log.envelopes[seq])
    again["signatures"] = again["signatures"][::-1]
    log.envelopes.append(again)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert ("SIG", seq + 1) in found(report)


@pytest.mark.parametrize("at", range(4))
def test_a_statement_sealed_again_with_a_further_signature_is_found(tmp_path: Path, at: int) -> None:
    log = Log()
    genesis(log)
    second = key("buyer 2")
    log.register("org_buyer", ["BUYER"], second, key("org_buyer"))
    seq = log.party("org_buyer", "PAY.ACCOUNT", f"acc_{at}", org_id="org_buyer")
    log.envelopes.append(dsse(base64.b64decode(log.envelopes[seq]["payload"]), key("org_buyer"), second))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("SIG", seq + 1)]


def test_each_party_of_a_contract_signs_in_an_envelope_of_its_own(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    trade(log, 0)
    payload = base64.b64decode(log.envelopes[13]["payload"])
    log.envelopes[13] = dsse(payload, key("org_buyer"), key("org_seller"))
    assert ("KEY", 13) in found(audit(log.write(tmp_path / "b"), [VKEY]))


NEW = key("new")


@pytest.mark.parametrize(
    ("org_id", "roles", "signers", "wrong"),
    [
        ("org_seller", ["PROVIDER"], ["new", "org_seller"], []),
        ("org_seller", ["PROVIDER"], ["org_seller", "new"], []),
        ("org_seller", ["PROVIDER"], ["new", "exchange"], [9, 10]),  # the exchange makes itself a party's key
        ("org_new", ["BUYER"], ["new", "exchange"], []),
        ("org_seller", ["PROVIDER", "BUYER"], ["new", "exchange"], [9, 10]),
        ("org_seller", ["PROVIDER", "BUYER"], ["new", "org_seller", "exchange"], []),
        ("org_seller", ["PROVIDER", "DATA_AUTHORITY"], ["new", "org_seller"], [9, 10]),
        ("org_seller", ["PROVIDER"], ["new"], [9, 10]),
        ("org_seller", ["PROVIDER"], ["exchange"], [9, 10]),
        ("org_seller", ["PROVIDER"], ["new", "org_buyer"], [9, 10]),
        ("org_seller", ["PROVIDER"], ["new", "exchange", "org_buyer"], [9, 10]),
        ("org_seller", ["PROVIDER"], ["new", "new", "exchange"], [9, 10]),
        ("org_new", ["BUYER"], ["new", "org_buyer"], [9, 10]),
        ("org_seller", [], ["new", "exchange"], [9, 10]),
    ],
)
def test_who_may_register_a_key(
    tmp_path: Path, org_id: str, roles: list[str], signers: list[str], wrong: list[int]
) -> None:
    log = Log()
    genesis(log)
    log.register(org_id, roles, NEW)
    payload = base64.b64decode(log.envelopes.pop()["payload"])
    log.envelopes.append(dsse(payload, *(key(name) for name in signers)))
    log.say("TST.SAY", "obj", NEW, actor=org_id, role=(roles or ["PROVIDER"])[0])
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("KEY", seq) for seq in wrong]


def test_after_a_recorded_loss_the_exchange_alone_registers_a_key(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    facts = {"org_id": "org_seller", "keyid": sha(key("org_seller").public), "reason": "lost"}
    log.say("KEY.REVOKE", "key_x", key("exchange"), actor=OPERATOR, role="EXCHANGE_OPERATOR", **facts)
    log.register("org_seller", ["PROVIDER"], NEW, key("exchange"))
    log.say("TST.SAY", "obj", NEW, actor="org_seller", role="PROVIDER")
    assert audit(log.write(tmp_path / "a"), [VKEY]).clean
    again = log.register("org_seller", ["PROVIDER"], key("another"), key("exchange"))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", again)]


def test_a_point_of_small_order_is_no_key(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    weak = bytes([1, *bytes(31)])
    facts = {"org_id": "org_new", "roles": ["BUYER"], "suite": "ed25519-sha256", "custody": "self-held"}
    facts |= {"keyid": sha(weak), "public_key": b64(weak)}
    log.say("KEY.REGISTER", "key_w", key("exchange"), actor=OPERATOR, role="EXCHANGE_OPERATOR", **facts)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("KEY", 9)]
    assert "not the registration of a key" in report.problems[0].why


def test_new_roles_of_the_same_key_are_granted_by_the_exchange_and_bite_at_once(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_seller", ["BUYER"], key("org_seller"), key("exchange"))
    named = {"actor": "org_seller", "buyer_id": "org_seller", "after": "INQUIRED"}
    log.say("TRD.INQUIRE", "obj", key("org_seller"), role="BUYER", **named)
    assert audit(log.write(tmp_path / "a"), [VKEY]).clean
    seq = log.say("TST.SAY", "obj", key("org_seller"), actor="org_seller", role="PROVIDER")
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", seq)]


def test_a_key_of_one_organisation_is_not_registered_for_another(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_other", ["PROVIDER"], key("org_seller"), key("exchange"))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", 9)]


@pytest.mark.parametrize("revoker", ["org_seller", "exchange", "org_buyer"])
def test_who_may_revoke_a_key(tmp_path: Path, revoker: str) -> None:
    log = Log()
    genesis(log)
    actor = OPERATOR if revoker == "exchange" else revoker
    facts = {"org_id": "org_seller", "keyid": sha(key("org_seller").public), "reason": "lost"}
    role = {"org_seller": "PROVIDER", "org_buyer": "BUYER", "exchange": "EXCHANGE_OPERATOR"}[revoker]
    log.say("KEY.REVOKE", "key_x", key(revoker), actor=actor, role=role, **facts)
    seq = log.party("org_seller", "TST.SAY", "obj")
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("KEY", seq - 1 if revoker == "org_buyer" else seq)]


def test_a_key_is_revoked_once_and_by_its_own_name(tmp_path: Path) -> None:
    log = story()
    facts = {"org_id": "org_seller", "keyid": sha(key("org_seller").public), "reason": "again"}
    again = log.party("org_seller", "KEY.REVOKE", "key_old", signer=key("org_seller 2"), **facts)
    facts = {"org_id": "org_seller", "keyid": sha(key("org_buyer").public), "reason": "not its own"}
    foreign = log.party("org_seller", "KEY.REVOKE", "key_x", signer=key("org_seller 2"), **facts)
    still = log.party("org_buyer", "TRD.INQUIRE", "trd_9", buyer_id="org_buyer", after="INQUIRED")
    assert still == foreign + 1
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", again), ("KEY", foreign)]


def test_a_revoked_key_does_not_come_back(tmp_path: Path) -> None:
    log = story()
    seq = log.register("org_seller", ["PROVIDER"], key("org_seller"), key("exchange"))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", seq)]


def test_the_genesis_comes_first_and_once(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.envelopes.append(log.envelopes[0])
    assert ("KEY", 9) in found(audit(log.write(tmp_path / "a"), [VKEY]))
    without = Log()
    without.exchange("ORG.ADMIT", "org_x")
    assert first(audit(without.write(tmp_path / "b"), [VKEY])) == ("KEY", 0)


def test_a_genesis_of_another_origin_is_a_key_problem(tmp_path: Path) -> None:
    log = Log()
    exchange = key("exchange")
    stated = {"keyid": sha(exchange.public), "public_key": b64(exchange.public)}
    log.exchange("LOG.GENESIS", "log", origin="x", vkey=str(VKEY), exchange_key=stated, operator_id=OPERATOR)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", 0)]


# --- openings


def test_an_altered_opening_is_found_even_under_a_new_manifest(tmp_path: Path) -> None:
    log = story()
    changed = dict(log.openings)
    changed[9] = changed[9].replace("交通".encode(), "金融".encode())
    assert changed[9] != log.openings[9]
    bundle = log.write(tmp_path / "b", openings=changed)
    assert found(audit(bundle, [VKEY])) == [("OPENING", 9)]
    resign(bundle, FORGER)
    report = audit(bundle, [VKEY])
    assert ("OPENING", 9) in found(report)
    assert first(report) == ("FILE", "manifest.note")


def test_an_opening_of_an_entry_that_commits_to_none_is_found(tmp_path: Path) -> None:
    log = story()
    assert 2 not in log.openings
    report = audit(log.write(tmp_path / "b", openings={**log.openings, 2: jcs({"nonce": "0" * 64})}), [VKEY])
    assert found(report) == [("OPENING", 2)]


def test_an_opening_without_a_nonce_is_found(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    seq = log.party("org_seller", "TST.SAY", "obj", opening={"nonce": "short", "title": "x"})
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("OPENING", seq)]


def erased(log: Log, seq: int) -> Log:
    """The exchange says that the opening of an entry was erased, which it still is not."""
    digest = sha(log.openings[seq])
    log.exchange("OPN.ERASE", "sta_1", opening_sha256=digest, seq=seq, opening={"reason": "to be erased"})
    return log


def test_openings_that_the_ledger_says_were_erased_are_counted_and_no_problem(tmp_path: Path) -> None:
    log = erased(erased(story(1), 9), 14)
    report = audit(log.write(tmp_path / "a"), [VKEY])
    assert found(report) == [("OPENING", 9), ("OPENING", 14)], "they are still there"
    for seq in (9, 13, 14, 15):  # the parties sign one payload: what one has lost, all have
        del log.openings[seq]
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert (report.clean, report.openings_absent) == (True, 4), report.problems


def test_an_opening_that_nobody_says_was_erased_is_found_in_the_regulator_edition(tmp_path: Path) -> None:
    log = erased(story(1), 9)
    del log.openings[9], log.openings[13], log.openings[14]
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("OPENING", 13), ("OPENING", 14)]
    assert audit(log.write(tmp_path / "p", edition=Edition.PUBLIC), [VKEY]).clean


def test_openings_in_a_public_edition_are_named(tmp_path: Path) -> None:
    log = story()
    public = log.write(tmp_path / "p", edition=Edition.PUBLIC)
    regulator = log.write(tmp_path / "r")
    (public / "openings").mkdir()
    (public / "openings/000.jsonl").write_bytes((regulator / "openings/000.jsonl").read_bytes())
    resign(public)
    assert first(audit(public, [VKEY])) == ("FILE", "openings/000.jsonl")
