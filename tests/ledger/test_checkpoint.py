"""Signed notes, checkpoints, cosignatures and receipts: published vectors, good and bad evidence."""
# ruff: noqa: E501 - published lines stay as they were published

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.signing import SigningKey
from ledger.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteSignature,
    NoteSigner,
    Receipt,
    Verified,
    VerifierKey,
    open_checkpoint,
    sign_checkpoint,
    sign_note,
    verify_receipt,
)
from ledger.errors import NoteInvalid, ProofInvalid
from ledger.tree import inclusion_proof, leaf_hash, root_of

# C2SP signed-note, "Verifier keys", example.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Z"
    "tg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# golang.org/x/mod/sumdb/note, the published example keys.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
PETER_LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH_LINE = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
# A checkpoint as a public log published it, with cosignatures of the public witness network.
PUBLIC_CHECKPOINT = """arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESSES = (
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
)

ORIGIN = "databourse.example/log"
SIGNER = NoteSigner(ORIGIN, SigningKey.from_bytes(bytes(range(32))))
LEAVES = [b"entry %d" % number for number in range(13)]
HASHES = [leaf_hash(entry) for entry in LEAVES]
HEAD = Checkpoint(ORIGIN, 13, root_of(HASHES))


def node(level: int, index: int) -> bytes:
    return root_of(HASHES[index << level : (index + 1) << level])


def receipt(index: int = 5) -> Receipt:
    return Receipt(index, tuple(inclusion_proof(index, 13, node)), sign_checkpoint(HEAD, SIGNER))


def cosignature(name: str, key: SigningKey, text: str, at_s: int) -> str:
    sig = at_s.to_bytes(8) + key.sign(f"cosignature/v1\ntime {at_s}\n{text}".encode())
    return NoteSignature(name, VerifierKey(name, key.public, COSIGNATURE).key_id, sig).line()


# --- verifier keys


@pytest.mark.parametrize("text", [SPEC_KEY, PETER_KEY, ENOCH_KEY, PUBLIC_LOG, *PUBLIC_WITNESSES])
def test_published_verifier_keys_read_back(text: str) -> None:
    assert str(VerifierKey.parse(text)) == text


def test_no_part_and_no_neighbour_of_a_verifier_key_is_one() -> None:
    parts = {PETER_KEY[a:b] for a in range(len(PETER_KEY)) for b in range(a + 1, len(PETER_KEY) + 1)}
    shifted = {PETER_KEY[:a] + chr(ord(PETER_KEY[a]) + 1) + PETER_KEY[a + 1 :] for a in range(len(PETER_KEY))}
    for text in (parts | shifted) - {PETER_KEY}:
        with pytest.raises(NoteInvalid):
            VerifierKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # unknown kind
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        "a b+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "",
    ],
)
def test_bad_verifier_keys_are_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        VerifierKey.parse(text)


# --- notes


def test_the_specification_s_note_verifies() -> None:
    note = Note.parse(SPEC_NOTE.encode())
    assert note.text == "This is an example message.\n"
    assert note.verify([VerifierKey.parse(SPEC_KEY)]) == [Verified(VerifierKey.parse(SPEC_KEY))]


def test_signing_gives_the_published_bytes() -> None:
    secret = b64decode(PETER_SECRET)
    signer = NoteSigner("PeterNeumann", SigningKey.from_bytes(secret[1:]))
    assert str(signer.vkey) == PETER_KEY
    assert sign_note(PETER_TEXT, signer).decode() == PETER_TEXT + "\n" + PETER_LINE


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    note = Note.parse((PETER_TEXT + "\n" + PETER_LINE + ENOCH_LINE).encode())
    peter, enoch = VerifierKey.parse(PETER_KEY), VerifierKey.parse(ENOCH_KEY)
    assert note.verify([peter]) == [Verified(peter)]
    assert note.verify([peter, enoch]) == [Verified(peter), Verified(enoch)]
    for keys in ([], [VerifierKey.parse(SPEC_KEY)]):
        with pytest.raises(NoteInvalid, match="not signed by a known key"):
            note.verify(keys)


def test_one_bad_signature_of_a_known_key_refuses_the_note() -> None:
    bad = ENOCH_LINE.replace("HObmZa0", "HObmZa1").replace("zmZa0", "zmZa1")
    assert bad != ENOCH_LINE
    note = Note.parse((PETER_TEXT + "\n" + PETER_LINE + bad).encode())
    with pytest.raises(NoteInvalid, match="does not hold"):
        note.verify([VerifierKey.parse(PETER_KEY), VerifierKey.parse(ENOCH_KEY)])


@pytest.mark.parametrize(
    "data",
    [
        PETER_TEXT.encode(),
        (PETER_TEXT + "\n").encode(),
        (PETER_TEXT + "\n" + PETER_LINE[:-1]).encode(),
        ("\x01" + PETER_TEXT + "\n" + PETER_LINE).encode(),
        ("\r" + PETER_TEXT + "\n" + PETER_LINE).encode(),
        b"\xff" + (PETER_TEXT + "\n" + PETER_LINE).encode(),
        (PETER_TEXT + "\n— Bad Name x08go/ZJkuBS9UG/\n").encode(),
        (PETER_TEXT + "\n— Bad+Name x08go/ZJkuBS9UG/\n").encode(),
        (PETER_TEXT + "\n— Name x08g\n").encode(),
        (PETER_TEXT + "\n- Name x08go/ZJkuBS9UG/\n").encode(),
        (PETER_TEXT + "\n" + PETER_LINE + "Unexpected line.\n").encode(),
        (PETER_TEXT + "\n" + PETER_LINE * 101).encode(),
        ("x" * 262_144 + "\n\n" + PETER_LINE).encode(),
        PETER_LINE.encode(),
        b"",
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    with pytest.raises(NoteInvalid):
        Note.parse(data)


def test_base64_has_one_spelling() -> None:
    line = PETER_LINE.replace("nAM=", "nAN=")  # the same bytes for a lenient decoder
    assert b64decode(line.split()[2]) == b64decode(PETER_LINE.split()[2])
    with pytest.raises(NoteInvalid, match="spelling"):
        Note.parse((PETER_TEXT + "\n" + line).encode())


@pytest.mark.parametrize("text", ["no newline", "", "a\tb\n"])
def test_what_is_no_note_text_is_not_signed(text: str) -> None:
    with pytest.raises(NoteInvalid):
        sign_note(text, SIGNER)


def test_text_with_empty_lines_reads_back() -> None:
    text = "one\n\n\ntwo\n\n"
    note = Note.parse(sign_note(text, SIGNER))
    assert note.text == text
    assert note.verify([SIGNER.vkey])


@given(st.integers(0, len(SPEC_NOTE.encode()) - 1), st.integers(1, 255))
def test_no_flipped_byte_of_a_note_verifies(at: int, flip: int) -> None:
    data = bytearray(SPEC_NOTE.encode())
    data[at] ^= flip
    with pytest.raises(NoteInvalid):
        Note.parse(bytes(data)).verify([VerifierKey.parse(SPEC_KEY)])


# --- checkpoints and cosignatures


def test_a_public_checkpoint_with_its_witnesses() -> None:
    keys = [VerifierKey.parse(text) for text in (PUBLIC_LOG, *PUBLIC_WITNESSES)]
    opened = open_checkpoint(PUBLIC_CHECKPOINT.encode(), keys)
    assert opened.checkpoint.size == 1_432_088_532
    assert opened.signed_by == (keys[0],)
    assert {found.key.name: found.at_s for found in opened.cosigned} == {
        "remora.n621.de": 1_779_573_024,
        "witness1.smartit.nu/witness1": 1_779_573_024,
    }


def test_the_specification_s_cosignature_line_carries_its_time() -> None:
    line = (
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1n"
        "PZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    (signature,) = Note.parse(f"x\n\n{line}".encode()).signatures
    assert int.from_bytes(signature.sig[:8]) == 1_679_315_147
    assert len(signature.sig) == 8 + 64
    assert signature.line() == line


def test_a_changed_size_or_time_is_not_cosigned() -> None:
    log, witness = VerifierKey.parse(PUBLIC_LOG), VerifierKey.parse(PUBLIC_WITNESSES[0])
    older = PUBLIC_CHECKPOINT.replace("\n1432088532\n", "\n1432088531\n").encode()
    with pytest.raises(NoteInvalid):
        open_checkpoint(older, [log])
    late = PUBLIC_CHECKPOINT.replace("2net5wAAAABqEiEg", "2net5wAAAABqEiEh").encode()
    assert open_checkpoint(late, [log]).cosigned == ()
    with pytest.raises(NoteInvalid, match="does not hold"):
        open_checkpoint(late, [log, witness])


def test_witnesses_alone_do_not_make_a_checkpoint() -> None:
    with pytest.raises(NoteInvalid, match="known key of its log"):
        open_checkpoint(PUBLIC_CHECKPOINT.encode(), [VerifierKey.parse(PUBLIC_WITNESSES[0])])


def test_a_cosignature_verifies_with_its_time_and_a_wrong_kind_does_not() -> None:
    text = HEAD.text()
    witness = SigningKey.from_bytes(b"w" * 32)
    line = cosignature("witness.example/w", witness, text, 1_790_000_000)
    data = sign_checkpoint(HEAD, SIGNER) + line.encode()
    key = VerifierKey("witness.example/w", witness.public, COSIGNATURE)
    assert open_checkpoint(data, [SIGNER.vkey, key]).cosigned == (Verified(key, 1_790_000_000),)
    plain = VerifierKey("witness.example/w", witness.public)
    assert open_checkpoint(data, [SIGNER.vkey, plain]).cosigned == ()


def test_a_cosignature_beyond_2_to_the_63_seconds_is_refused() -> None:
    witness = SigningKey.from_bytes(b"w" * 32)
    data = sign_checkpoint(HEAD, SIGNER) + cosignature("w.example", witness, HEAD.text(), 2**63).encode()
    with pytest.raises(NoteInvalid):
        open_checkpoint(data, [SIGNER.vkey, VerifierKey("w.example", witness.public, COSIGNATURE)])


def test_two_log_keys_may_sign_one_checkpoint() -> None:
    second = NoteSigner(ORIGIN, SigningKey.from_bytes(b"2" * 32))
    data = sign_checkpoint(HEAD, SIGNER, second)
    assert open_checkpoint(data, [SIGNER.vkey, second.vkey]).signed_by == (SIGNER.vkey, second.vkey)
    assert open_checkpoint(data, [second.vkey]).checkpoint == HEAD


def test_a_key_of_another_name_does_not_sign_for_this_log() -> None:
    stranger = NoteSigner("other.example/log", SigningKey.from_bytes(b"s" * 32))
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign_checkpoint(HEAD, stranger), [stranger.vkey])


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(NoteInvalid, match="another log"):
        open_checkpoint(sign_checkpoint(HEAD, SIGNER), [SIGNER.vkey], origin="other.example/log")


def test_extension_lines_are_kept_and_signed() -> None:
    head = Checkpoint(ORIGIN, 13, HEAD.root, ("one", "two words"))
    data = sign_checkpoint(head, SIGNER)
    assert open_checkpoint(data, [SIGNER.vkey]).checkpoint == head
    with pytest.raises(NoteInvalid):
        open_checkpoint(data.replace(b"two words", b"two wordz"), [SIGNER.vkey])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n013\n{b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n-1\n{b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n١\n{b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n9223372036854775808\n{b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n13\n{b64encode(HEAD.root[:-1]).decode()}\n",
        f"{ORIGIN}\n13\n{HEAD.root.hex()}\n",
        f"\n13\n{b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n13\n{b64encode(HEAD.root).decode()}\n\n",
        f"{ORIGIN}\n13\n{b64encode(HEAD.root).decode()}",
        f"{ORIGIN}\n13\n",
        "",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(text)


def test_a_checkpoint_that_would_not_read_back_is_not_written() -> None:
    for head in (
        Checkpoint("two\nlines", 13, HEAD.root),
        Checkpoint(ORIGIN, 13, b""),
        Checkpoint("", 1, HEAD.root),
    ):
        with pytest.raises(NoteInvalid):
            head.text()


def test_the_empty_tree_has_size_zero() -> None:
    head = Checkpoint(ORIGIN, 0, root_of([]))
    assert open_checkpoint(sign_checkpoint(head, SIGNER), [SIGNER.vkey]).checkpoint == head


# --- receipts


def test_a_receipt_has_the_published_form() -> None:
    checkpoint = b"test checkpoint\n"
    assert Receipt(0, (), checkpoint).text() == b"c2sp.org/tlog-proof@v1\nindex 0\n\ntest checkpoint\n"
    hashes = (leaf_hash(b"a"), leaf_hash(b"b"))
    lines = [b64encode(value).decode() for value in hashes]
    assert Receipt(10, hashes, checkpoint, b"extra information").text().decode() == (
        "c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n"
        f"{lines[0]}\n{lines[1]}\n\ntest checkpoint\n"
    )


@pytest.mark.parametrize("index", range(13))
def test_a_receipt_verifies_offline_for_its_entry_and_no_other(index: int) -> None:
    data = receipt(index).text()
    assert Receipt.parse(data) == receipt(index)
    opened = verify_receipt(data, LEAVES[index], [SIGNER.vkey], origin=ORIGIN)
    assert opened.checkpoint == HEAD
    with pytest.raises(ProofInvalid):
        verify_receipt(data, LEAVES[index - 1], [SIGNER.vkey])
    with pytest.raises(NoteInvalid):
        verify_receipt(data, LEAVES[index], [VerifierKey.parse(SPEC_KEY)])


def test_a_receipt_says_nothing_of_its_extra_data() -> None:
    plain = receipt()
    data = Receipt(plain.index, plain.path, plain.checkpoint, b"hint").text()
    assert verify_receipt(data, LEAVES[5], [SIGNER.vkey]).checkpoint == HEAD
    assert Receipt.parse(data).extra == b"hint"


@given(st.data())
def test_no_flipped_byte_of_a_receipt_verifies(data) -> None:
    text = bytearray(receipt().text())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((NoteInvalid, ProofInvalid)):
        verify_receipt(bytes(text), LEAVES[5], [SIGNER.vkey])


@pytest.mark.parametrize(
    "data",
    [
        b"wrong-header\nindex 0\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 05\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b64encode(bytes(64)) + b"\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + (b64encode(bytes(32)) + b"\n") * 64 + b"\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"a" * 300_000 + b"\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n",
        b"c2sp.org/tlog-proof@v1\nindex \xd9\xa1\n\ncheckpoint\n",
        b"",
    ],
)
def test_malformed_receipts_are_refused(data: bytes) -> None:
    with pytest.raises(NoteInvalid):
        Receipt.parse(data)
