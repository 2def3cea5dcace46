"""Somebody at the API: signs in, calls over real HTTP, and signs at home what has to be signed.

What the exchange prepares is examined as `databourse sign` examines it, before the key touches it.
"""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from base.signing import SigningKey, sign_envelope
from cli.demo.world import PASSWORD, Member
from cli.prepared import examine
from ledger.statement import PAYLOAD_TYPE

_PIECE: Final = 256 * 1024
_TIMEOUT_S: Final = 120


class ApiError(Exception):
    """The API answered with a problem."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('status')} {problem.get('code')}: {problem.get('detail')}")
        self.problem = problem


@dataclass
class Persona:
    """One signed-in member."""

    member: Member
    http: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> SigningKey | None:
        """The key the member holds itself, if it does."""
        return self.member.key

    async def sign_in(self) -> None:
        """Sign in with the demo's password; tokens do not outlive a day of the story."""
        login = {"username": self.member.login, "password": PASSWORD}
        token = _checked(await self.http.post("/api/v1/token", data=login))["access_token"]
        self.headers = {"authorization": f"Bearer {token}"}

    async def get(self, path: str) -> Any:
        """Ask for something."""
        return _checked(await self.http.get(f"/api/v1{path}", headers=self.headers))

    async def fetch(self, path: str) -> bytes:
        """The bytes of something."""
        answer = await self.http.get(f"/api/v1{path}", headers=self.headers, timeout=_TIMEOUT_S)
        if not answer.is_success:
            _checked(answer)
        return answer.content

    async def step_up(self) -> None:
        """Prove oneself again, for a key that the exchange keeps."""
        answer = await self.http.post("/api/v1/step-up", json={"password": PASSWORD}, headers=self.headers)
        _checked(answer)

    async def post(self, path: str, document: dict[str, Any] | None = None, role: str = "") -> Any:
        """Do an act; where it answers 202, sign what was prepared and hand it in."""
        headers = self.headers | {"idempotency-key": uuid.uuid4().hex}
        if role:
            headers["databourse-role"] = role
        answer = await self.http.post(
            f"/api/v1{path}", json=document or {}, headers=headers, timeout=_TIMEOUT_S
        )
        if answer.status_code != httpx.codes.ACCEPTED:
            return _checked(answer)
        return await self._sign(answer.content)

    async def _sign(self, prepared: bytes) -> Any:
        assert self.key is not None
        act = examine(prepared)
        envelope = sign_envelope(PAYLOAD_TYPE, act.payload, self.key)
        headers = self.headers | {"idempotency-key": uuid.uuid4().hex}
        path = f"/api/v1/prepared/{act.prepared_id}/submit"
        return _checked(await self.http.post(path, json=envelope.document(), headers=headers))

    async def upload(self, path: Path, *, to: str = "/files") -> dict[str, Any]:
        """Stream a file to the exchange."""

        async def pieces() -> AsyncIterator[bytes]:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece

        answer = await self.http.put(
            f"/api/v1{to}",
            content=pieces(),
            headers=self.headers | {"file-name": path.name, "content-type": "text/csv"},
            timeout=_TIMEOUT_S,
        )
        uploaded: dict[str, Any] = _checked(answer)
        return uploaded

    async def take(
        self, entitlement_id: str, target: Path, *, purpose: str, break_at: int | None = None
    ) -> int:
        """Download a file for a purpose, going on where an earlier attempt broke off; the bytes on disk."""
        with target.open("ab") as file:
            have = file.tell()
        headers = dict(self.headers)
        if have:
            headers["range"] = f"bytes={have}-"
        path = f"/api/v1/entitlements/{entitlement_id}/file?purpose={purpose}"
        async with self.http.stream("GET", path, headers=headers, timeout=_TIMEOUT_S) as answer:
            if answer.status_code not in {200, 206}:
                await answer.aread()
                _checked(answer)
            with target.open("ab") as file:
                async for chunk in answer.aiter_bytes():
                    file.write(chunk)
                    have = file.tell()
                    if break_at is not None and have >= break_at:
                        break
        return have


def _checked(answer: httpx.Response) -> Any:
    document = orjson.loads(answer.content) if answer.content else {}
    if answer.is_success:
        return document
    raise ApiError(document)
