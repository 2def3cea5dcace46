"""A contract on paper: its terms, its clauses, its signatures, its digest, and a code to its receipt.

The paper is drawn from the document that was signed, and the same contract gives the same bytes: no moment
of drawing, no name of a machine. It is no document of its own: the digest on it says what binds. Pure.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from threading import Lock
from typing import Any, Final
from xml.sax.saxutils import escape

import orjson
import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import getFont, getRegisteredFontNames, registerFont
from reportlab.pdfbase.ttfonts import TTFont, TTFontFace
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from base.clock import SHANGHAI
from base.money import yuan
from market.listings.categories import PRODUCT_TYPE_LABELS, ProductType
from market.listings.conditions import PURPOSE_LABELS, Purpose
from market.orders.clauses import MODEL_LABELS, ModelType, model
from market.orders.duties import duties_in
from web.papers_font import NAME, Typecase
from web.papers_words import MODES, TESTS, bounds_said, plan_said, said, word

MEDIA_TYPE: Final = "application/pdf"
_INK, _SOFT, _LINE = HexColor("#1b2330"), HexColor("#5a6675"), HexColor("#c9d1da")
_CJK: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_MARGIN: Final = 20 * mm
_CODE: Final = 30 * mm
_LABEL: Final = 34 * mm
_EDGE: Final = _MARGIN + 6  # a frame pads by six points
_WIDTH: Final = A4[0] - 2 * _EDGE
_drawing = Lock()  # one paper at a time: the typecase and the writer's table of fonts are this process's
_typecase = Typecase()


@dataclass(frozen=True, slots=True)
class Signed:
    """Who has signed, when (RFC 3339), and the digest of the signature's envelope; None: not yet."""

    org_id: str
    signed_at: str | None = None
    envelope_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """What a paper is drawn from: the document's bytes and digest, who signed, and where its receipt is."""

    document: str
    sha256: str
    signatures: tuple[Signed, ...]
    receipt_url: str
    origin: str
    language: str

    @property
    def concluded(self) -> bool:
        return all(one.signed_at is not None for one in self.signatures)


def draw(paper: Paper) -> bytes:
    """The paper as PDF. Slow enough to be called in a thread."""
    with _drawing:
        return _drawn(paper, orjson.loads(paper.document))


class _Code(Flowable):  # type: ignore[misc]  # the library is untyped
    """A QR code, its dark modules drawn as rectangles a row at a time."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.matrix = [bytes(row) for row in segno.make(content, error="m", micro=False).matrix]
        self.width = self.height = _CODE

    def draw(self) -> None:
        size = _CODE / len(self.matrix)
        self.canv.setFillColor(_INK)
        for number, row in enumerate(self.matrix):
            for run in re.finditer(b"\x01+", row):
                across, length = run.start() * size, (run.end() - run.start()) * size
                self.canv.rect(across, _CODE - (number + 1) * size, length, size, stroke=0, fill=1)


class _Numbered(Canvas):  # type: ignore[misc]  # the library is untyped
    """Pages that know how many they are."""

    foot: Callable[[Canvas, int, int], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the library's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            type(self).foot(self, number, len(self._pages))
            super().showPage()
        super().save()


def _drawn(paper: Paper, contract: Mapping[str, Any]) -> bytes:
    pen = _Pen(paper.language)
    story = _story(paper, contract, pen)
    foot_left = f"{paper.origin}  ·  SHA-256 {paper.sha256}"
    pages = word("page", paper.language, page=0, pages="0123456789")
    characters = set("".join([*pen.written, foot_left, pages]))
    _use(_typecase.font(characters))

    def foot(canvas: Canvas, page: int, count: int) -> None:
        canvas.setFont(NAME, 6.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_EDGE, 11 * mm, foot_left)
        numbered = word("page", paper.language, page=page, pages=count)
        canvas.drawRightString(A4[0] - _EDGE, 11 * mm, numbered)

    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=f"{word('contract', paper.language)} {contract['trade_id']}",
        author=paper.origin,
        subject=f"SHA-256 {paper.sha256}",
        creator="Databourse",
        lang="zh-CN" if paper.language == "zh" else "en",
        invariant=1,
    )
    document.build(
        [make() for make in story],
        canvasmaker=type("_Pages", (_Numbered,), {"foot": staticmethod(foot)}),
    )
    return written.getvalue()


def _use(font: bytes) -> None:
    """Let the writer set in this font. It takes a name but once, so what the name means is changed."""
    if NAME not in getRegisteredFontNames():
        registerFont(TTFont(NAME, BytesIO(font)))
    else:
        getFont(NAME).face = TTFontFace(BytesIO(font))


class _Pen:
    """Writes paragraphs, and remembers every character: the font is made once all are known."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.written: list[str] = []

    def line(self, text: str, size: float = 9, *, soft: bool = False, after: float = 0) -> Callable[[], Any]:
        """A paragraph, made when the font is there; Chinese may break between any two characters."""
        told = _typecase.readable(text.replace("\t", " "))
        self.written.append(told)
        style = {
            "fontName": NAME,
            "fontSize": size,
            "leading": size * 1.5,
            "textColor": _SOFT if soft else _INK,
            "spaceAfter": after,
            "wordWrap": "CJK" if _CJK.search(told) or " " not in told else None,
        }
        marked = escape(told).replace("\n", "<br/>")
        return lambda: Paragraph(marked, ParagraphStyle(f"{size}", **style))

    def head(self, text: str, size: float, before: float, *, keep: int = 1) -> list[Callable[[], Any]]:
        """A heading, kept with the paragraph behind it; a table may break, and nothing is kept with it."""
        line = self.line(text, size, after=2 * mm)

        def heading() -> Any:
            made = line()
            made.style.spaceBefore, made.style.keepWithNext = before, keep
            return made

        return [heading]


