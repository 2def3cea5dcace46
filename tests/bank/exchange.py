"""An exchange small enough for a test: a real server that checks, remembers and decides."""

import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import orjson

from base.signing import SigningKey
from tests.bank.wire import Message, opened

ENTRY = "BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry"
DETAILS = f"{ENTRY}/NtryDtls/TxDtls"


@dataclass
class Exchange:
    """Takes credits whose reference and amount it expects, and every debit; the same message twice is one.

    `received` is every delivery in order, `decided` the answer to each message id.
    """

    key: SigningKey = field(default_factory=SigningKey.generate)
    bank_key_b64: str = ""
    expected: dict[str, str] = field(default_factory=dict)  # reference → decimal amount
    received: list[Message] = field(default_factory=list)
    decided: dict[str, int] = field(default_factory=dict)
    down: bool = False
    refuses_debits: bool = False
    before_answer: Callable[[Message], None] = lambda _: None
    url: str = ""

    @property
    def key_b64(self) -> str:
        return b64encode(self.key.public).decode()

    def ids(self, reference: str) -> list[str]:
        """The message ids delivered about a reference, in order."""
        return [
            message_id(message)
            for message in list(self.received)
            if reference in message.texts(f"{DETAILS}/RmtInf/Strd/CdtrRefInf/Ref")
        ]

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def decide(self, message: Message) -> tuple[int, str]:
        """The status and code of the answer to a message."""
        indicator, *_ = message.texts(f"{ENTRY}/CdtDbtInd")
        if indicator == "DBIT":
            return (403, "not-yet") if self.refuses_debits else (204, "")
        reference = message.text(f"{DETAILS}/RmtInf/Strd/CdtrRefInf/Ref")
        if reference not in self.expected:
            return 404, "unknown-reference"
        if message.text(f"{ENTRY}/Amt") != self.expected[reference]:
            return 409, "wrong-amount"
        return 204, ""


def message_id(message: Message) -> str:
    """GrpHdr/MsgId of a notification."""
    return message.text("BkToCstmrDbtCdtNtfctn/GrpHdr/MsgId")


def _handler(exchange: Exchange) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path != "/api/v1/bank/notifications" or exchange.down:
                self._answer(503, "text/plain", b"not now")
                return
            message = opened(orjson.loads(body), exchange.bank_key_b64)
            exchange.received.append(message)
            status, code = exchange.decide(message)
            exchange.decided[message_id(message)] = status
            exchange.before_answer(message)
            problem = orjson.dumps({"title": "No", "status": status, "code": code, "detail": code})
            self._answer(status, "application/problem+json", b"" if status == 204 else problem)

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    return Handler
