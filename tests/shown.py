"""An exchange, its bank and its members as the documents tell to make them: what shown commands run in.

Everything is a real process in one folder, made by the very lines of the README. Placeholders are filled
in, ports are free ones, and passwords come from the environment or from standard input, as the documents
say. What stays open is ended as a service manager would.
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from base.clock import rfc3339
from base.signing import SigningKey
from tests.forks import PID_FILE, forks
from tests.houses import some_uscc
from tests.market.listings.goods import CLEAN, DECLARED
from tests.web.api.live import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
PASSWORD: Final = "a passphrase of the tests"
_BLOCK: Final = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_STAYS: Final = re.compile(r"databourse (serve|sequencer)\b|databourse node .*--start|python -m bank\b")
_KEPT: Final = re.compile(r"^([A-Z_]+)=(\"?\$\(.*\)\"?)$")
_DEADLINE_S: Final = 120
DRAFT: Final = {
    "title": "2025年广东省工业企业月度用电指数数据集",
    "description": "按县区和月份汇总的指数。Monthly index by county.",
    "scenario": "中小企业信贷风险模型",
    "category": "energy",
    "geo": "440000",
    "licence_class": "internal-use",
    "licence_of_data": "内部建模使用, 不得转售, 限境内",
    "unit": "set",
    "quantity": 1,
    "level": "general-2",
    "list_price_minor": 76_000_000,
}


def commands_of(page: Path) -> list[str]:
    """The lines of a page's shell blocks, without their comments; a line that goes on is one."""
    blocks = "\n".join(found for _, found in _BLOCK.findall(page.read_text(encoding="utf-8")))
    lines = re.sub(r"\\\n\s*", " ", blocks).splitlines()
    return [line for line in (re.sub(r"(^|\s+)#.*$", "", line).strip() for line in lines) if line]


