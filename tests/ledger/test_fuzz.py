"""Whatever bytes come: every parser answers or raises what it says, and what it takes reads back the same.

Each corpus is mutated: bytes changed, taken out, doubled, put in, or spliced with another sample. `make
soak` does the same at length, and flips every byte of a bundle.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from base.canonical import canonical
from base.errors import Malformed
from base.signing import parse_envelope, parse_public_key, sign_envelope
from ledger.bundle import Bundle, Edition, Keys, KeyWindow, ManifestNote, openings_in
from ledger.checkpoint import Checkpoint, Note, NoteSigner, Receipt, VerifierKey, sign_checkpoint
from ledger.errors import BundleFileBad, NoteInvalid, PolicyInvalid, SubmissionMalformed, TileInvalid
from ledger.suites import parse_party_key
from ledger.tiles import Tile, pack_entries, parse_path, unpack_entries
from ledger.tree import leaf_hash
from ledger.witness import Submission
from ledger.witness_policy import Policy
from supervision.audit import audit
from supervision.audit_entry import read_entry, read_statement
from tests.ledger.make_bundle import ORIGIN, VKEY, Log, cosignature, genesis, key, story

SIGNER = NoteSigner(ORIGIN, key("log"))
WITNESS = NoteSigner("witness.example", key("witness"))
HEAD = Checkpoint(ORIGIN, 13, leaf_hash(b"root"), ("more",))
NOTE = sign_checkpoint(HEAD, SIGNER) + cosignature(WITNESS, HEAD.text(), 1_790_000_000).encode()
HASHES = tuple(leaf_hash(bytes([number])) for number in range(4))
ENVELOPES = [
    orjson.dumps(sign_envelope("application/vnd.in-toto+json", b'{"a":1}', key("a")).document()),
    orjson.dumps(sign_envelope("x", b"", key("a"), key("b")).document()),
]
ENTRIES = story(1).entries()
WITNESS_KEY = VerifierKey(WITNESS.name, WITNESS.key.public, 4)
POLICY = f"""# who
log {VKEY} https://log.example/a
witness one {WITNESS_KEY} http://127.0.0.1:8000
group all any one
quorum all
""".encode()
PUBLIC = [b64encode(key("a").public), b64encode(b"\x04" + bytes(range(64)))]


def text(data: bytes) -> str:
    """What a parser of text is given: also what no UTF-8 leads to."""
    return data.decode(errors="surrogateescape")


def payload(entry: bytes) -> bytes:
    return parse_envelope(orjson.loads(entry)["envelope"]).payload


def entry_again(data: bytes) -> bytes:
    read = read_entry(data)
    signatures = [{"keyid": one.keyid, "sig": b64encode(one.sig).decode()} for one in read.signatures]
    envelope = {
        "payload": b64encode(read.payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": signatures,
    }
    head = {"at": read.at, "envelope": envelope, "node": read.node, "prev": read.prev, "seq": read.seq}
    return canonical(head | {"v": 1})


def statement_again(data: bytes) -> bytes:
    event, object_id, predicate, commitment = read_statement(data)
    assert (predicate["event"], predicate["object"]) == (event, object_id)
    assert (predicate.get("opening") or {"sha256": None})["sha256"] == commitment
    return canonical(orjson.loads(data))


def submission_again(data: bytes) -> bytes:
    said = Submission.parse(data)
    lines = [f"old {said.old}", *(b64encode(one).decode() for one in said.proof), "", ""]
    return "\n".join(lines).encode() + bytes(said.note)


def openings_again(data: bytes) -> bytes:
    found = sorted(openings_in(data, 0).items())
    return b"".join(canonical({"opening": one.decode(), "seq": seq}) + b"\n" for seq, one in found)


@dataclass(frozen=True)
class Parser:
    """`again` reads bytes and writes them anew; `refuses` is all that it may raise."""

    again: Callable[[bytes], Any]
    refuses: type[Exception]
    corpus: list[bytes]


def of_text(again: Callable[[str], str], refuses: type[Exception], corpus: list[str]) -> Parser:
    def both(data: bytes) -> bytes:
        return again(text(data)).encode(errors="surrogateescape")

    return Parser(both, refuses, [one.encode() for one in corpus])


PARSERS = {
    "note": Parser(lambda data: bytes(Note.parse(data)), NoteInvalid, [NOTE, b"a\n\n" + NOTE]),
    "checkpoint": of_text(lambda said: Checkpoint.parse(said).text(), NoteInvalid, [HEAD.text(), "a\n0\n"]),
    "vkey": of_text(
        lambda said: str(VerifierKey.parse(said)), NoteInvalid, [str(VKEY), str(WITNESS_KEY), "a+b+c"]
    ),
    "receipt": Parser(
        lambda data: Receipt.parse(data).text(),
        NoteInvalid,
        [Receipt(5, HASHES, NOTE).text(), Receipt(0, (), NOTE, b"extra").text()],
    ),
    "tile path": of_text(
        lambda said: parse_path(said).path,
        TileInvalid,
        [Tile(0, 0).path, Tile(-1, 1_234_067, 17).path, Tile(63, 999).path],
    ),
    "entry tile": Parser(
        lambda data: pack_entries(unpack_entries(data)), TileInvalid, [pack_entries([b"", b"a", b"bc" * 9])]
    ),
    "envelope": Parser(
        lambda data: canonical(parse_envelope(orjson.loads(data)).document()), Malformed, ENVELOPES
    ),
    "entry": Parser(entry_again, Malformed, [ENTRIES[0], ENTRIES[1], ENTRIES[-1]]),
    "statement": Parser(statement_again, Malformed, [payload(ENTRIES[0]), payload(ENTRIES[-1])]),
    "public key": of_text(
        lambda said: b64encode(parse_public_key(said)).decode(), Malformed, [PUBLIC[0].decode()]
    ),
    "party key": of_text(
        lambda said: b64encode(parse_party_key(said)).decode(), Malformed, [one.decode() for one in PUBLIC]
    ),
    "keys.json": Parser(
        lambda data: Keys.parse(data).text(),
        BundleFileBad,
        [
            Keys(ORIGIN, (KeyWindow(VKEY),)).text(),
            Keys(ORIGIN, (KeyWindow(VKEY, 1, 9),), (WITNESS_KEY,)).text(),
        ],
    ),
    "manifest note": of_text(
        lambda said: ManifestNote.parse(said).text(),
        BundleFileBad,
        [ManifestNote(ORIGIN, Edition.PUBLIC, 13, "0" * 64).text()],
    ),
    "openings": Parser(
        openings_again,
        BundleFileBad,
        [b'{"opening":"{}","seq":0}\n{"opening":"{\\"a\\":1}","seq":7}\n'],
    ),
    "submission": Parser(
        submission_again,
        SubmissionMalformed,
        [f"old 5\n{b64encode(HASHES[0]).decode()}\n\n".encode() + NOTE, b"old 0\n\n" + NOTE],
    ),
}


@st.composite
def mutants(draw: st.DrawFn, corpus: list[bytes]) -> bytes:
    """A sample with a few changes, now and then something else altogether."""
    data = bytearray(draw(st.sampled_from(corpus) | st.binary(max_size=80)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 6))
        how = draw(st.sampled_from(["flip", "cut", "double", "put", "splice"]))
        if how == "flip" and at < len(data):
            data[at] ^= draw(st.integers(1, 255))
        elif how == "cut":
            del data[at : at + length]
        elif how == "double":
            data[at:at] = data[at : at + length] * draw(st.sampled_from([1, 1, 2, 300]))
        elif how == "put":
            data[at:at] = draw(st.sampled_from(INSERTED) | st.binary(min_size=1, max_size=4))
        elif how == "splice":
            other = draw(st.sampled_from(corpus))
            data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


INSERTED = [
    b"\n",
    b"\n\n",
    b"=",
    b"0",
    b"-",
    b" ",
    b"\r",
    b"\0",
    b"x",
    b"/",
    b'"',
    b",",
    b"[",
    b"{",
    b"\\u0000",
]
INSERTED += [
    "٣".encode(),
    "\u2028".encode(),
    "— ".encode(),
    b"\xed\xa0\x80",
    b"18446744073709551616",
    b"1e9",
    b"null",
]


def answers(parser: Parser, data: bytes) -> None:
    try:
        again = parser.again(data)
    except parser.refuses:
        return
    except orjson.JSONDecodeError:
        assert parser is PARSERS["envelope"], data  # it is given documents, not bytes
        return
    if parser is PARSERS["envelope"]:
        data = canonical(orjson.loads(data))
    assert again == data


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_parser_answers_or_raises_what_it_says(name: str, data: st.DataObject) -> None:
    answers(PARSERS[name], data.draw(mutants(PARSERS[name].corpus)))


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_or_raises_what_it_says_at_length(name: str) -> None:
    dice = Random(name)
    for _ in range(200_000):
        answers(PARSERS[name], mutant(dice, PARSERS[name].corpus))


def mutant(dice: Random, corpus: list[bytes]) -> bytes:
    """The same by lot, a hundred times as fast."""
    data = bytearray(dice.choice(corpus))
    for _ in range(dice.randint(1, 4)):
        at, length = dice.randint(0, len(data)), dice.randint(0, 6)
        how = dice.randrange(5)
        if how == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif how == 1:
            del data[at : at + length]
        elif how == 2:
            data[at:at] = data[at : at + length]
        elif how == 3:
            data[at:at] = dice.choice(INSERTED)
        else:
            other = dice.choice(corpus)
            data[at:] = other[dice.randint(0, len(other)) :]
    return bytes(data)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_takes_its_own_corpus(name: str) -> None:
    parser = PARSERS[name]
    taken = 0
    for data in parser.corpus:
        try:
            taken += parser.again(data) is not None
        except parser.refuses:
            continue
    assert taken


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_stands_very_long_and_very_deep_input(name: str) -> None:
    parser = PARSERS[name]
    for data in (
        b"\n" * 300_000,
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"a+" * 100_000,
        b"9" * 100_000,
        b"\xe2\x80\x94 a b\n" * 30_000,
        b"tile/0/" + b"x999/" * 50_000 + b"999",
        parser.corpus[0] * (200_000 // len(parser.corpus[0])),
    ):
        answers(parser, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig", "a"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(JSON, st.sampled_from(["payload", "payloadType", "signatures", "sig", "keyid"]))
def test_an_envelope_with_any_document_in_any_place_is_malformed_or_the_same(
    document: Any, place: str
) -> None:
    honest = orjson.loads(ENVELOPES[0])
    target = honest if place in honest else honest["signatures"][0]
    assume(target[place] != document)
    for one in (document, honest):
        target[place] = document
        try:
            read = parse_envelope(one)
        except Malformed:
            continue
        assert read.document() == one


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(mutants([POLICY, b"quorum none\n"]))
def test_a_policy_is_read_or_refused(data: bytes) -> None:
    try:
        policy = Policy.parse(data)
    except PolicyInvalid:
        return
    assert policy.satisfied([]) in {True, False}


# --- bundles


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few entries, one kept checkpoint, one witness."""
    log = Log()
    genesis(log)
    log.kept, log.witnesses = [3], [WITNESS]
    return log.write(tmp_path_factory.mktemp("tiny") / "bundle.zip")


