"""A server of one file whose line breaks or stalls when told: what no real one does."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 64 * 1024


@dataclass
class Line:
    """What is served, and how. `breaks` are lengths after which the next answers end."""

    content: bytes
    breaks: list[int] = field(default_factory=list)
    stalls_at: int | None = None
    answers: list[tuple[int, bytes]] = field(default_factory=list)  # statuses to answer first, with bodies
    told: dict[str, str] = field(default_factory=dict)  # headers of those answers
    digest: str | None = None
    asked: list[str | None] = field(default_factory=list)  # the ranges that were asked for
    url: str = ""
    stalled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @contextmanager
    def serving(self) -> Iterator["Line"]:
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                line.answer(self)

            def log_message(self, *_: Any) -> None:
                """Nothing is said."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.ended.set()
            server.shutdown()
            server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.headers["range"])
        if self.answers:
            status, body = self.answers.pop(0)
            handler.send_response(status)
            for name, value in (self.told | {"content-length": str(len(body))}).items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
            return
        etag, size = f'"{self.sha256}"', len(self.content)
        fresh = handler.headers["if-range"] in {None, etag}
        start = int(handler.headers["range"][6:-1]) if handler.headers["range"] and fresh else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("content-range", f"bytes {start}-{size - 1}/{size}")
        digest = bytes.fromhex(self.digest or self.sha256)
        handler.send_header("etag", etag)
        handler.send_header("repr-digest", f"sha-256=:{base64.b64encode(digest).decode()}:")
        handler.send_header("content-length", str(size - start))
        handler.end_headers()
        upto = start + self.breaks.pop(0) if self.breaks else size
        with suppress(OSError):
            self._send(handler, start, min(upto, size))
        handler.close_connection = True

    def _send(self, handler: BaseHTTPRequestHandler, start: int, upto: int) -> None:
        for at in range(start, upto, PIECE):
            if self.stalls_at is not None and at >= self.stalls_at:
                self.stalled.set()
                self.ended.wait()
                return
            handler.wfile.write(self.content[at : min(at + PIECE, upto)])
