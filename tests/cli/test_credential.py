"""`databourse credential verify`: what a person at a counter sees, and the exit code a script reads."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from base.clock import rfc3339
from base.credential.multikey import did_key
from base.credential.reading import MAX_DOCUMENT_BYTES
from cli.main import app
from tests.brokers.credential.samples import (
    DID,
    GOOD,
    NOW,
    OTHER,
    PLACES,
    certificate,
    listed,
    unsigned_certificate,
)

AT = rfc3339(NOW + timedelta(minutes=1))


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    (tmp_path / "credential.json").write_bytes(GOOD.credential)
    (tmp_path / "status-list.json").write_bytes(GOOD.lists[0])
    said = {"issuer": {"did": DID, "since": "2026-10-01T00:00:00Z", "until": None}, "past_issuers": []}
    (tmp_path / "databourse.json").write_bytes(orjson.dumps(said))
    return tmp_path


def run(folder: Path, *arguments: str, at: str = AT) -> Result:
    named = [str(folder / one) if one.endswith(".json") and "/" not in one else one for one in arguments]
    return CliRunner().invoke(app, ["credential", "verify", *named, "--at", at])


def test_a_good_credential_is_told_with_whom_it_certifies(papers):
    said = run(papers, "credential.json", "--status", "status-list.json", "--well-known", "databourse.json")
    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        "valid: certified, neither revoked nor suspended",
        "  broker         珠江数据经纪有限公司 (91440100MA00000085)",
        "  certificate    GD-DB-M-2-2026-0008, type M, grade 2, until 2029-08-12",
        "  may handle     energy, transport, up to general-2, cross-border: false",
        "  practitioners  陈一, 李二",
        "  status as of   2026-11-16T01:00:00.000Z",
    ]


def test_each_thing_that_is_wrong_has_its_exit_code(papers):
    others = did_key(OTHER.public)
    for name, raw in {
        "forged": GOOD.credential.replace(b'"grade":2', b'"grade":1'),
        "foreign": certificate({**unsigned_certificate(), "issuer": others}, key=OTHER),
        "list-revoked": listed(PLACES.revocation),
        "list-suspended": listed(PLACES.suspension),
        "list-forged": GOOD.lists[0].replace(b"300000", b"900000"),
        "list-foreign": listed(key=OTHER, issuer=others),
    }.items():
        (papers / f"{name}.json").write_bytes(raw)
    pinned = ("--issuer", DID)
    good = ("credential.json", "--status", "status-list.json")
    for arguments, code, verdict in (
        (("forged.json", "--status", "status-list.json", *pinned), 12, "forged"),
        (("foreign.json", "--status", "status-list.json", *pinned), 13, "issuer-foreign"),
        (("credential.json", "--status", "list-revoked.json", *pinned), 30, "revoked"),
        (("credential.json", "--status", "list-suspended.json", *pinned), 31, "suspended"),
        (("credential.json", "--status", "list-forged.json", *pinned), 21, "list-forged"),
        (("credential.json", "--status", "list-foreign.json", *pinned), 22, "list-issuer-foreign"),
        (("status-list.json", *pinned), 10, "malformed"),
        (("credential.json", *pinned), 3, "incomplete"),
        (good, 3, "incomplete"),
        ((*good, *pinned, "--max-age", "59"), 25, "list-stale"),
        ((*good, *pinned, "--max-age", "60"), 0, "valid"),
    ):
        said = run(papers, *arguments)
        assert (said.exit_code, said.stdout.partition(":")[0]) == (code, verdict), arguments
    assert run(papers, *good, *pinned, at="2026-11-18T00:00:00Z").exit_code == 25
    assert run(papers, *good, *pinned, at="2026-10-01T00:00:00Z").exit_code == 15
    assert run(papers, *good, *pinned, at="2030-01-01T00:00:00Z").exit_code == 16


def test_the_finding_is_json_for_machines(papers):
    said = run(papers, "credential.json", "--status", "status-list.json", "--issuer", DID, "--json")
    finding = json.loads(said.stdout)
    assert (said.exit_code, finding["verdict"]) == (0, "valid")
    assert finding["credentialSubject"]["certificateNumber"] == "GD-DB-M-2-2026-0008"


def test_a_command_that_is_not_understood_is_no_verdict(papers):
    (papers / "empty.json").write_bytes(b"{}")
    for arguments in (
        ("missing.json",),
        ("credential.json", "--status", "missing.json"),
        ("credential.json", "--issuer", "did:web:exchange.example"),
        ("credential.json", "--well-known", "empty.json"),
        ("credential.json", "--max-age", "-1"),
    ):
        assert run(papers, *arguments).exit_code == 2, arguments
    assert run(papers, "credential.json", at="yesterday").exit_code == 2


def test_a_stranger_s_words_are_shown_as_text_and_obeyed_by_no_terminal(papers):
    evil = certificate(unsigned_certificate(name="good\x1b[2J\nvalid: certified"))
    (papers / "evil.json").write_bytes(evil)
    said = run(papers, "evil.json", "--status", "status-list.json")
    assert said.exit_code == 3
    assert "\x1b" not in said.stdout
    assert "\nvalid" not in said.stdout


class Shelf(BaseHTTPRequestHandler):
    """A list to fetch, and what may stand in its place."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/list")
            self.end_headers()
            return
        body = GOOD.lists[0] if self.path == "/list" else b" " * (MAX_DOCUMENT_BYTES + 9)
        self.send_response(200 if self.path != "/gone" else 404)
        self.send_header("content-type", "application/vc")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shelf() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_list_is_fetched_from_where_it_is_published(papers, shelf):
    pinned = ("credential.json", "--issuer", DID, "--status")
    assert run(papers, *pinned, f"{shelf}/list").exit_code == 0
    assert run(papers, *pinned, f"{shelf}/huge").exit_code == 20
    for path in ("/gone", "/moved"):
        assert run(papers, *pinned, f"{shelf}{path}").exit_code == 2
    assert run(papers, *pinned, "http://127.0.0.1:1/list").exit_code == 2


def test_the_verifier_needs_neither_a_database_nor_the_network(papers):
    script = (
        "import sys\n"
        "from cli.main import app\n"
        "sys.argv = ['databourse', 'credential', 'verify', *sys.argv[1:]]\n"
        "try:\n    app()\nexcept SystemExit as end:\n    code = end.code\n"
        "loaded = {'sqlalchemy', 'fastapi', 'httpx'} & set(sys.modules)\n"
        "sys.exit(f'{code} {sorted(loaded)}')"
    )
    command = [sys.executable, "-c", script, str(papers / "credential.json"), "--at", AT]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.stderr.strip() == "3 []"
