"""A font for papers, with just the characters that a paper has, so that it reads the same everywhere.

Noto Sans SC (SIL Open Font License 1.1) comes with outlines that the PDF writer does not take, so each
character's outline is drawn anew with quadratic curves, to within one unit of 1000. Pure.
"""

from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path

NAME: Final = "DatabourseSans"
_NOTDEF: Final = ".notdef"
_CURVE_ERROR: Final = 1.0  # in units of the em square


@dataclass(frozen=True, slots=True)
class _Face:
    """What all characters share, and what the font knows: its characters by their code."""

    em: int
    ascent: int
    descent: int
    names: dict[int, str]


class Typecase:
    """Characters as they were drawn so far, kept; not safe for two threads at once."""

    def __init__(self) -> None:
        self._face: _Face | None = None
        self._drawn: dict[str, tuple[Any, int]] = {}

    def readable(self, text: str) -> str:
        """A text with each character that the font does not have told by its code point."""
        known = self._opened().names
        return "".join(
            character if ord(character) in known or character == "\n" else f"[U+{ord(character):04X}]"
            for character in text
        )

    def font(self, characters: Collection[str]) -> bytes:
        """A TrueType font of these characters; the same characters give the same bytes."""
        face = self._opened()
        codes = sorted({ord(one) for one in characters if ord(one) in face.names})
        order = list(dict.fromkeys([_NOTDEF, *(face.names[code] for code in codes)]))
        self._draw([name for name in order if name not in self._drawn])
        glyphs = {name: self._drawn[name][0] for name in order}
        builder = FontBuilder(face.em, isTTF=True)
        builder.setupGlyphOrder(order)
        builder.setupCharacterMap({code: face.names[code] for code in codes})
        builder.setupGlyf(glyphs)
        builder.setupHorizontalMetrics(
            {name: (self._drawn[name][1], getattr(glyph, "xMin", 0)) for name, glyph in glyphs.items()}
        )
        builder.setupHorizontalHeader(ascent=face.ascent, descent=face.descent)
        builder.setupNameTable({"familyName": NAME, "styleName": "Regular", "psName": NAME})
        builder.setupOS2(
            sTypoAscender=face.ascent,
            sTypoDescender=face.descent,
            usWinAscent=face.ascent,
            usWinDescent=-face.descent,
        )
        builder.setupPost()
        builder.updateHead(created=0, modified=0)
        builder.font.recalcTimestamp = False
        written = BytesIO()
        builder.save(written)
        return written.getvalue()

    def _opened(self) -> _Face:
        if self._face is None:
            with TTFont(sans_path(), lazy=True) as font:
                lines = font["hhea"]
                self._face = _Face(font["head"].unitsPerEm, lines.ascent, lines.descent, font.getBestCmap())
        return self._face

    def _draw(self, names: Collection[str]) -> None:
        if not names:
            return
        with TTFont(sans_path(), lazy=True) as font:
            outlines, widths = font.getGlyphSet(), font["hmtx"]
            for name in names:
                pen = TTGlyphPen(None)
                outlines[name].draw(Cu2QuPen(pen, _CURVE_ERROR, reverse_direction=True))
                self._drawn[name] = (pen.glyph(), widths[name][0])
