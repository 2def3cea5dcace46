"""The files that pages name: style sheets, scripts, the icon, and htmx as the installed package brings it.

The sheet of every page stands in the page itself: to wait for it is a whole way there and back before
anything is seen. The policy of every answer names its digest (`style_source`); no other style in a page has
any effect.

Each has an address with its digest in it, under which a browser keeps it for good: what changes has another
address. Nothing in them is secret, and nobody is asked who he is.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from base.errors import NotFound
from web.packing import gzipped, takes_gzip

STATIC: Final = Path(__file__).parent.parent / "static"
HTMX: Final = "htmx.js"
KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DIGITS: Final = 16
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
SHEET: Final = "app.css"
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    plain: bytes
    packed: bytes
    kind: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Every file by its name, read once."""
    htmx = files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js"
    raw = {HTMX: htmx.read_bytes()}
    raw |= {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in KINDS}
    return {
        name: Asset(data, gzipped(data), KINDS[Path(name).suffix], sha256(data).hexdigest()[:_DIGITS])
        for name, data in raw.items()
    }


def address(name: str) -> str:
    """Where a file is, for a page to name it."""
    return f"/static/{assets()[name].digest}/{name}"


@cache
def sheet() -> Markup:
    """The sheet of every page, for its `style` element: the digest is that of exactly this text."""
    return Markup((STATIC / SHEET).read_text("utf-8"))  # noqa: S704 - a file of ours, and no `<` in it (a test)


def style_source() -> str:
    """The sheet as a content security policy names it (CSP 3 §2.3.1)."""
    digest = sha256(sheet().encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def latest(request: Request, name: str) -> Response:
    """A file as it is today, asked for again after a while. Raises NotFound."""
    return _sent(request, name, kept="no-cache")


@router.api_route("/static/{digest}/{name}", methods=["GET", "HEAD"])
async def kept(request: Request, digest: str, name: str) -> Response:
    """A file by its digest; an old page's gets today's, which is not kept. Raises NotFound."""
    same = name in assets() and assets()[name].digest == digest
    return _sent(request, name, kept=_FOR_GOOD if same else "no-cache")


def _sent(request: Request, name: str, *, kept: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise NotFound("there is no such file")
    headers = {"cache-control": kept, "vary": "Accept-Encoding"}
    taken = takes_gzip(request.headers)
    headers |= {"content-encoding": "gzip"} if taken else {}
    return Response(asset.packed if taken else asset.plain, media_type=asset.kind, headers=headers)
