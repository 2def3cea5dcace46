"""A province, its cities and a regulator: processes of their own on loopback, on wires that can be cut."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from base.clock import SystemClock
from base.settings import Settings
from cli.found import found_with_operator
from cli.migrate import migrated
from identity.founding import Operator
from identity.passwords import PasswordHash, hash_password
from ledger.checkpoint import VerifierKey
from tests.forks import Forked, forks
from tests.houses import some_uscc
from tests.web.api.live import free_port
from web.node import load_keys
from web.witnessing import PREFIX, load_cosigner

PASSWORD: Final = "a passphrase of the tests"
T = TypeVar("T")
_DEADLINE_S: Final = 90
_ASK_EVERY_S: Final = 0.2


def until(question: Callable[[], T], *, what: str) -> T:
    """The first truthy answer; asked so seldom that five nodes have the processor to themselves."""
    ends = time.monotonic() + _DEADLINE_S
    while not (answer := question()):
        assert time.monotonic() < ends, f"waited in vain for {what}"
        time.sleep(_ASK_EVERY_S)
    return answer


class Cable:
    """A port that leads to another port, until it is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = free_port()
        self._ends: set[socket.socket] = set()
        self._door: socket.socket | None = None
        self.mend()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    def mend(self) -> None:
        """Let connections through again."""
        if self._door is None:
            self._door = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._serve, args=(self._door,), daemon=True).start()

    def cut(self) -> None:
        """Refuse new connections and break those there are."""
        door, self._door = self._door, None
        for end in [*([door] if door else []), *self._ends]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _serve(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._ends |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65_536):
                other.sendall(piece)
        for end in (one, other):
            self._ends.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@dataclass
