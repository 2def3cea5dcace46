"""A drawn SVG made ready for a page: the sheet's colours, links of ours, a name, no style. Pure."""

import re
from typing import Final

from markupsafe import Markup, escape

from web.charts.theme import PALETTE

_ELSEWHERE: Final = re.compile(r'xlink:href="https://vega\.github\.io/vega-datasets/+')
_COLOUR: Final = re.compile(r'(fill|stroke|stop-color)="(#[0-9a-fA-F]{3,6})"')
_FONT: Final = re.compile(r' font-family="[^"]*"')
_ROLE: Final = re.compile(r' aria-roledescription="[^"]*"')
_EMPTY: Final = re.compile(r'<path class="(?:background|foreground)"[^>]*/>')
_ROOT: Final = re.compile(r"<svg [^>]*>")
_SIZE: Final = re.compile(r'width="([0-9.]+)" height="([0-9.]+)"')
_NAMED: Final = re.compile(r'id="([^"]+)"')
_VARIABLES: Final = {colour: f"var(--{name})" for name, colour in PALETTE.items()}


def dressed(svg: str, *, name: str, title: str, says: str) -> Markup:
    """The SVG as it stands in a page. `name` is its own among the page's ids."""
    size = _SIZE.search(svg)
    if size is None:
        raise ValueError("a drawing without a size")
    width, height = size.groups()
    inner = _ROOT.sub("", svg, count=1)
    for found in sorted(set(_NAMED.findall(inner)), key=len, reverse=True):
        inner = inner.replace(f'id="{found}"', f'id="{name}-{found}"')
        inner = inner.replace(f"url(#{found})", f"url(#{name}-{found})")
    inner = _EMPTY.sub("", inner)
    inner = _ELSEWHERE.sub('href="/', inner)
    inner = _ROLE.sub("", _FONT.sub("", inner))
    inner = _COLOUR.sub(_coloured, inner)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="graphics-document" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-labelledby="{name}-title" aria-describedby="{name}-says">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-says">{escape(says)}</desc>'
    )
    return Markup(head + inner)  # noqa: S704 - drawn by our own child; its texts are escaped there


def _coloured(found: re.Match[str]) -> str:
    attribute, colour = found.groups()
    return f'{attribute}="{_VARIABLES.get(colour.lower(), "currentColor")}"'
