"""The child that draws: it reads specifications from a socket, answers pictures, and ends when it is idle.

It has no secret in its environment, reads nothing but the fonts, and fetches nothing. A request is a line
`{"as", "spec"}` after its length in four bytes; an answer is a byte that says whether it is one, and the rest
likewise.
"""

import gc
import resource
import socket
import sys
from pathlib import Path
from typing import Any, Final

import orjson

IDLE_S: Final = 60.0
MOST_MB: Final = 320
HEAD: Final = 4
LONGEST: Final = 8 * 1024 * 1024
DRAWN: Final = b"\x01"
REFUSED: Final = b"\x00"
_NOWHERE: Final = ["http://invalid.invalid/"]
_SCALE: Final = 2.0
_MB: Final = 1024 * 1024


def serve(place: socket.socket) -> None:
    """Draw until nobody asks any more, or until this process has become large."""
    import vl_convert  # noqa: PLC0415 - here alone: a process that serves pages never loads it
    from pylopdf_fonts_zh_cn import sans_path  # noqa: PLC0415

    vl_convert.register_font_directory(str(Path(sans_path()).parent))
    place.settimeout(IDLE_S)
    while _resident_mb() < MOST_MB:
        asked = received(place)
        if asked is None:
            return
        request = orjson.loads(asked)
        try:
            answer, mark = _draw(vl_convert, request["as"], request["spec"]), DRAWN
        except ValueError as error:
            answer, mark = str(error).encode()[:1000], REFUSED
        place.sendall(mark + len(answer).to_bytes(HEAD, "big") + answer)
        gc.collect()


def _resident_mb() -> int:
    """What this process holds now; `getrusage` would tell of who started it, too."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize() // _MB


def received(place: socket.socket) -> bytes | None:
    """One message; None where the other side is gone, or silent for too long."""
    try:
        head = exactly(place, HEAD)
        return exactly(place, int.from_bytes(head, "big"))
    except (ConnectionError, TimeoutError):
        return None


def exactly(place: socket.socket, size: int) -> bytes:
    """So many bytes. Raises ConnectionError, TimeoutError."""
    if size > LONGEST:
        raise ConnectionError("a message that is too long")
    pieces = bytearray()
    while len(pieces) < size:
        piece = place.recv(min(size - len(pieces), 65536))
        if not piece:
            raise ConnectionError("the other side is gone")
        pieces += piece
    return bytes(pieces)


def _draw(library: Any, form: str, spec: dict[str, Any]) -> bytes:
    if form == "svg":
        drawn: str = library.vegalite_to_svg(spec, allowed_base_urls=_NOWHERE)
        return drawn.encode()
    if form == "png":
        return bytes(library.vegalite_to_png(spec, scale=_SCALE, allowed_base_urls=_NOWHERE))
    return bytes(library.vegalite_to_pdf(spec, allowed_base_urls=_NOWHERE))


if __name__ == "__main__":
    with socket.socket(fileno=sys.stdin.fileno()) as stdin:
        serve(stdin)
