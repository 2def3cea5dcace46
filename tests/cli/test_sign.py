import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import typer
from typer.testing import CliRunner

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.errors import Malformed
from base.signing import SigningKey, envelope_signed_by, parse_envelope
from cli.keys import write_key_file
from cli.prepared import PreparedMismatch, TooLateToSign, describe, examine, refuse_late
from cli.sign import sign
from identity.prepared import Document, Prepared
from ledger.statement import PAYLOAD_TYPE, Draft, Saying, build

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
KEY = SigningKey.generate()
CONTRACT = Document("contract.txt", "text/plain", "许可使用 12 个月\nno resale".encode())
app = typer.Typer()
app.command()(sign)
run = CliRunner()


def _prepared(
    event="TRD.OFFER",
    *,
    opening=None,
    public=None,
    documents=(),
    simulated=False,
    signers=(KEY.keyid,),
    expires_at=None,
):
    draft = Draft(
        event,
        "trd_1",
        public={"trade_id": "trd_1", "offer_no": 2} if public is None else public,
        opening={"price_minor": "68000000", "purpose": "内部建模"} if opening is None else opening,
    )
    built = build(draft, Saying("org_1", "BUYER", NOW, simulated, custodial=False), "00" * 32)
    prepared = Prepared(
        prepared_id="pre_1",
        payload=built.payload,
        opening=built.opening,
        documents=[document.document() for document in documents],
        signers=signers,
        expires_at=expires_at or datetime.now(UTC) + timedelta(minutes=10),
    )
    return prepared.document()


def _raw(document):
    return orjson.dumps(document)


def _words(document):
    return "\n".join(describe(examine(_raw(document))))


@pytest.fixture
def files(tmp_path):
    write_key_file(tmp_path / "my.key", KEY)
    (tmp_path / "act.json").write_bytes(_raw(_prepared()))
    return tmp_path


def _run(files, *options, say=None):
    command = [str(files / "act.json"), "--key", str(files / "my.key"), *options]
    return run.invoke(app, command, input=say)


def test_it_shows_the_terms_and_signs_the_very_bytes(files):
    answer = _run(files, say="y\n")
    assert answer.exit_code == 0, answer.output
    assert "You are about to make an offer" in answer.output
    assert "CNY 680,000.00" in answer.output
    assert "内部建模" in answer.output
    envelope = parse_envelope(orjson.loads((files / "act.dsse.json").read_bytes()))
    assert envelope.payload == base64.b64decode(_load(files)["payload"])
    assert envelope.payload_type == PAYLOAD_TYPE
    assert [s.keyid for s in envelope.signatures] == [KEY.keyid]
    assert envelope_signed_by(envelope, KEY.public)
    assert envelope.digest() in answer.output


def _load(files):
    return orjson.loads((files / "act.json").read_bytes())


def test_yes_asks_nothing_and_out_names_the_file(files):
    answer = _run(files, "--yes", "--out", str(files / "signed.json"))
    assert answer.exit_code == 0, answer.output
    assert (files / "signed.json").exists()
    assert not (files / "act.dsse.json").exists()


def test_who_says_no_signs_nothing(files):
    answer = _run(files, say="n\n")
    assert answer.exit_code == 1
    assert "not signed" in answer.output
    assert not (files / "act.dsse.json").exists()


def test_two_keys_sign_a_registration(files):
    new = SigningKey.generate()
    write_key_file(files / "new.key", new)
    (files / "act.json").write_bytes(_raw(_prepared("KEY.REGISTER", signers=(new.keyid, KEY.keyid))))
    answer = _run(files, "--yes", "--key", str(files / "new.key"))
    assert answer.exit_code == 0, answer.output
    envelope = parse_envelope(orjson.loads((files / "act.dsse.json").read_bytes()))
    assert [s.keyid for s in envelope.signatures] == [KEY.keyid, new.keyid]


def test_a_sealed_key_asks_for_its_passphrase(files):
    (files / "my.key").unlink()
    write_key_file(files / "my.key", KEY, passphrase="open sesame")
    assert _run(files, "--yes", say="wrong\n").exit_code == 2
    assert not (files / "act.dsse.json").exists()
    assert _run(files, "--yes", say="open sesame\n").exit_code == 0


def test_a_key_that_is_not_asked_signs_nothing(files):
    (files / "act.json").write_bytes(_raw(_prepared(signers=("0" * 64,))))
    answer = _run(files, "--yes")
    assert answer.exit_code == 1
    assert "prepared-mismatch" in answer.output
    assert not (files / "act.dsse.json").exists()


def test_an_expired_act_is_not_signed(files):
    (files / "act.json").write_bytes(_raw(_prepared(expires_at=NOW - timedelta(days=3650))))
    answer = _run(files, "--yes")
    assert (answer.exit_code, "prepared-expired" in answer.output) == (1, True)
    assert not (files / "act.dsse.json").exists()


def test_expiry_is_judged_to_the_moment_and_not_on_a_simulated_clock():
    document = _prepared(expires_at=NOW)
    refuse_late(examine(_raw(document)), NOW - timedelta(milliseconds=1))
    with pytest.raises(TooLateToSign):
        refuse_late(examine(_raw(document)), NOW)
    refuse_late(examine(_raw(_prepared(expires_at=NOW, simulated=True))), NOW + timedelta(days=365))
    assert "simulated clock" in _words(_prepared(simulated=True))


def _changed_opening(document):
    opening = orjson.loads(document["opening"])
    return {**document, "opening": canonical({**opening, "price_minor": "100"}).decode()}


