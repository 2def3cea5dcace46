"""Somebody at the API, with a password, perhaps a key at home, and nothing else of the exchange."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from base.signing import SigningKey, sign_envelope
from cli.prepared import examine
from ledger.statement import PAYLOAD_TYPE
from tests.web.nodes import PASSWORD


@dataclass
class Desk:
    """Calls over HTTP; signs at home what was examined first. `calls` are the paths it has called."""

    http: httpx.AsyncClient
    login: str
    org_id: str = ""
    key: SigningKey | None = field(default=None, repr=False)
    password: str = field(default=PASSWORD, repr=False)
    token: str = field(default="", repr=False)

    async def sign_in(self, **more: str) -> "Desk":
        answer = await self.http.post(
            "/api/v1/token", data={"username": self.login, "password": self.password, **more}
        )
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """One call, with its token and an Idempotency-Key of its own."""
        named = {"authorization": f"Bearer {self.token}"}
        if method != "GET":
            named["idempotency-key"] = key or secrets.token_hex(12)
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else orjson.dumps(body)
        if content is not None:
            named["content-type"] = "application/json"
        return await self.http.request(method, f"/api/v1{path}", content=content, headers=named)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def step_up(self) -> None:
        answer = await self.call("POST", "/step-up", {"password": self.password})
        assert answer.status_code == 200, answer.text

    async def act(self, path: str, body: Any = None, *, method: str = "POST", **headers: str) -> Any:
        """Do an act: proves oneself where that is asked for, signs at home where it is prepared."""
        answer = await self.call(method, path, body, **headers)
        if answer.status_code == 403 and answer.json()["code"] == "step-up-needed":
            await self.step_up()
            answer = await self.call(method, path, body, **headers)
        if answer.status_code == 202:
            answer = await self.submit(answer.content)
        assert answer.is_success, answer.text
        return answer.json()

    async def submit(self, prepared: bytes, *keys: SigningKey) -> httpx.Response:
        """Examine a prepared act as `databourse sign` does, sign it, hand it in."""
        act = examine(prepared)
        own = [self.key] if self.key is not None else []
        held = {key.keyid: key for key in (*keys, *own)}
        envelope = sign_envelope(PAYLOAD_TYPE, act.payload, *(held[keyid] for keyid in act.signers))
        return await self.call("POST", f"/prepared/{act.prepared_id}/submit", envelope.document())

    async def take_up_key(self, key: SigningKey) -> Any:
        """Register one's first own key: it signs its own registration, and the exchange vouches."""
        await self.step_up()
        body = {"org_id": self.org_id, "custody": "self-held", "public_key": b64(key.public)}
        prepared = await self.call("POST", "/keys", body)
        assert prepared.status_code == 202, prepared.text
        answer = await self.submit(prepared.content, key)
        assert answer.status_code == 201, answer.text
        self.key = key
        return answer.json()

    async def upload(self, raw: bytes, *, name: str = "goods.csv") -> Any:
        answer = await self.http.put(
            "/api/v1/files",
            content=raw,
            headers={"authorization": f"Bearer {self.token}", "file-name": name, "content-type": "text/csv"},
        )
        assert answer.status_code == 201, answer.text
        return answer.json()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
