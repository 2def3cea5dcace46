"""The norms that somebody can have broken, as a notice of penalty offers them: title, article, range.

The range is that of an organisation, over all tiers that are in force; what the facts make of it is
`cases.penalties`'s.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from base.calendar import shanghai_day
from cases.ladder import Basis, Row, Whom, all_rows, codes
from web.pages.laws import cited
from web.pages.showing import money
from web.pages.visiting import Visitor
from web.pages.words import word

_PERCENT: Final = 100  # basis points


def options(visitor: Visitor) -> list[tuple[str, str]]:
    """Every norm that is in force today, by its code, with what tells which one it is."""
    day = shanghai_day(visitor.node.clock.now())
    rows = [row for row in all_rows() if row.who is Whom.ENTITY and row.in_force(day)]
    return [
        (code, _label(visitor, code, of))
        for code in codes()
        if (of := [row for row in rows if row.code == code])
    ]


def _label(visitor: Visitor, code: str, rows: Sequence[Row]) -> str:
    stop = "；" if visitor.lang == "zh" else "; "
    title = visitor.say(word("norm", code))
    ranges = stop.join(_ranges(visitor, rows)) or visitor.say("a warning")
    return f"{title} · {cited(visitor.lang, rows[0].legal_basis)} · {ranges} ({code})"


def _ranges(visitor: Visitor, rows: Sequence[Row]) -> Iterator[str]:
    """From what to what, by what it is counted in; a tier that only warns has none."""
    for basis in Basis:
        of = [row for row in rows if row.basis is basis and row.high]
        if not of:
            continue
        low, high = min(row.low for row in of), max(row.high for row in of)
        if basis is Basis.FEN:
            yield _between(visitor, money(visitor.lang, low), money(visitor.lang, high), low)
        elif basis is Basis.SALES_BP:
            span = _between(visitor, f"{low // _PERCENT} %", f"{high // _PERCENT} %", low)
            yield visitor.say("%(span)s of last year's sales", span=span)
        elif basis is Basis.SALES_BP_OR_FEN:
            cap = money(visitor.lang, max(row.cap or 0 for row in of))
            share = f"{high // _PERCENT} %"
            yield visitor.say("up to %(cap)s, or %(share)s of last year's sales", cap=cap, share=share)
        elif basis is Basis.TIMES_GAINS:
            yield visitor.say("%(low)s to %(high)s times the gains", low=str(low), high=str(high))


def _between(visitor: Visitor, low: str, high: str, least: int) -> str:
    return f"{low} – {high}" if least else visitor.say("up to %(high)s", high=high)
