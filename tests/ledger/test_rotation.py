"""The log's own keys through time: a rotation both keys sign, windows, the end of a log; SM2 lines."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.signing import SigningKey
from ledger.bundle import KeyWindow
from ledger.checkpoint import (
    SM2_TYPE,
    UNLISTED,
    Checkpoint,
    Note,
    NoteSigner,
    VerifierKey,
    open_checkpoint,
    sign_checkpoint,
    sign_note,
)
from ledger.errors import NoteInvalid
from ledger.rotation import (
    CLOSE,
    GENESIS,
    RETIRE,
    ROTATE,
    LogKeys,
    Predecessor,
    keys_at,
    open_rotation,
    rotation_text,
    sign_rotation,
)
from ledger.suites import SM2_SM3

ORIGIN = "log.example/one"


def signer(name: str, origin: str = ORIGIN) -> NoteSigner:
    return NoteSigner(origin, SigningKey.from_bytes(hashlib.sha256(name.encode()).digest()))


OLD, NEW, THIRD = signer("old"), signer("new"), signer("third")
NEXT = signer("next", "log.example/two")


@pytest.fixture(scope="module")
def chinese() -> NoteSigner:
    pytest.importorskip("gmssl_pyx")
    return NoteSigner(ORIGIN, SM2_SM3.generate())


def rotate(old: NoteSigner, new: NoteSigner, **other) -> dict:
    return {"old_vkey": str(old.vkey), "vkey": str(new.vkey), "note": sign_rotation(old, new)} | other


def told(*statements, start: int = 0) -> tuple[LogKeys, list[str]]:
    """The keys after these statements, each at a seq ten after the one before, and what was wrong."""
    keys, wrong = LogKeys(), []
    for at, (event, said) in enumerate(statements, start):
        wrong += keys.tell(10 * at, event, said)
    return keys, wrong


BORN = (GENESIS, {"origin": ORIGIN, "vkey": str(OLD.vkey)})
TURN = (ROTATE, rotate(OLD, NEW))
END = (RETIRE, {"vkey": str(OLD.vkey)})


def test_whoever_trusts_the_old_key_follows_it_to_the_new_one() -> None:
    note = sign_rotation(OLD, NEW)
    assert note.startswith(f"{ORIGIN}/rotate\n{OLD.vkey}\n{NEW.vkey}\n\n")
    assert open_rotation(note, OLD.vkey) == NEW.vkey
    with pytest.raises(NoteInvalid):
        open_rotation(note, THIRD.vkey)


def test_a_rotation_is_no_checkpoint_and_a_checkpoint_no_rotation() -> None:
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign_rotation(OLD, NEW).encode(), [VerifierKey(f"{ORIGIN}/rotate", OLD.key.public)])
    head = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), OLD, NEW).decode()
    with pytest.raises(NoteInvalid):
        open_rotation(head, OLD.vkey)


@pytest.mark.parametrize(
    "signers", [(OLD,), (NEW,), (OLD, OLD), (NEW, NEW), (OLD, THIRD), (THIRD, NEW), (OLD, NEW, THIRD)]
)
def test_a_rotation_not_signed_by_both_alone_is_refused(signers) -> None:
    note = sign_note(rotation_text(OLD.vkey, NEW.vkey), *signers).decode()
    with pytest.raises(NoteInvalid):
        open_rotation(note, OLD.vkey)
    keys, wrong = told(BORN, (ROTATE, rotate(OLD, NEW, note=note)))
    assert len(wrong) == 1
    assert keys.windows == [KeyWindow(OLD.vkey)], "and nothing has changed"


def test_a_signature_over_another_rotation_does_not_count() -> None:
    honest = Note.parse(sign_rotation(OLD, NEW).encode())
    forged = Note(rotation_text(OLD.vkey, THIRD.vkey), honest.signatures)
    with pytest.raises(NoteInvalid):
        open_rotation(bytes(forged).decode(), OLD.vkey)


def test_the_windows_of_a_rotation_with_its_overlap() -> None:
    keys, wrong = told(BORN, TURN, END)
    assert wrong == []
    assert keys.windows == [KeyWindow(OLD.vkey, 0, 20), KeyWindow(NEW.vkey, 11, None)]
    assert [keys.at(size) for size in (1, 10)] == [[OLD.vkey]] * 2, "trees without the rotation"
    assert [keys.at(size) for size in (11, 20)] == [[NEW.vkey, OLD.vkey]] * 2, "both, the newest first"
    assert [keys.at(size) for size in (21, 9999)] == [[NEW.vkey]] * 2, "trees with the retirement"
    assert keys.present == NEW.vkey
    assert keys_at(keys.windows, 15) == keys.at(15)


REFUSED = [
    ((ROTATE, rotate(THIRD, NEW)), "signs this log's checkpoints now"),
    ((ROTATE, rotate(OLD, NEW, vkey=str(THIRD.vkey))), "another key than its note"),
    ((ROTATE, rotate(OLD, NEXT)), "another log"),
    ((ROTATE, rotate(OLD, NEW, note="")), "note"),
    ((ROTATE, {"old_vkey": str(OLD.vkey), "vkey": str(NEW.vkey)}), "note is not there"),
    ((ROTATE, rotate(OLD, NEW, old_vkey=7)), "old_vkey is not there"),
    ((RETIRE, {"vkey": str(NEW.vkey)}), "signs this log's checkpoints now"),
    ((RETIRE, {"vkey": str(OLD.vkey)}), "the last Ed25519 key"),
    ((RETIRE, {}), "vkey is not there"),
    ((GENESIS, {"origin": ORIGIN, "vkey": str(NEW.vkey)}), "entry 0"),
    (
        (CLOSE, {"successor": str(NEXT.vkey), "vkey": str(OLD.vkey), "note": sign_rotation(OLD, NEW)}),
        "successor",
    ),
    (
        (CLOSE, {"successor": str(NEW.vkey), "vkey": str(OLD.vkey), "note": sign_rotation(OLD, NEW)}),
        "successor",
    ),
    ((CLOSE, {"successor": str(NEXT.vkey), "vkey": str(NEW.vkey), "note": sign_rotation(NEW, NEXT)}), "now"),
]


@pytest.mark.parametrize(("statement", "why"), REFUSED)
def test_what_cannot_be_changes_nothing(statement, why) -> None:
    keys, wrong = told(BORN, statement)
    assert len(wrong) == 1
    assert why in wrong[0]
    assert (keys.windows, keys.closed_seq, keys.successor) == ([KeyWindow(OLD.vkey)], None, None)


def test_a_retired_key_vouches_for_nobody_and_does_not_come_back() -> None:
    _, wrong = told(BORN, TURN, END, (ROTATE, rotate(OLD, THIRD)))
    assert "signs this log's checkpoints now" in wrong[0]
    _, wrong = told(BORN, TURN, END, (ROTATE, rotate(NEW, OLD)))
    assert "does not come back" in wrong[0]


@pytest.mark.parametrize(
    "said",
    [
        {"origin": ORIGIN},
        {"origin": ORIGIN, "vkey": "x"},
        {"origin": "log.example/other", "vkey": str(OLD.vkey)},
        {"origin": ORIGIN, "vkey": str(OLD.vkey), "previous": None},
        {"origin": ORIGIN, "vkey": str(OLD.vkey), "previous": {"origin": ORIGIN, "size": 1}},
    ],
)
def test_entry_0_names_the_first_key(said) -> None:
    keys, wrong = told((GENESIS, said))
    assert len(wrong) == 1
    assert keys.windows == []


def test_the_next_log_names_the_last_checkpoint_of_this_one() -> None:
    last = Checkpoint("log.example/zero", 12, hashlib.sha256(b"root").digest())
    previous = Predecessor.of(last)
    assert Predecessor.read(previous.document()) == previous
    assert previous.note_sha256 == hashlib.sha256(last.text().encode()).hexdigest()
    keys, wrong = told((GENESIS, {**BORN[1], "previous": previous.document()}))
    assert (wrong, keys.previous) == ([], previous)
    for change in (
        {"size": 13},
        {"size": 0},
        {"size": True},
        {"root": "00"},
        {"note_sha256": "0" * 64},
        {"x": 1},
    ):
        assert Predecessor.read(previous.document() | change) is None
    own = Predecessor.of(Checkpoint(ORIGIN, 12, bytes(32))).document()
    assert told((GENESIS, {**BORN[1], "previous": own}))[1], "no log goes on from itself"


def test_a_log_is_closed_with_or_without_a_successor() -> None:
    keys, wrong = told(BORN, (CLOSE, {"reason": "compromised"}))
    assert (wrong, keys.closed_seq, keys.successor) == ([], 10, None)
    end = {"reason": "shard", "vkey": str(OLD.vkey), "successor": str(NEXT.vkey)}
    keys, wrong = told(BORN, (CLOSE, end | {"note": sign_rotation(OLD, NEXT)}))
    assert (wrong, keys.closed_seq, keys.successor) == ([], 10, NEXT.vkey)
    assert sign_rotation(OLD, NEXT).startswith(f"{ORIGIN}/successor\n")


# --- SM2 on checkpoints: a line of type 0xff beside the Ed25519 one

HEAD = Checkpoint(ORIGIN, 7, bytes(range(32)))


def test_the_verifier_key_of_a_line_of_type_0xff(chinese) -> None:
    vkey = chinese.vkey
    assert vkey.kind == UNLISTED
    assert VerifierKey.parse(str(vkey)) == vkey
    name, key_id, encoded = str(vkey).split("+", 2)
    material = b"\xff" + SM2_TYPE + chinese.key.public
    assert (name, base64.b64decode(encoded)) == (ORIGIN, material)
    assert key_id == hashlib.sha256(ORIGIN.encode() + b"\n" + material).hexdigest()[:8]


def test_an_sm2_line_rides_beside_and_is_checked_by_whoever_knows_it(chinese) -> None:
    note = sign_checkpoint(HEAD, OLD, chinese)
    assert open_checkpoint(note, [OLD.vkey]).signed_by == (OLD.vkey,), "passed over by others"
    opened = open_checkpoint(note, [OLD.vkey, chinese.vkey])
    assert opened.checkpoint == HEAD
    assert [found.key for found in Note.parse(note).verify([OLD.vkey, chinese.vkey])] == [
        OLD.vkey,
        chinese.vkey,
    ]
    for at in (4, 40, 67):
        lines = list(Note.parse(note).signatures)
        raw = bytearray(lines[1].sig)
        raw[at - 4] ^= 1
        lines[1] = type(lines[1])(lines[1].name, lines[1].key_id, bytes(raw))
        bent = bytes(Note(HEAD.text(), tuple(lines)))
        assert open_checkpoint(bent, [OLD.vkey]).checkpoint == HEAD
        with pytest.raises(NoteInvalid):
            open_checkpoint(bent, [OLD.vkey, chinese.vkey])


def test_an_sm2_line_alone_is_no_checkpoint_s_signature(chinese) -> None:
    with pytest.raises(NoteInvalid, match="not signed by a known key of its log"):
        open_checkpoint(sign_checkpoint(HEAD, chinese), [OLD.vkey, chinese.vkey])


def test_an_sm2_key_comes_by_a_rotation_and_cannot_stay_alone(chinese) -> None:
    keys, wrong = told(BORN, (ROTATE, rotate(OLD, chinese)))
    assert wrong == []
    assert keys.at(11) == [OLD.vkey, chinese.vkey]
    assert keys.present == OLD.vkey
    assert list(keys.tell(20, RETIRE, {"vkey": str(OLD.vkey)})) == [
        "the last Ed25519 key of a log is not retired"
    ]
    assert list(keys.tell(30, RETIRE, {"vkey": str(chinese.vkey)})) == []
    assert keys.at(31) == [OLD.vkey]
    with pytest.raises(NoteInvalid):
        open_rotation(sign_rotation(chinese, NEW), chinese.vkey)


@pytest.mark.parametrize(
    "material",
    [
        b"\xff",
        b"\xff" + SM2_TYPE,
        b"\xff" + bytes(65),
        b"\xff" + SM2_TYPE + b"\x04" + bytes(64),
        b"\xff" + SM2_TYPE + bytes(32),
        b"\xfe" + SM2_TYPE + bytes(65),
        b"\x01" + bytes(65),
        b"\x01" + bytes(32),  # y = 0, a point of order 4
        b"\x01\x01" + bytes(31),  # the neutral element
        b"\x04\x01" + bytes(31),
    ],
)
def test_a_verifier_key_of_another_form_or_of_small_order_is_refused(material) -> None:
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + material).hexdigest()[:8]
    with pytest.raises(NoteInvalid):
        VerifierKey.parse(f"{ORIGIN}+{key_id}+{base64.b64encode(material).decode()}")


@pytest.mark.parametrize("by", [1, 32])
def test_any_changed_byte_of_a_rotation_is_found(by) -> None:
    note = sign_rotation(OLD, NEW).encode()
    for at in range(len(note)):
        changed = note[:at] + bytes([note[at] ^ by]) + note[at + 1 :]
        with pytest.raises((NoteInvalid, UnicodeDecodeError)):
            open_rotation(changed.decode(), OLD.vkey)


@given(st.lists(st.tuples(st.sampled_from(["rotate", "retire"]), st.integers(0, 5), st.integers(0, 5))))
def test_at_every_size_the_keys_are_those_that_began_and_have_not_ended(steps) -> None:
    """Whatever is tried, in whatever order; and one key always signs."""
    owners = [OLD, *(signer(f"key {number}") for number in range(1, 6))]
    keys, began, ended = LogKeys(), {0: 0}, {}
    assert list(keys.tell(0, *BORN)) == []
    for seq, (what, one, other) in enumerate(steps, 1):
        event, said = (ROTATE, rotate(owners[one], owners[other])) if one != other else (ROTATE, {})
        if what == "retire":
            event, said = RETIRE, {"vkey": str(owners[one].vkey)}
        if list(keys.tell(seq, event, said)):
            continue
        if what == "rotate":
            assert one in began
            assert one not in ended
            assert other not in began
            began[other] = seq
        else:
            ended[one] = seq
    for size in range(1, len(steps) + 3):
        expected = {
            owners[number].vkey
            for number, seq in began.items()
            if seq < size and (number not in ended or size <= ended[number])
        }
        assert set(keys.at(size)) == expected
        assert expected, "somebody signs"
