"""`databourse` as real processes on a folder of its own: run, served, killed, served again."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from base.settings import Settings
from tests.forks import Forked, forks
from tests.houses import some_uscc
from tests.web.api.live import free_port
from web.node import load_keys

ORIGIN: Final = "process.test/log"
PASSWORD: Final = "a passphrase of the tests"
_DEADLINE_S: Final = 60


@dataclass
class NodeProcess:
    """An exchange in a folder. `more` are further settings, by name without the prefix."""

    folder: Path
    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict)
    uscc: str = ""
    process: Forked | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return self.more.get("DATABASE_URL", f"sqlite+aiosqlite:///{self.folder}/databourse.db")

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABOURSE_")}
        settings = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "ORIGIN": ORIGIN,
            "PUBLIC_URL": self.url,
            "FOUND_PASSWORD": PASSWORD,
            **self.more,
        }
        return clean | {f"DATABOURSE_{name}": value for name, value in settings.items()}

    def command(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return forks().run(["databourse", *arguments], self.environment | more)

    def begin(self, *arguments: str, log: str) -> Forked:
        """Begin a command that stays open; what it says is kept in the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return forks().start(["databourse", *arguments], self.environment, self.folder / log)

    def found(self) -> None:
        """Found the exchange; `uscc` is then the credit code of its operator."""
        self.uscc = some_uscc()
        done = self.command("found", "--name", "测试交易所", "--uscc", self.uscc, "--login", "operator")
        assert done.returncode == 0, done.stderr

    @property
    def vkey(self) -> str:
        """The key of its log, as `databourse node` prints it."""
        settings = Settings(data_dir=self.folder, origin=self.more.get("ORIGIN", ORIGIN))
        return str(load_keys(settings).checkpoint.vkey)

    def start(self, *arguments: str) -> None:
        """Serve; returns when it is ready."""
        self.process = self.begin("serve", "--port", str(self.port), *arguments, log="serve.log")
        ends = time.monotonic() + _DEADLINE_S
        with httpx.Client(base_url=self.url, trust_env=False) as http:
            while time.monotonic() < ends:
                assert self.process.poll() is None, (self.folder / "serve.log").read_text()
                with suppress(httpx.TransportError):
                    if http.get("/ready").status_code == 200:
                        return
                time.sleep(0.05)
        raise AssertionError("the exchange did not come up")

    def end(self, how: signal.Signals) -> int:
        """Send the signal and wait."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(_DEADLINE_S)
        self.process = None
        return code