def _story(paper: Paper, contract: Mapping[str, Any], pen: _Pen) -> list[Callable[[], Any]]:
    language = paper.language
    named = contract["model"]
    status = word("concluded" if paper.concluded else "pending", language)
    left = [
        pen.line(said(MODEL_LABELS[ModelType(named["id"])], language), 17, after=2 * mm),
        pen.line(f"{word('trade_id', language)}  {contract['trade_id']}", 9, soft=True, after=1 * mm),
        pen.line(f"{word('digest', language)}  SHA-256", 7.5, soft=True),
        pen.line(paper.sha256, 8, after=2 * mm),
        pen.line(status, 8.5),
        pen.line(word("print_note", language), 7.5, soft=True),
    ]
    code = _Code(paper.receipt_url)

    def top() -> Any:
        cells = [[[make() for make in left], code]]
        table = Table(cells, colWidths=[_WIDTH - _CODE - 4 * mm, _CODE + 4 * mm])
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("ALIGN", (1, 0), (1, 0), "RIGHT"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ]
            )
        )
        return table

    story: list[Callable[[], Any]] = [top, lambda: Spacer(1, 3 * mm)]
    story += pen.head(word("terms", language), 12, 2 * mm, keep=0)
    story.append(_table(_terms(contract, language), pen))
    story += _duties(pen, contract)
    story += _clauses(pen, named)
    for annex in contract.get("annexes", []):
        title = word("annex_named", language, mandate=annex["mandate_id"])
        story += pen.head(title, 12, 6 * mm)
        story += _clauses(pen, annex)
    story += pen.head(word("signatures", language), 12, 6 * mm)
    names = {party["org_id"]: party for party in contract["parties"]}
    story.append(_table([_signature(one, names[one.org_id], language) for one in paper.signatures], pen))
    return story


def _table(rows: Sequence[tuple[str, str]], pen: _Pen) -> Callable[[], Any]:
    cells = [(pen.line(label, 8.5, soft=True), pen.line(value, 8.5)) for label, value in rows]

    def made() -> Any:
        table = Table([[one() for one in row] for row in cells], colWidths=[_LABEL, _WIDTH - _LABEL])
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("TOPPADDING", (0, 0), (-1, -1), 2),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ]
            )
        )
        return table

    return made


def _duties(pen: _Pen, contract: Mapping[str, Any]) -> list[Callable[[], Any]]:
    """Rights and duties of data subject, controller and user, where the contract puts them down."""
    language, duties = pen.language, duties_in(contract)
    if not duties:
        return []
    rows = [(word(one.bearer.value, language), f"{said(one.words, language)}\n{one.basis}") for one in duties]
    return [*pen.head(word("duties", language), 12, 6 * mm, keep=0), _table(rows, pen)]


def _clauses(pen: _Pen, named: Mapping[str, Any]) -> list[Callable[[], Any]]:
    """A model's clauses as they stand in its file: `#` and `##` are headings, the rest are paragraphs."""
    found = model(named["id"], named["version"])
    parts: list[Callable[[], Any]] = []
    for part in found.text(pen.language).strip().split("\n\n"):
        if part.startswith("## "):
            parts += pen.head(part.removeprefix("## "), 10, 3 * mm)
        elif part.startswith("# "):
            parts += pen.head(part.removeprefix("# "), 13, 7 * mm)
            digest = f"{found.id.value} {found.version} · SHA-256 {found.digests[pen.language]}"
            parts.append(pen.line(digest, 7, soft=True, after=2 * mm))
        else:
            parts.append(pen.line(part, 9, after=1.5 * mm))
    return parts


