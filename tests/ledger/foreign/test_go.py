"""Go's checksum database client (golang.org/x/mod/sumdb: note, tlog) reads what we publish.

`foreign/verify.go` is built with the Go of this machine and its packaged sources, without a network:
`make foreign` installs both on Debian and its kin. Where they are not, these tests are skipped by name.
"""

import json
import os
import random
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import COSIGNATURE, VerifierKey
from tests.ledger.foreign.published import LOG, ORIGIN, PROVED, SIZES, WITNESS, Published

HERE = Path(__file__).parent
SOURCES = Path("/usr/share/gocode")
WITNESS_KEY = VerifierKey(WITNESS.name, WITNESS.key.public, COSIGNATURE)
PARTIAL = {"tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"}  # of the last tree


@dataclass
class Verifier:
    """The Go program, running: it answers each request with what it found."""

    process: "subprocess.Popen[str]"

    def ask(
        self, log: Published, put: dict[str, bytes] | None = None, *, receipts: bool = True, **more: Any
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "folder": str(log.folder),
            "vkeys": [str(LOG.vkey)],
            "witnesses": [str(WITNESS_KEY)],
            "kept": log.kept,
            "receipts": log.receipts if receipts else {},
            "put": {path: b64encode(data).decode() for path, data in (put or {}).items()},
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request | more) + "\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    command = shutil.which("go")
    if command is None or not (SOURCES / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("no Go with golang.org/x/mod here: `make foreign` installs both")
    folder = tmp_path_factory.mktemp("go")
    program = folder / "verify"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOPATH": str(SOURCES),
        "GOCACHE": str(folder / "cache"),
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    sources = [str(path) for path in sorted(HERE.glob("*.go"))]
    built = subprocess.run(
        [command, "build", "-o", program, *sources],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Verifier(process)
        assert process.stdin is not None
        process.stdin.close()


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
        for _ in range(6):
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
