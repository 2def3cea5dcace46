"""The addresses of a witness: status, media type and body as C2SP tlog-witness has them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from base.clock import SimulatedClock
from base.db import Database
from base.settings import Settings
from base.signing import SigningKey
from ledger.checkpoint import NoteSigner, VerifierKey, open_checkpoint, origin_hash, sign_checkpoint
from ledger.errors import PolicyInvalid
from migrations.models import import_tables
from tests.databases import on_sqlite
from tests.ledger.test_witness import FORKED, LOG, ORIGIN, STRANGER, body, checkpoint
from web.main import create_witness
from web.witnessing import desk_of, load_cosigner

import_tables()
PLACE = f"/witness/v1/{origin_hash(ORIGIN)}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "logs").write_text(f"# the city\nlog {LOG.vkey} https://city.example\n")
    return Settings(
        data_dir=tmp_path / "var", witnessed_logs_file=tmp_path / "logs", witness_name="regulator.example/w1"
    )


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    async with on_sqlite(sqlite_template, tmp_path / "witness.db") as database:
        yield database


@pytest.fixture
async def http(
    settings: Settings, database: Database, clock: SimulatedClock
) -> AsyncIterator[httpx.AsyncClient]:
    desk = desk_of(settings, database, clock)
    assert desk is not None
    transport = httpx.ASGITransport(create_witness(desk, settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://witness.test") as http:
        yield http


async def submit(http: httpx.AsyncClient, content: bytes) -> tuple[int, str, bytes]:
    answer = await http.post("/witness/v1/add-checkpoint", content=content)
    return answer.status_code, answer.headers["content-type"], answer.content


async def test_every_status_of_add_checkpoint(http: httpx.AsyncClient, settings: Settings) -> None:
    assert (await http.get(f"{PLACE}/checkpoint")).status_code == 404
    status, kind, line = await submit(http, body(0, 5))
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    note = sign_checkpoint(checkpoint(5), LOG) + line
    vkey = load_cosigner(settings).vkey
    assert vkey.name == "regulator.example/w1"
    assert [found.key for found in open_checkpoint(note, [LOG.vkey, vkey]).cosigned] == [vkey]
    for wrong in (body(0, 9), body(3, 9), body(3, 5, FORKED)):
        assert await submit(http, wrong) == (409, "text/x.tlog.size", b"5\n")
    for wrong in (body(5, 9, FORKED), body(5, 5, FORKED)):
        assert (await submit(http, wrong))[0] == 422
    assert (await submit(http, body(5, 9, signers=(STRANGER,))))[0] == 403
    assert (await submit(http, body(5, 9).replace(ORIGIN.encode(), b"town.example/log")))[0] == 404
    for malformed in (b"", b"old 5\n", body(5, 4), body(5, 9)[:-1], b"\xff" * 50):
        assert (await submit(http, malformed))[0] == 400
    assert (await submit(http, b"x" * 2_000_000))[0] == 413
    assert (await http.get("/witness/v1/add-checkpoint")).status_code == 405
    kept = await http.get(f"{PLACE}/checkpoint")
    assert (kept.status_code, kept.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert kept.content == note
    seen = (await http.get("/witness/v1")).json()
    assert VerifierKey.parse(seen["vkey"]) == vkey
    assert [(one["origin"], one["size"]) for one in seen["logs"]] == [(ORIGIN, 5)]


async def test_who_hands_in_the_same_again_and_again_waits_and_a_log_that_grows_does_not(
    http: httpx.AsyncClient,
) -> None:
    await submit(http, body(0, 1))
    for size in range(1, 20):
        for _ in range(3):
            assert (await submit(http, body(size, size)))[0] == 200
        assert (await submit(http, body(size, size + 1)))[0] == 200
    for wrong, status in ((body(5, 5, FORKED), 409), (b"", 400), (body(20, 30, signers=(STRANGER,)), 403)):
        assert (await submit(http, wrong))[0] == status
    answer = await http.post("/witness/v1/add-checkpoint", content=body(20, 20))
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-attempts")
    assert 0 < int(answer.headers["retry-after"]) <= 10
    assert (await http.get(f"{PLACE}/checkpoint")).status_code == 200


async def test_what_is_no_log_of_ours_has_no_place(http: httpx.AsyncClient) -> None:
    for path in (f"/witness/v1/{'0' * 64}/checkpoint", "/witness/v1/abc/checkpoint", "/checkpoint", "/zh/"):
        assert (await http.get(path)).status_code in {404, 422}
    assert (await http.get(f"{PLACE}/stated?size=1")).status_code == 503
    assert (await http.get("/health")).json() == {"status": "ok"}


def test_a_list_that_cannot_be_read_is_said(
    settings: Settings, clock: SimulatedClock, tmp_path: Path
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    assert desk_of(Settings(data_dir=tmp_path), database, clock) is None
    (tmp_path / "logs").write_text("log nonsense\n")
    with pytest.raises(PolicyInvalid, match="line 1"):
        desk_of(settings, database, clock)
    (tmp_path / "logs").unlink()
    with pytest.raises(PolicyInvalid, match="cannot be read"):
        desk_of(settings, database, clock)


def test_the_witness_s_key_is_its_own_and_stays(settings: Settings) -> None:
    assert load_cosigner(settings).vkey == load_cosigner(settings).vkey
    assert load_cosigner(settings).vkey.kind == 4
    other = NoteSigner(ORIGIN, SigningKey.generate())
    assert other.vkey.public != load_cosigner(settings).vkey.public