def _signature(one: Signed, party: Mapping[str, str], language: str) -> tuple[str, str]:
    name = f"{party['name']} ({party['uscc']})"
    if one.signed_at is None:
        return word(party["role"], language), f"{name}\n{word('unsigned', language)}"
    at, envelope = word("signed_at", language, at=_at(one.signed_at)), word("envelope", language)
    return word(party["role"], language), f"{name}\n{at}\n{envelope} {one.envelope_sha256}"


def _terms(contract: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """The terms sheet, row by row."""
    goods, price, licence = contract["subject_matter"], contract["price"], contract["licence"]
    named = contract["model"]
    label = said(MODEL_LABELS[ModelType(named["id"])], language)
    rows = [
        ("model", word("model_named", language, label=label, version=named["version"])),
        ("dated_at", _at(contract["dated_at"])),
        *((party["role"], f"{party['name']} ({party['uscc']})") for party in contract["parties"]),
        ("goods", goods["title"]),
        ("product_type", said(PRODUCT_TYPE_LABELS[ProductType(goods["product_type"])], language)),
        ("file", f"SHA-256 {goods['file']['sha256']}\n{_bytes(goods['file']['bytes'], language)}"),
        ("quality_report_sha256", goods["quality_report_sha256"] or word("none", language)),
        ("quantity", f"{licence['quantity']} {licence['unit']}"),
        ("price", _money(price["amount_minor"])),
        *_plan(price, licence["unit"], language),
        ("vat", _money(price["vat_minor"])),
        ("commission", _money(price["commission_minor"])),
        ("platform_fee", _money(price["platform_fee_minor"])),
        ("seller_receives", _money(price["seller_minor"])),
        ("quote", f"{price['quote_id']}\nSHA-256 {price['quote_sha256']}"),
        ("fund_within", word("fund_within_wd", language, days=price["fund_within_wd"])),
        ("late_payment", word("late_payment_said", language, rate=_rate(price["late_payment_a_day"]))),
        ("licence", licence["class"]),
        ("purposes", _listed([said(PURPOSE_LABELS[Purpose(one)], language) for one in licence["purposes"]])),
        ("purpose", licence["purpose"]),
        ("scenario", licence["scenario"]),
        ("territory", licence["territory"]),
        ("term", word("term_months", language, months=licence["term_months"])),
        ("recipients", _listed(licence["recipients"]) or word("none", language)),
        ("derivatives", word("allowed" if licence["derivative_allowed"] else "forbidden", language)),
        ("resale", word("allowed" if licence["resale_allowed"] else "forbidden", language)),
        ("count", word("count_said", language, count=licence["max_count"])),
        ("delete", word("delete_within_wd", language, days=licence["delete_within_wd"])),
        ("policy", f"SHA-256 {licence['policy_sha256']}"),
        ("delivery", _delivery(contract["delivery"], language)),
        *(
            [("marking", _listed(contract["delivery"]["marking"]))]
            if "marking" in contract["delivery"]
            else []
        ),
        ("acceptance", _listed([_label(TESTS, one, language) for one in contract["acceptance"]["tests"]])),
        *(
            [("bounds", "\n".join(bounds_said(contract["acceptance"]["bounds"], language)))]
            if "bounds" in contract["acceptance"]
            else []
        ),
        ("window", word("window_wd", language, days=contract["acceptance"]["within_wd"])),
        ("dispute", word("dispute_wd", language, days=contract["dispute"]["mediation_wd"])),
    ]
    return [(word(name, language), value) for name, value in rows]


def _delivery(delivery: Mapping[str, Any], language: str) -> str:
    mode = _label(MODES, delivery["mode"], language)
    return word("delivery_within_wd", language, mode=mode, days=delivery["within_wd"])


def _label(labels: Mapping[str, Any], code: str, language: str) -> str:
    return said(labels[code], language) if code in labels else code


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts)


def _plan(price: Mapping[str, Any], unit: str, language: str) -> list[tuple[str, str]]:
    """The plan that made the price, where one did."""
    return [("price_plan", plan_said(price["plan"], unit, language))] if "plan" in price else []


def _money(minor: str) -> str:
    return f"¥{yuan(int(minor))}"


def _rate(share: str) -> str:
    """`0.0005` as a percentage."""
    whole, _, digits = share.partition(".")
    number = f"{whole}{digits[:2]}".lstrip("0") or "0"
    return f"{number}.{digits[2:]} %" if digits[2:] else f"{number} %"


def _bytes(count: int, language: str) -> str:
    return word("bytes", language, bytes=f"{count:,}")


def _at(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%Y-%m-%d %H:%M} (UTC+8)"