@dataclass
class Stays:
    """A command that stays open."""

    process: "subprocess.Popen[bytes]"
    said: Path
    port: int

    def end(self) -> None:
        """End it as a service manager does; it ends of its own accord."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(_DEADLINE_S)
        assert code in {0, -signal.SIGTERM}, self.said.read_text()

    def wait_until(self, ready: Any) -> Any:
        """What `ready()` answers as soon as it answers anything."""
        ends = time.monotonic() + _DEADLINE_S
        while time.monotonic() < ends:
            assert self.process.poll() is None, self.said.read_text()
            answer = ready()
            if answer:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"not ready: {self.said.read_text()}")


@dataclass
class Shown:
    """The folder in which shown commands run, and what stands there for their placeholders."""

    folder: Path
    words: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    open: dict[str, Stays] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    counted: int = 0

    def fresh(self, name: str) -> str:
        """A name that is not taken yet in the folder."""
        self.counted += 1
        return f"{name}-{self.counted}"

    def filled(self, line: str) -> str:
        """A line with its placeholders and ports filled in."""
        if re.search(r"databourse export\b", line) and "BUNDLE" in line:
            self.words["BUNDLE"] = self.fresh("bundle")
        if re.search(r"databourse evidence\b", line) and "DIR" in line:
            self.words["DIR"] = self.fresh("evidence")
        line = line.replace(".venv/bin/", "").replace("var/bank", self.fresh("bank"))
        for name, value in self.words.items():
            line = re.sub(rf"(?<![\w$./-]){re.escape(name)}(?![\w=])", lambda _, value=value: value, line)
        return line

    def run(self, line: str) -> str:
        """Run a line to its end, in a shell; answers what it printed. An answer is asked for with y."""
        named = _KEPT.match(line)
        if named is not None:
            said = self.run(f"printf %s {named.group(2)}")
            self.environment[named.group(1)] = said
            return said
        done = subprocess.run(
            ["sh", "-c", self.filled(line)],
            cwd=self.folder,
            env=self.settings(),
            input="y\n" if "databourse sign" in line else "",
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def stays(self, line: str) -> bool:
        """Whether a command stays open until it is told to end."""
        return _STAYS.search(line) is not None

    def start(self, line: str) -> Stays:
        """Start a command that stays open; returns when it does what it is for."""
        port = free_port()
        line = self.filled(re.sub(r"--port \d+", f"--port {port}", line))
        line = line.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{self.port}")
        if re.search("serve|--start", line) and "--port" not in line:
            line = f"{line} --port {port}"
        said = self.folder / self.fresh("said")
        with said.open("wb") as output:
            pid = self.folder / self.fresh("pid")
            process = subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=self.folder,
                env=self.settings() | {PID_FILE: str(pid)},
                stdout=output,
                stderr=output,
            )
        started = Stays(process, said, port)
        try:
            self._wait(line, started, pid)
        except AssertionError:
            process.kill()
            process.wait()
            raise
        return started

    def _wait(self, line: str, started: Stays, pid: Path) -> None:
        """Until a command that stays open does what it is for."""
        said, port = started.said, started.port
        if "-m bank" in line:
            facts = started.wait_until(lambda: re.search(r"^{.*}$", said.read_text(), re.MULTILINE))
            self.believe(json.loads(facts.group()))
        elif "sequencer" in line:
            started.wait_until(lambda: _listens_to_term(pid))
        else:
            started.wait_until(lambda: _answers(port, "/health" if "--witness-only" in line else "/ready"))

    def believe(self, bank: dict[str, str]) -> None:
        """The settings that a bank's first line is for."""
        if "DATABOURSE_BANK_KEY" not in self.environment:
            self.environment |= {
                "DATABOURSE_BANK_URL": bank["url"],
                "DATABOURSE_BANK_KEY": bank["public_key"],
                "DATABOURSE_ESCROW_ACCOUNT": bank["escrow_account"],
                "DATABOURSE_FEE_ACCOUNT": bank["fee_account"],
            }

    @property
    def port(self) -> int:
        """Where the exchange is served."""
        return self.open["serve"].port if "serve" in self.open else 8000

    def settings(self) -> dict[str, str]:
        """The environment of every command: nothing of ours but what the documents name."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABOURSE_")}
        own = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return clean | own | {"DATABOURSE_FOUND_PASSWORD": PASSWORD} | self.environment

    def call(self, login: str, method: str, path: str, body: Any = None) -> Any:
        """Call the API as a person, proved; answers the JSON."""
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/api/v1", trust_env=False, timeout=30
        ) as http:
            if login not in self.tokens:
                asked = http.post("/token", data={"username": login, "password": PASSWORD})
                self.tokens[login] = asked.raise_for_status().json()["access_token"]
            headers = {"authorization": f"Bearer {self.tokens[login]}"}
            http.post("/step-up", headers=headers, json={"password": PASSWORD}).raise_for_status()
            headers["idempotency-key"] = secrets.token_hex(8)
            answer = http.request(method, path, headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def admit(self, login: str, role: str) -> str:
        """A member with a person; answers its id."""
        said = {"name": f"测试{login}", "uscc": some_uscc(), "roles": [role]}
        org_id: str = self.call("operator", "POST", "/organisations", said)["org_id"]
        person = {"login": login, "name": login, "password": PASSWORD}
        self.call("operator", "POST", f"/organisations/{org_id}/people", person)
        return org_id

    def something_happens(self) -> None:
        """A broker is certified and a product is drafted: what supervision and provenance read of."""
        authority = self.admit("authority", "DATA_AUTHORITY")
        self.call("authority", "POST", "/keys", {"org_id": authority, "custody": "custodial"})
        now = datetime.now(UTC)
        certificate = {
            "org_id": self.admit("certified", "BROKER"),
            "cert_no": "GZ-DB-2026-0001",
            "broker_type": "M",
            "grade": 2,
            "sectors": ["energy"],
            "max_level": "general-2",
            "valid_from": rfc3339(now - timedelta(days=200)),
            "valid_to": rfc3339(now + timedelta(days=500)),
            "decided_on": "2025-12-01",
            "decision_sha256": "de" * 32,
        }
        self.call("authority", "POST", "/certificates", certificate)
        seller = self.admit("seller", "PROVIDER")
        self.call("seller", "POST", "/keys", {"org_id": seller, "custody": "custodial"})
        drafted = self.call("seller", "POST", "/listings", DRAFT | {"file_id": self.uploaded("seller")})
        self.words |= {"prd_0123": drafted["product_id"], "lst_0123": drafted["listing_id"]}

    def uploaded(self, login: str) -> str:
        """A file of a member that is signed in; answers its id."""
        headers = {"authorization": f"Bearer {self.tokens[login]}", "file-name": "goods.csv"}
        address = f"http://127.0.0.1:{self.port}/api/v1/files"
        with httpx.Client(trust_env=False, timeout=30) as http:
            answer = http.put(address, content=CLEAN.encode(), headers=headers | {"content-type": "text/csv"})
        file_id: str = answer.raise_for_status().json()["file_id"]
        return file_id

    def prepare_registration(self, who: str) -> None:
        """Leave the act to be signed, `prepared.json`: the member registers the key in its key file."""
        org_id = self.admit(who, who.upper())
        public = json.loads((self.folder / f"{who}.key").read_bytes())["public_key"]
        body = {"org_id": org_id, "custody": "self-held", "public_key": public}
        prepared = self.call(who, "POST", "/keys", body)
        (self.folder / "prepared.json").write_bytes(orjson.dumps(prepared))

    def hand_in(self, who: str) -> Any:
        """Hand in what was signed; answers what the act answers."""
        prepared = json.loads((self.folder / "prepared.json").read_bytes())
        envelope = json.loads((self.folder / "signed.dsse.json").read_bytes())
        return self.call(who, "POST", f"/prepared/{prepared['prepared_id']}/submit", envelope)


def _answers(port: int, path: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code == 200
    return False


def _listens_to_term(pid: Path) -> bool:
    """Whether a process has taken up its work: it then ends in an orderly way when it is told to."""
    if not pid.exists() or not pid.read_text():
        return False
    status = Path(f"/proc/{pid.read_text()}/status").read_text()
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return caught is not None and bool(int(caught.group(1), 16) >> (signal.SIGTERM - 1) & 1)


@contextmanager
def shown_world(folder: Path) -> Iterator[Shown]:
    """The folder with the programs on its path and the files that the documents speak of."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    (folder / "goods.csv").write_text(CLEAN, encoding="utf-8")
    (folder / "declared.json").write_bytes(orjson.dumps(DECLARED.document()))
    world = Shown(folder)
    world.words = {
        "NAME": "测试交易所",
        "CODE": some_uscc(),
        "LOGIN": "operator",
        "FILE": "goods.csv",
        "DECLARED.json": "declared.json",
        "REPORT.json": "report.json",
        "BASE64": base64.b64encode(SigningKey.generate().public).decode(),
    }
    try:
        (programs / "databourse").symlink_to(forks().program)
        yield world
    finally:
        for one in world.open.values():
            with suppress(ProcessLookupError):
                one.process.kill()
                one.process.wait()
