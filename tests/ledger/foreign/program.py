"""The Go program: built with the Go of this machine and its packaged sources, without a network."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import COSIGNATURE, VerifierKey
from tests.ledger.foreign.published import LOG, WITNESS, Published

HERE = Path(__file__).parent
SOURCES = Path("/usr/share/gocode")
WITNESS_KEY = VerifierKey(WITNESS.name, WITNESS.key.public, COSIGNATURE)


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


@contextmanager
def running(folder: Path) -> Iterator[Verifier]:
    """The program, built in a folder. Skips, by name, where there is no Go."""
    command = shutil.which("go")
    if command is None or not (SOURCES / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("no Go with golang.org/x/mod here: `make foreign` installs both")
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
