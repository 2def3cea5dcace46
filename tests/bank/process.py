"""A real bank process for tests: started on a free port, killed or stopped, started again on its folder."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson

from tests.forks import Forked, forks

DEADLINE_S = 30.0
_STEP_S = 0.02

T = TypeVar("T")

HTTP = httpx.Client(trust_env=False, timeout=DEADLINE_S)
"""One client for all: making one reads the world's certificates, which takes longer than a test."""


def until(question: Callable[[], T], *, what: str, deadline_s: float = DEADLINE_S) -> T:
    """The first truthy answer to the question; fails when none comes before the deadline."""
    ends = time.monotonic() + deadline_s
    while not (answer := question()):
        assert time.monotonic() < ends, f"waited in vain for {what}"
        time.sleep(_STEP_S)
    return answer


@dataclass
class BankProcess:
    """A running bank. `key_b64` is its public key; the control token opens /control."""

    command: list[str]
    folder: Path
    base_url: str = ""
    key_b64: str = ""
    escrow_account: str = ""
    fee_account: str = ""
    control_token: str = ""
    process: Forked | None = field(default=None, repr=False)

    def start(self, port: int = 0) -> None:
        """Start on the folder; returns when the bank answers."""
        said = self.folder / "bank.out"
        words = [*self.command, "--port", str(port)]
        self.process = forks().start(words, os.environ, self.folder / "bank.log", out=said)
        until(lambda: said.read_bytes().endswith(b"\n") or self._ended(), what="the bank's first line")
        assert self.process.poll() is None, (self.folder / "bank.log").read_text()
        facts = orjson.loads(said.read_bytes())
        self.base_url, self.key_b64 = facts["url"], facts["public_key"]
        self.escrow_account, self.fee_account = facts["escrow_account"], facts["fee_account"]
        token = self.folder / "data" / "control.token"
        self.control_token = token.read_text() if token.exists() else ""
        until(self._answers, what="the bank to answer")

    def stop(self) -> None:
        """End it as an operator would (SIGTERM), and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start again on the same folder and address."""
        self.start(port=int(self.base_url.rpartition(":")[2]))

    def control(self, method: str, path: str, document: Any = None) -> Any:
        """Call a control endpoint, which must succeed."""
        answer = HTTP.request(
            method,
            f"{self.base_url}/control/{path}",
            json=document,
            headers={"authorization": f"Bearer {self.control_token}"},
        )
        assert answer.is_success, answer.text
        return answer.json()

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(DEADLINE_S)

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def _answers(self) -> bool:
        try:
            return HTTP.get(f"{self.base_url}/health").is_success
        except httpx.TransportError:
            return False


def start_bank(
    tmp_path: Path,
    exchange_url: str,
    exchange_key_b64: str,
    simulated: bool = False,  # noqa: FBT001, FBT002 - read at the call by name
    controllable: bool = True,  # noqa: FBT001, FBT002
) -> BankProcess:
    """Start a bank whose data lies in `tmp_path`/data. The caller stops it."""
    command = ["bank", "--data", str(tmp_path / "data")]
    command += ["--exchange-url", exchange_url, "--exchange-key", exchange_key_b64]
    command += ["--clock", "simulated" if simulated else "system"]
    command += ["--control"] if controllable else []
    bank = BankProcess(command, tmp_path)
    bank.start()
    return bank