def _changed_payload(document):
    payload = orjson.loads(base64.b64decode(document["payload"]))
    payload["predicate"]["offer_no"] = 3
    return {**document, "payload": base64.b64encode(canonical(payload)).decode()}


def _other_subject(document):
    payload = orjson.loads(base64.b64decode(document["payload"]))
    payload["subject"][0]["digest"]["sha256"] = "0" * 64
    return {**document, "payload": base64.b64encode(canonical(payload)).decode()}


@pytest.mark.parametrize(
    "change",
    [
        _changed_opening,
        _other_subject,
        lambda document: {**document, "opening": None},
        lambda document: {**document, "documents": [CONTRACT.document()]},
        lambda document: {**document, "documents": [{**CONTRACT.document(), "sha256": "0" * 64}]},
    ],
)
def test_terms_that_are_not_the_ones_committed_to_are_refused(files, change):
    document = change(_prepared())
    with pytest.raises(PreparedMismatch):
        examine(_raw(document))
    (files / "act.json").write_bytes(_raw(document))
    answer = _run(files, "--yes")
    assert (answer.exit_code, "prepared-mismatch" in answer.output) == (1, True)
    assert not (files / "act.dsse.json").exists()


def test_an_opening_that_nothing_commits_to_is_refused():
    built = build(
        Draft("TRD.ACCEPT", "trd_1", public={"offer_no": 1}),
        Saying("org_1", "BUYER", NOW, simulated=False, custodial=False),
        "00" * 32,
    )
    document = {**_prepared(), "payload": base64.b64encode(built.payload).decode()}
    with pytest.raises(PreparedMismatch):
        examine(_raw(document))
    assert examine(_raw({**document, "opening": None})).event == "TRD.ACCEPT"
    with pytest.raises(PreparedMismatch):
        examine(_raw(_changed_payload({**document, "opening": None})))


def test_a_contract_is_not_signed_unseen():
    public = {"trade_id": "trd_1", "contract_sha256": sha256_hex(CONTRACT.content)}
    with pytest.raises(PreparedMismatch):
        examine(_raw(_prepared("TRD.SIGN", public=public)))
    words = _words(_prepared("TRD.SIGN", public=public, documents=[CONTRACT]))
    assert "SIGN THE CONTRACT" in words
    assert "  | 许可使用 12 个月\n  | no resale\n" in words


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        _raw({**_prepared(), "more": 1}),
        _raw({**_prepared(), "payload_type": "application/json"}),
        _raw({**_prepared(), "payload": "!"}),
        _raw({**_prepared(), "payload": base64.b64encode(b"{}").decode()}),
        _raw({**_prepared(), "payload": base64.b64encode(b"[1, 2]").decode()}),
        _raw({**_prepared(), "opening": 7}),
        _raw({**_prepared(), "opening": '{"b":1,"a":2}'}),
        _raw({**_prepared(), "expires_at": "tomorrow"}),
        _raw({**_prepared(), "documents": [{}]}),
        _raw({**_prepared(), "documents": 7}),
    ],
)
def test_what_is_no_prepared_act_is_refused(files, raw):
    with pytest.raises(Malformed):
        examine(raw)
    (files / "act.json").write_bytes(raw)
    assert _run(files, "--yes").exit_code == 2
    assert not (files / "act.dsse.json").exists()


def test_bytes_that_a_parser_could_read_in_two_ways_are_refused():
    payload = base64.b64decode(_prepared()["payload"])
    twice = payload.replace(b'"offer_no":2', b'"offer_no":1,"offer_no":2')
    for raw in (twice, b" " + payload):
        with pytest.raises(Malformed):
            examine(_raw({**_prepared(), "payload": base64.b64encode(raw).decode()}))


def test_a_statement_of_another_type_than_its_event_is_refused():
    payload = orjson.loads(base64.b64decode(_prepared()["payload"]))
    for name, value in (("predicateType", "urn:databourse:statement:TRD.REFUSE:v1"), ("_type", "x")):
        raw = canonical({**payload, name: value})
        with pytest.raises(Malformed):
            examine(_raw({**_prepared(), "payload": base64.b64encode(raw).decode()}))


def test_words_cannot_steer_the_terminal():
    opening = {"purpose": "harmless\x1b[2K\rCNY 1.00\u202e", "ok\x07_minor": "5"}
    document = Document("a\x1bb", "text/plain", b"clear\x1b[2Jscreen")
    public = {"contract_sha256": sha256_hex(document.content)}
    words = _words(_prepared(opening=opening, public=public, documents=[document]))
    assert all(c.isprintable() or c == "\n" for c in words)
    assert "\x1b" not in words


def test_numbers_are_put_into_words():
    opening = {
        "amount_minor": "68000000",
        "fee_bp": 200,
        "legs": [{"to": "seller", "amount": "1"}],
        "resale": False,
        "cap_minor": None,
        "parties": ["org_1", "org_2"],
        "territory": {"country": "CN"},
        "none": [],
    }
    words = _words(_prepared(opening=opening))
    lines = [" ".join(line.split()) for line in words.splitlines()]
    for expected in (
        "amount CNY 680,000.00",
        "fee 2.00 %",
        'legs {"amount":"1","to":"seller"}',
        "resale no",
        "cap -",
        "parties org_1, org_2",
        "territory:",
        "country CN",
        "none none",
    ):
        assert expected in lines
    assert "nonce" not in words
    assert rfc3339(NOW) in words


def test_a_missing_or_huge_file_is_said_so(files):
    (files / "act.json").unlink()
    assert "cannot be read" in _run(files, "--yes").output
    (files / "act.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    answer = _run(files, "--yes")
    assert (answer.exit_code, "too large" in answer.output) == (2, True)
