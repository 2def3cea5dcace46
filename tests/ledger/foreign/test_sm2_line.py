"""An SM2 line rides beside the Ed25519 one: programs that others wrote pass it over, and ours checks it."""

import pytest

from ledger.checkpoint import Note, NoteSigner, open_checkpoint, sign_note
from ledger.errors import NoteInvalid
from ledger.suites import SM2_SM3
from tests.ledger.foreign.program import Verifier
from tests.ledger.foreign.published import LOG, ORIGIN, SIZES, Published
from tests.ledger.foreign.test_python import checked

pytest.importorskip("gmssl_pyx")


@pytest.fixture(scope="module")
def chinese() -> NoteSigner:
    return NoteSigner(ORIGIN, SM2_SM3.generate())


@pytest.fixture
def ridden(log: Published, chinese: NoteSigner) -> bytes:
    """The newest checkpoint with an SM2 line between the log's and the witness's."""
    note = Note.parse((log.folder / "checkpoint").read_bytes())
    (line,) = Note.parse(sign_note(note.text, chinese)).signatures
    first, *rest = note.signatures
    return bytes(Note(note.text, (first, line, *rest)))


def bent(ridden: bytes, chinese: NoteSigner) -> bytes:
    note = Note.parse(ridden)
    lines = list(note.signatures)
    at = next(at for at, line in enumerate(lines) if line.key_id == chinese.vkey.key_id)
    sig = bytes([lines[at].sig[0] ^ 1]) + lines[at].sig[1:]
    lines[at] = type(lines[at])(lines[at].name, lines[at].key_id, sig)
    return bytes(Note(note.text, tuple(lines)))


def test_sigstore_passes_the_line_over(ridden: bytes, chinese: NoteSigner) -> None:
    for note in (ridden, bent(ridden, chinese)):
        said = checked(note.decode())
        assert (said.checkpoint.origin, said.checkpoint.log_size) == (ORIGIN, SIZES[-1])
        assert len(said.signed_note.signatures) == 3


def test_go_passes_the_line_over(go: Verifier, log: Published, ridden: bytes, chinese: NoteSigner) -> None:
    for note in (ridden, bent(ridden, chinese)):
        said = go.ask(log, {"checkpoint": note})
        assert said == {"size": SIZES[-1], "entries": SIZES[-1], "why": ""}


def test_we_check_the_line(ridden: bytes, chinese: NoteSigner) -> None:
    assert open_checkpoint(ridden, [LOG.vkey, chinese.vkey]).signed_by == (LOG.vkey,)
    with pytest.raises(NoteInvalid):
        open_checkpoint(bent(ridden, chinese), [LOG.vkey, chinese.vkey])