class Member:
    """A node of the federation in a folder of its own."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict)
    process: Forked | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    admitted: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.name}.test/log"

    @property
    def database(self) -> Path:
        return self.folder / "databourse.db"

    @property
    def said(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
            "ORIGIN": self.origin,
            "PUBLIC_URL": self.url,
            "WITNESS_TIMEOUT_S": "5",
            "WITNESS_PAUSE_S": "1",
            **self.more,
        }

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder, database_url=self.said["DATABASE_URL"], origin=self.origin)

    @property
    def vkey(self) -> VerifierKey:
        return load_keys(self.settings).checkpoint.vkey

    @property
    def witness_vkey(self) -> VerifierKey:
        return load_cosigner(self.settings).vkey

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def found(self, hashed: PasswordHash) -> None:
        async def founding() -> None:
            await migrated(self.settings)
            operator = Operator(f"{self.name} 交易所", some_uscc())
            await found_with_operator(self.settings, SystemClock(), operator, login="operator", hashed=hashed)

        asyncio.run(founding())

    def command(self, *words: str) -> Forked:
        """Begin `databourse` with these words."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABOURSE_")}
        environment = clean | {f"DATABOURSE_{name}": value for name, value in self.said.items()}
        return forks().start(["databourse", *words], environment, self.folder / "log.txt")

    def start(self, *words: str) -> None:
        """Start the node; comes back when it answers."""
        self.process = self.command("node", "--start", "--port", str(self.port), *words)
        until(self._answers, what=f"{self.name} to come up")

    def refuses_to_start(self, *words: str) -> str:
        """Try to start it; what it says when it does not."""
        before = len(self.log)
        assert self.command("node", "--start", "--port", str(self.port), *words).wait(_DEADLINE_S) == 2
        return self.log[before:]

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health", trust_env=False).status_code == 200
        return False

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(_DEADLINE_S)
        self.process = None

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=30)

    def sign_in(self) -> None:
        form = {"username": "operator", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/token", data=form, trust_env=False, timeout=30)
        self.headers = {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
        self._post("/step-up", {"password": PASSWORD}).raise_for_status()

    def admit(self) -> str:
        """One statement more on this log; kept when the node has answered for it."""
        if not self.headers:
            self.sign_in()
        name = f"{self.name} {len(self.admitted)}"
        form = {"name": name, "uscc": some_uscc(), "roles": ["BUYER"]}
        answer = self._post("/organisations", form, **{"idempotency-key": uuid.uuid4().hex})
        assert answer.status_code == 201, answer.text
        self.admitted.append(answer.json()["org_id"])
        return self.admitted[-1]

    def _post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        url = f"{self.url}/api/v1{path}"
        return httpx.post(url, json=body, headers=self.headers | headers, trust_env=False, timeout=30)

    def witnessing(self) -> dict[str, Any]:
        return dict(self.get("/api/v1/ledger/witnesses").raise_for_status().json())

    def head(self) -> dict[str, Any]:
        return dict(self.get("/api/v1/ledger").raise_for_status().json())

    def caught_up(self) -> bool:
        """Everything is sealed, published and cosigned by every witness."""
        head, now = self.head(), self.witnessing()
        each = [one["size"] == head["size"] and one["problem"] is None for one in now["witnesses"]]
        return (
            not head["pending"]
            and now["published"] == head["size"]
            and now["witnessed"] is True
            and bool(each)
            and all(each)
        )

    def sealed(self) -> int:
        """The size of the tree once nothing waits."""
        until(lambda: not self.head()["pending"], what="sealing")
        return int(self.head()["size"])

    def save(self, copy: Path) -> None:
        """A backup of the database as it is."""
        with closing(sqlite3.connect(self.database)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)

    def restore(self, copy: Path) -> None:
        """Put a backup in the database's place."""
        for path in self.folder.glob("databourse.db*"):
            path.unlink()
        shutil.copyfile(copy, self.database)


@dataclass
class Federation:
    """One province, its cities, a regulator that only witnesses; a cable from each city to the province."""

    folder: Path
    cities: list[Member]
    province: Member
    regulator: Member
    cables: list[Cable]

    @classmethod
    def build(cls, folder: Path, cities: int) -> "Federation":
        """Found everybody, and write down who witnesses whom. Nobody runs yet."""
        names = [f"city{number}" for number in range(cities)]
        members = {}
        for name in [*names, "province", "regulator"]:
            members[name] = Member(name, folder / name)
            (folder / name).mkdir()
        province, regulator = members["province"], members["regulator"]
        hashed = asyncio.run(hash_password(PASSWORD, login="operator"))
        for name in [*names, "province"]:
            members[name].found(hashed)
        cables = [Cable(province.port) for _ in names]
        built = cls(folder, [members[name] for name in names], province, regulator, cables)
        built._introduce()
        return built

    def _introduce(self) -> None:
        """The cities and the regulator witness the province; the province and the regulator the cities."""
        above, watch = self.province, self.regulator
        for city, cable in zip(self.cities, self.cables, strict=True):
            policy = [
                f"witness province {above.witness_vkey} {cable.url}",
                f"witness regulator {watch.witness_vkey} {watch.url}{PREFIX}",
                "group both all province regulator",
                "quorum both",
            ]
            city.more |= {"PROVINCE_URL": cable.url, "PROVINCE_VKEY": str(above.vkey)}
            _write(city, policy=policy, logs=[above])
        asked = [f"witness {city.name} {city.witness_vkey} {city.url}{PREFIX}" for city in self.cities]
        named = " ".join(city.name for city in self.cities)
        policy = [*asked, f"witness regulator {watch.witness_vkey} {watch.url}{PREFIX}"]
        policy += [f"group cities any {named}", "group checked all cities regulator", "quorum checked"]
        _write(above, policy=policy, logs=self.cities)
        above.more["FEDERATE_EVERY_S"] = "1"
        _write(watch, policy=None, logs=[*self.cities, above])

    @property
    def exchanges(self) -> list[Member]:
        return [*self.cities, self.province]

    def start(self) -> None:
        self.regulator.start("--witness-only")
        for member in (self.province, *self.cities):
            member.start()

    def caught_up(self, *members: Member) -> None:
        """Wait until these logs (by default all) are whole, published and cosigned by everybody."""
        for member in members or self.exchanges:
            until(member.caught_up, what=f"{member.name} to catch up: {member.witnessing()}")

    def close(self) -> None:
        for cable in self.cables:
            cable.cut()
        for member in (*self.exchanges, self.regulator):
            if member.process is not None:
                member.kill()


def _write(member: Member, *, policy: list[str] | None, logs: list[Member]) -> None:
    listed = member.folder / "logs"
    listed.write_text("".join(f"log {log.vkey}\n" for log in logs))
    member.more["WITNESSED_LOGS_FILE"] = str(listed)
    if policy is not None:
        (member.folder / "policy").write_text("".join(f"{line}\n" for line in policy))
        member.more["WITNESS_POLICY_FILE"] = str(member.folder / "policy")


def predicate(entry: bytes) -> dict[str, Any]:
    """What a sealed entry says."""
    from base64 import b64decode

    payload = json.loads(b64decode(json.loads(entry)["envelope"]["payload"]))
    return dict(payload["predicate"])