def read_all(path: Path) -> dict[str, bytes]:
    with Bundle(path) as bundle:
        damaged = bundle.damage()
        if damaged is not None:
            raise BundleFileBad("damaged", path=damaged)
        return {name: bundle.read(name, 1_000_000) for name in sorted(bundle.paths)}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_zip_is_read_or_refused(tiny: Path, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "mutant.zip"
    path.write_bytes(data.draw(mutants([tiny.read_bytes()])))
    try:
        read_all(path)
    except BundleFileBad:
        return


@pytest.mark.soak
@pytest.mark.parametrize("packed", [True, False])
def test_every_byte_of_a_bundle_that_is_another_is_found(tiny: Path, tmp_path: Path, *, packed: bool) -> None:
    honest = read_all(tiny)
    if not packed:
        for name, content in honest.items():
            (tmp_path / "b" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "b" / name).write_bytes(content)
    bundle = tmp_path / "b.zip" if packed else tmp_path / "b"
    files = [bundle] if packed else [bundle / name for name in honest]
    if packed:
        bundle.write_bytes(tiny.read_bytes())
    assert audit(bundle, [VKEY]).clean
    for file in files:
        good = file.read_bytes()
        for at in range(len(good)):
            file.write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
            try:
                assert not audit(bundle, [VKEY]).clean, (file.name, at)
            except BundleFileBad:
                continue
        file.write_bytes(good)
