"""The audit of what a node publishes: a folder of tiles, and the same over HTTP, whoever serves it."""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.audit_remote import AddressUnsafe, Remote
from ledger.bundle import Edition
from ledger.errors import BundleFileBad
from ledger.tiles import Tile
from supervision.audit import audit
from supervision.audit_report import Code
from tests.ledger.audited import FORGER, first, found, long_story
from tests.ledger.make_bundle import LOG_KEY, ORIGIN, VKEY, Log, copied, story
from tests.ledger.test_audit_command import command

SIZE = 792


def published(log: Log, to: Path) -> Path:
    """The folder that a node publishes: the bundle's checkpoint and tiles, and nothing else."""
    log.write(to, edition=Edition.PUBLIC)
    for name in ("keys.json", "manifest.json", "manifest.note"):
        (to / name).unlink()
    return to


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = long_story()
    log.kept, log.witnesses = [], []
    return published(log, tmp_path_factory.mktemp("tiles") / "log")


# --- a folder


def test_a_folder_of_tiles_is_clean_with_its_key_pinned(tiles: Path) -> None:
    report = audit(tiles, [VKEY])
    assert (report.clean, report.warnings, report.edition) == (True, [], "tiles")
    assert (report.entries, report.signatures, report.files) == (SIZE, SIZE + 5, 4 + 4 + 1 + 1)


def test_without_a_pinned_key_the_first_entry_s_is_taken_and_it_warns(tiles: Path) -> None:
    report = audit(tiles)
    assert (report.clean, report.pinned) == (True, False)


def test_another_key_than_the_one_pinned_did_not_sign(tiles: Path) -> None:
    assert found(audit(tiles, [FORGER.vkey])) == [("ROOT", None)]


@pytest.mark.parametrize(
    "path", ["tile/entries/001", "tile/entries/003.p/24", "tile/0/002", "tile/1/000.p/3"]
)
def test_a_flipped_byte_of_a_tile_is_found(tiles: Path, tmp_path: Path, path: str) -> None:
    folder = copied(tiles, tmp_path / "t")
    data = bytearray((folder / path).read_bytes())
    data[-50] ^= 4
    (folder / path).write_bytes(data)
    assert not audit(folder, [VKEY]).clean
    assert first(audit(folder, [VKEY]))[0] in {"HASH", "FILE"}


@pytest.mark.parametrize(
    ("path", "code"), [("tile/entries/001", "GAP"), ("tile/0/002", "FILE"), ("tile/1/000.p/3", "FILE")]
)
def test_a_missing_tile_is_found(tiles: Path, tmp_path: Path, path: str, code: str) -> None:
    folder = copied(tiles, tmp_path / "t")
    (folder / path).unlink()
    report = audit(folder, [VKEY])
    assert report.first is not None
    assert report.first.code == code
    assert path in {problem.path for problem in report.problems}


def test_a_partial_tile_that_gave_way_to_its_full_one_is_cut_from_it(tmp_path: Path) -> None:
    log = story(60)
    folder = published(log, tmp_path / "t")
    (folder / "checkpoint").write_bytes(log.checkpoint(log.entries(), 300))  # an older head, and newer tiles
    (folder / "tile/1/000.p/1").write_bytes((folder / "tile/1/000.p/3").read_bytes()[:32])
    report = audit(folder, [VKEY])
    assert (report.clean, report.entries) == (True, 300)


def test_a_bundle_without_its_manifest_is_no_folder_of_tiles(tmp_path: Path) -> None:
    """Taking one file away must not make the rest a thing of which less is asked."""
    bundle = story(1).write(tmp_path / "b")
    (bundle / "manifest.json").unlink()
    (bundle / "manifest.note").unlink()
    report = audit(bundle, [VKEY])
    assert "manifest.note" in {problem.path for problem in report.problems}


def test_an_audit_of_tiles_goes_on_where_it_was(tiles: Path, tmp_path: Path) -> None:
    log = story(60)
    early = published(Log(envelopes=log.envelopes[:300]), tmp_path / "early")
    assert audit(early, [VKEY], state=tmp_path / "state").clean
    report = audit(tiles, [VKEY], state=tmp_path / "state")
    assert (report.clean, report.resumed_from, report.entries) == (True, 256, SIZE)


# --- HTTP


