"""A product's history as a drawing: boxes and lines placed by arithmetic, in plain SVG without a script.

Three columns: what it was made from, the product with its versions, who received it. The drawing has a text
of its own for those who do not see it, and the page tells the same in tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from supervision.provenance.lineage import Lineage

WIDTH: Final = 960
_BOX_WIDTH: Final = 248
_BOX_HEIGHT: Final = 56
_GAP: Final = 18
_TOP: Final = 44
_COLUMNS: Final = (12, 356, 700)
_MOST: Final = 12
_SHORT: Final = 8
_LINE: Final = 26
Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Box:
    """A box with two lines of text; `kind` is its class in the style sheet."""

    key: str
    x: int
    y: int
    kind: str
    title: str
    says: str

    @property
    def width(self) -> int:
        return _BOX_WIDTH

    @property
    def height(self) -> int:
        return _BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """A line from the right side of one box to the left side of another."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def path(self) -> str:
        middle = (self.x1 + self.x2) // 2
        return f"M{self.x1} {self.y1}C{middle} {self.y1} {middle} {self.y2} {self.x2} {self.y2}"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and lines, the heads of the columns, and how high it is."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    heads: tuple[tuple[int, str], ...]
    height: int

    @property
    def width(self) -> int:
        return WIDTH


def draw(lineage: Lineage, say: Say, heads: Sequence[str]) -> Drawing:
    """Place a lineage. What does not fit (more than twelve boxes a column) is left to the tables."""
    left = _stacked(_COLUMNS[0], list(_before(lineage, say)))
    middle = _stacked(_COLUMNS[1], list(_own(lineage, say)))
    right = _stacked(_COLUMNS[2], list(_behind(lineage, say)))
    boxes = {box.key: box for box in (*left, *middle, *right)}
    lines = [
        _line(boxes[one], boxes[other]) for one, other in _ties(lineage) if one in boxes and other in boxes
    ]
    rows = max(len(left), len(middle), len(right), 1)
    return Drawing(
        boxes=tuple(boxes.values()),
        lines=tuple(lines),
        heads=tuple(zip(_COLUMNS, heads, strict=True)),
        height=_TOP + rows * (_BOX_HEIGHT + _GAP),
    )


_Placed = tuple[str, str, str, str]  # key, kind, title, second line


def _before(lineage: Lineage, say: Say) -> Iterator[_Placed]:
    for product in lineage.sources:
        seller = lineage.name_of(product.versions[0].seller_id)
        yield product.product_id, "source", f"{say('Product')} …{product.product_id[-_SHORT:]}", seller
    for digest in lineage.files:
        yield digest, "source", f"{say('File')} {digest[:12]}", say("from elsewhere")


def _own(lineage: Lineage, say: Say) -> Iterator[_Placed]:
    for number, version in enumerate(lineage.product.versions, 1):
        score = f" · {say('Quality')} {version.measured[-1].score}" if version.measured else ""
        seller = lineage.name_of(version.seller_id)
        yield version.listing_id, "own", f"{say('Version')} {number}{score}", seller


def _behind(lineage: Lineage, say: Say) -> Iterator[_Placed]:
    for deal in lineage.deals:
        state = say("delivered") if deal.delivered else say("contracted")
        day = (deal.delivered or deal.contracted).at.date().isoformat()
        yield deal.trade_id, "trade", lineage.name_of(deal.buyer_id), f"{state} {day}"
    for product in lineage.derived:
        seller = lineage.name_of(product.versions[0].seller_id)
        yield product.product_id, "made", f"{say('Product')} …{product.product_id[-_SHORT:]}", seller


def _ties(lineage: Lineage) -> Iterator[tuple[str, str]]:
    """Which box leads to which."""
    for version in lineage.product.versions:
        for source in lineage.parents_of(version):
            yield source, version.listing_id
    for deal in lineage.deals:
        yield deal.listing_id, deal.trade_id
    own = _versions_by_name(lineage)
    for product in lineage.derived:
        for source in {named for version in product.versions for named in version.derived_from}:
            if source in own:
                yield own[source], product.product_id


def _versions_by_name(lineage: Lineage) -> Mapping[str, str]:
    """The version that a derived product was made from: named by its file, or the last of the product."""
    by_file = {version.file_sha256: version.listing_id for version in lineage.product.versions}
    return by_file | {lineage.product.product_id: lineage.product.versions[-1].listing_id}


def _stacked(x: int, placed: Sequence[_Placed]) -> list[Box]:
    return [
        Box(key, x, _TOP + row * (_BOX_HEIGHT + _GAP), kind, _cut(title), _cut(says))
        for row, (key, kind, title, says) in enumerate(placed[:_MOST])
    ]


def _cut(text: str) -> str:
    """As much of a text as fits a box; a Chinese character is as wide as two letters."""
    width = 0
    for at, character in enumerate(text):
        width += 2 if ord(character) > 0x2E7F else 1  # noqa: PLR2004 - where the wide scripts begin
        if width > _LINE:
            return text[:at] + "…"
    return text


def _line(one: Box, other: Box) -> Line:
    return Line(one.x + one.width, one.y + one.height // 2, other.x, other.y + other.height // 2)
