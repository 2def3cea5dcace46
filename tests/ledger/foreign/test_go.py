"""Go's checksum database client (golang.org/x/mod/sumdb: note, tlog) reads what we publish.

`foreign/verify.go` is built with the Go of this machine and its packaged sources, without a network:
`make foreign` installs both on Debian and its kin. Where they are not, these tests are skipped by name.
"""

import random
from base64 import b64decode

from ledger.checkpoint import COSIGNATURE, VerifierKey
from tests.ledger.foreign.program import Verifier
from tests.ledger.foreign.published import LOG, ORIGIN, PROVED, SIZES, WITNESS, Published

PARTIAL = {"tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"}  # of the last tree


def flipped(data: bytes, at: int, by: int) -> bytes:
    return data[:at] + bytes([data[at] ^ by]) + data[at + 1 :]


def test_go_accepts_checkpoint_tiles_entries_kept_checkpoints_and_receipts(
    go: Verifier, log: Published
) -> None:
    assert len(log.kept) == len(SIZES)
    assert len(log.receipts) == len(PROVED)
    assert go.ask(log) == {"size": SIZES[-1], "entries": SIZES[-1], "why": ""}


def test_go_finds_a_flipped_byte_in_any_file(go: Verifier, log: Published) -> None:
    dice = random.Random(20261122)
    # A partial tile is needed only by the checkpoint of its time: these are of trees that have grown.
    outgrown = {path for path in log.files if ".p/" in path} - PARTIAL
    spellings = []
    for path in log.files:
        if path in outgrown:
            continue
        data = (log.folder / path).read_bytes()
        for _ in range(4):
            at, by = dice.randrange(len(data)), 1 << dice.randrange(8)
            said = go.ask(log, {path: flipped(data, at, by)})
            if said["why"] == "":
                spellings.append((data, at, by))
    # Go reads base64 whose last unused bits are not zero (we do not); only such bytes are let through.
    for data, at, by in spellings:
        other = flipped(data, at, by)
        assert data[at + 1 : at + 2] == b"="
        begin = data.rindex(b" ", 0, at) + 1
        assert b64decode(other[begin : at + 2]) == b64decode(data[begin : at + 2])


def test_go_finds_every_flipped_bit_of_a_checkpoint(go: Verifier, log: Published) -> None:
    data = (log.folder / "checkpoint").read_bytes()
    lax = {at for at in range(len(data)) if data[at + 1 : at + 2] == b"=" and data[at] != ord("=")}
    for at in set(range(len(data))) - lax:
        said = go.ask(log, {"checkpoint": flipped(data, at, 1 << at % 8)}, receipts=False, kept=[])
        assert said["why"], (at, data[at : at + 1])


def test_go_finds_what_a_forger_would_do(go: Verifier, log: Published) -> None:
    def read(path: str) -> bytes:
        return (log.folder / path).read_bytes()

    older, first, last = read("checkpoints/512"), read("tile/entries/000"), read("tile/entries/002.p/88")
    forged = {
        "an older checkpoint without the witness": {"checkpoint": older},
        "a checkpoint of the same size with another root": {
            "checkpoints/600": read("checkpoint").replace(b"\n600\n", b"\n599\n")
        },
        "another kept tree": {"checkpoints/5": older.replace(b"\n512\n", b"\n5\n")},
        "an entry tile cut short": {"tile/entries/000": first[:-1]},
        "an entry tile with more behind": {"tile/entries/000": first + b"\0\0"},
        "the last entry left out": {"tile/entries/002.p/88": last[: -len(log.entries()[-1]) - 2]},
        "a hash tile cut short": {"tile/0/000": read("tile/0/000")[:-32]},
        "two hash tiles changed places": {
            "tile/0/000": read("tile/0/001"),
            "tile/0/001": read("tile/0/000"),
        },
        "two entry tiles changed places": {
            "tile/entries/000": read("tile/entries/001"),
            "tile/entries/001": first,
        },
        "a receipt for another entry": {"leaves/255": read("leaves/256")},
        "a receipt with a shorter path": {"receipts/0": without_line(read("receipts/0"), 2)},
        "a receipt with another index": {"receipts/255": read("receipts/255").replace(b"255", b"256", 1)},
    }
    for what, put in forged.items():
        assert go.ask(log, put)["why"], what


def without_line(data: bytes, number: int) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join(lines[:number] + lines[number + 1 :])


def test_go_asks_for_the_keys_it_was_told_to_trust(go: Verifier, log: Published) -> None:
    stranger = VerifierKey(ORIGIN, WITNESS.key.public)
    assert go.ask(log, vkeys=[str(stranger)])["why"]
    assert go.ask(log, witnesses=[str(VerifierKey("witness.test/w1", LOG.key.public, COSIGNATURE))])["why"]
    assert go.ask(log, witnesses=[])["why"] == ""