class Server(ThreadingHTTPServer):
    """Serves a folder; `odd` may answer instead, and is told how often a path was asked for."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.asked, self.accepts = folder, Counter[str](), set[str]()
        self.odd: Callable[[BaseHTTPRequestHandler, int], bool] = lambda _, __: False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.server.asked[path] += 1
        if self.server.odd(self, self.server.asked[path]):
            return
        file = self.server.folder / path
        data = file.read_bytes() if file.is_file() else None
        if data is None:
            answer(self, 404)
        elif path.startswith("tile/entries/"):
            answer(self, 200, gzip.compress(data, 1), {"content-encoding": "gzip"})
        else:
            answer(self, 200, data)

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests ask `asked`."""


def answer(
    to: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> bool:
    to.send_response(status)
    for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(body)
    return True


@pytest.fixture
def server(tiles: Path) -> Iterator[Server]:
    with Server(tiles) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(server: Server, **asked) -> Remote:
    return Remote(server.url, sleep=lambda _: None, **asked)


def test_a_log_over_http_is_audited_as_its_folder_is(server: Server, tiles: Path) -> None:
    with remote(server) as source:
        assert audit(source, [VKEY]).document() == audit(tiles, [VKEY]).document()
    assert server.asked["checkpoint"] == 1
    assert max(server.asked.values()) == 1


def test_the_next_audit_over_http_fetches_only_what_is_new(server: Server, tmp_path: Path) -> None:
    log = story(60)
    early = published(Log(envelopes=log.envelopes[:600]), tmp_path / "early")
    assert audit(early, [VKEY], state=tmp_path / "state").clean
    with remote(server) as source:
        report = audit(source, [VKEY], state=tmp_path / "state")
    assert (report.clean, report.resumed_from) == (True, 512)
    assert {path for path in server.asked if path.startswith("tile/entries")} == {
        "tile/entries/002",
        "tile/entries/003.p/24",
    }


def test_what_is_kept_is_not_fetched_again_and_is_a_log_by_itself(server: Server, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert command(server.url, "--vkey", VKEY, "--keep", kept).exit_code == 0
    assert audit(kept, [VKEY]).clean
    fetched = Counter(server.asked)
    assert command(server.url, "--vkey", VKEY, "--keep", kept).exit_code == 0
    again = server.asked - fetched
    assert set(again) == {"checkpoint", ".well-known/databourse"}


def test_what_rots_in_the_folder_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert command(server.url, "--vkey", VKEY, "--keep", kept).exit_code == 0
    path = kept / "tile/entries/000"
    path.write_bytes(b"rotten" + path.read_bytes()[6:])
    assert command(server.url, "--vkey", VKEY, "--keep", kept).exit_code == 0
    assert audit(kept, [VKEY]).clean


def test_what_a_node_says_of_itself_is_shown_and_pins_nothing(server: Server, tmp_path: Path) -> None:
    said = {"origin": ORIGIN, "vkeys": [{"vkey": str(VKEY)}, {"vkey": "\x1b[2Jx"}, 7]}
    server.odd = lambda to, _: to.path.startswith("/.well") and answer(to, 200, json.dumps(said).encode())
    result = command(server.url)
    assert result.exit_code == 0
    assert f"the node says of itself: vkey {VKEY}\n" in result.stderr
    assert "CLEAN but UNPINNED" in result.stdout
    assert "\x1b" not in result.stderr


def test_a_server_that_stumbles_is_asked_again(server: Server) -> None:
    server.odd = lambda to, times: (
        times < 3 and answer(to, (503, 429)[times - 1], headers={"retry-after": "1"})
    )
    with remote(server) as source:
        assert audit(source, [VKEY]).clean
    assert server.asked["tile/entries/000"] == 3


def test_a_server_that_is_down_is_no_log(server: Server) -> None:
    server.odd = lambda to, _: answer(to, 500)
    with remote(server) as source:
        report = audit(source, [VKEY])
    assert found(report) == [("FILE", None)]
    assert "4 times" in report.problems[0].why
    with Remote("http://127.0.0.1:9", sleep=lambda _: None) as nobody:
        assert not audit(nobody, [VKEY]).clean


def test_a_server_that_points_elsewhere_is_not_followed(server: Server) -> None:
    elsewhere = {"location": f"{server.url}/checkpoint"}
    server.odd = lambda to, _: "tile" in to.path and answer(to, 302, headers=elsewhere)
    with remote(server) as source:
        report = audit(source, [VKEY])
    assert first(report)[0] == "GAP"
    assert server.asked["checkpoint"] == 1
    assert any("elsewhere" in problem.why for problem in report.problems)


def test_an_endless_or_exploding_answer_is_cut_off(server: Server) -> None:
    bomb = gzip.compress(bytes(64_000_000))
    server.odd = lambda to, _: "entries" in to.path and answer(to, 200, bomb, {"content-encoding": "gzip"})
    with remote(server) as source, pytest.raises(BundleFileBad, match="larger"):
        source.read(Tile(-1, 0).path, 2_000_000)
    server.odd = lambda to, _: (
        "entries" in to.path and answer(to, 200, b"not gzip", {"content-encoding": "gzip"})
    )
    with remote(server) as source, pytest.raises(BundleFileBad, match="not readable"):
        source.read(Tile(-1, 0).path, 2_000_000)


PACKED = gzip.compress(b"a tile", mtime=0)


@pytest.mark.parametrize(
    ("coding", "body", "why"),
    [
        ("gzip, gzip", gzip.compress(PACKED, mtime=0), "packed otherwise"),
        ("deflate", PACKED, "packed otherwise"),
        ("br", PACKED, "packed otherwise"),
        ("gzip", PACKED[:-9], "cut short"),
        ("gzip", PACKED + PACKED, "behind its end"),
    ],
)
def test_an_answer_is_plain_or_packed_once(server: Server, coding: str, body: bytes, why: str) -> None:
    """What is packed twice is small, and would take whatever memory it likes."""
    server.odd = lambda to, _: answer(to, 200, body, {"content-encoding": coding})
    with remote(server) as source, pytest.raises(BundleFileBad, match=why):
        source.read(Tile(-1, 0).path, 2_000_000)
    server.odd = lambda to, _: answer(to, 200, PACKED, {"content-encoding": "GZIP"})
    with remote(server) as source:
        assert source.read(Tile(-1, 0).path, 6) == b"a tile"
    with remote(server) as source, pytest.raises(BundleFileBad, match="larger than 5 bytes"):
        source.read(Tile(-1, 0).path, 5)


@pytest.mark.parametrize("where", ["headers", "body", "body without a length"])
def test_an_answer_that_trickles_is_cut_off_as_a_whole(server: Server, monkeypatch, where: str) -> None:
    """Each of its bytes comes in time; so no wait for the next one ever ends it."""
    monkeypatch.setattr("cli.audit_remote._LONGEST_S", 0.3)
    done = threading.Event()

    def trickle(to: BaseHTTPRequestHandler, _: int) -> bool:
        length = b"" if "without" in where else b"content-length: 100000\r\n"
        to.wfile.write(b"HTTP/1.1 200 OK\r\n" + (length + b"\r\n" if "body" in where else b""))
        with suppress(OSError):
            while not done.is_set():
                to.wfile.write(b"x: y\r\n")
                done.wait(0.01)
        to.close_connection = True
        return True

    server.odd = trickle
    with remote(server) as source, pytest.raises(BundleFileBad, match="not there after"):
        source.read(Tile(-1, 0).path, 2_000_000)
    done.set()
    assert max(server.asked.values()) == 1


def test_a_log_that_grows_during_the_audit_is_one_log(server: Server, tmp_path: Path) -> None:
    """Whatever the server says later, the first checkpoint is the one that is audited."""
    other = Log(signer=LOG_KEY)
    later = published(other, tmp_path / "later")
    server.odd = lambda to, times: (
        to.path == "/checkpoint" and times > 1 and answer(to, 200, (later / "checkpoint").read_bytes())
    )
    with remote(server) as source:
        assert audit(source, [VKEY]).clean


def test_a_node_that_shows_another_log_than_before_is_found(server: Server, tmp_path: Path) -> None:
    log = story(60)
    log.sealed_at[100] = "2026-11-16T02:40:02.000Z"
    before = published(log, tmp_path / "before")
    assert audit(before, [VKEY], state=tmp_path / "state").clean
    with remote(server) as source:
        report = audit(source, [VKEY], state=tmp_path / "state")
    assert [problem.code for problem in report.problems] == [Code.ANCHOR]


@pytest.mark.parametrize(
    "url",
    [
        "http://log.example/",
        "ftp://log.example/",
        "https://",
        "https://user:word@log.example/",
        "https://log.example/?x=1",
        "https://log.example/#x",
        "http://127.0.0.1.example/",
        "https://log.example:99999/",
        "http://[::1/",
    ],
)
def test_a_log_is_read_by_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(AddressUnsafe):
        Remote(url)


@pytest.mark.parametrize("url", ["https://log.example/2026", "http://localhost:8000", "http://[::1]:8000/x"])
def test_these_are_addresses_of_logs(url: str) -> None:
    Remote(url).close()


def test_what_is_not_there_is_a_wrong_command(tmp_path: Path) -> None:
    for arguments in ([tmp_path / "none"], ["http://log.example"], [tmp_path, "--keep", tmp_path / "k"]):
        assert command(*arguments).exit_code == 2
