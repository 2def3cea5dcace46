"""From facts to the range of a fine, exact in fen, with its reasons; pure. Within it a human decides.

A bound that is a part of a fen is moved inwards, so that every whole number of the range is lawful; a fine
that is said as a share of sales is exact until it is set (`FineRange.whole`). What is
asked: the norms that were broken, act by act (`counts`), by whom, on which day, and the sums they count in.
Of several norms that one act breaks the higher fine is taken, not both (行政处罚法 art. 29); the fines of
several acts are added, and so are their gains, which are confiscated once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final

from base.money import BASIS_POINTS
from cases.errors import FineBeyondRange, NormNotForWhom, NormNotInForce
from cases.ladder import ESPECIALLY_SERIOUS, Basis, Row, Whom, all_rows, codes
from pricing.facts import Facts

_MULTIPLIED: Final = frozenset({"PN-AML-56", "PN-AML-57", "PN-AML-58", "PN-AML-62"})
_LENIENT: Final = "PN-AML-56"
_MOST_COUNTS: Final = 50
_SERIOUS: Final = "especially_serious"
_UNCLEAR: Final = "sales_unclear"
NO_FAULT: Final = "no_fault"
MINOR: Final = "minor_corrected_no_harm"
FIRST: Final = "first_minor"
LIGHTER: Final = ("harm_removed", "coerced", "volunteered", "meritorious")
RELIEFS: Final = (NO_FAULT, MINOR, FIRST, *LIGHTER)
_ROW_OF: Final = {NO_FAULT: "RELIEF-APL-33-2", MINOR: "RELIEF-APL-33-1", FIRST: "RELIEF-APL-33-1F"}


@dataclass(frozen=True, slots=True)
class Count:
    """One norm that one act has broken, and the sums it counts in (None: nobody has said)."""

    act: str
    code: str
    circumstances: frozenset[str] = frozenset()
    sales_minor: int | None = None
    gains_minor: int | None = None
    deal_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Offence:
    """All that is held against one offender, and what speaks for it."""

    on: date
    counts: Sequence[Count]
    who: Whom = Whom.ENTITY
    relief: frozenset[str] = frozenset()
    leniency: int = 0
    """Which one in line it was to tell of a horizontal agreement; 0 for none."""


@dataclass(frozen=True, slots=True)
class CountRange:
    """What one norm says of one act; `taken` where it is the one that is applied."""

    count: Count
    row: Row
    low_minor: int
    high_minor: int
    cited: tuple[str, ...]
    taken: bool

    def document(self) -> dict[str, Any]:
        return {
            "act": self.count.act,
            "rule": list(self.cited),
            "low_minor": str(self.low_minor),
            "high_minor": str(self.high_minor),
            "legal_basis": self.row.legal_basis,
            "source_status": self.row.source_status,
            "measures": list(self.row.measures),
            "taken": self.taken,
        }


@dataclass(frozen=True, slots=True)
class FineRange:
    """From what to what a fine may be, what is confiscated beside it, and why."""

    who: Whom
    low_minor: int
    high_minor: int
    confiscate_minor: int
    counts: tuple[CountRange, ...]
    reasons: tuple[str, ...]

    @property
    def unverified(self) -> tuple[str, ...]:
        """The rows it rests on that nobody has checked against the text of the law."""
        return tuple(
            sorted(
                {one.row.cited for one in self.counts if one.taken and one.row.source_status != "verified"}
            )
        )

    @property
    def rules(self) -> tuple[str, ...]:
        """The rows that are applied, as a decision cites them."""
        return tuple(dict.fromkeys(cited for one in self.counts if one.taken for cited in one.cited))

    def document(self) -> dict[str, Any]:
        """As JSON: money as decimal strings of fen."""
        return {
            "who": self.who.value,
            "low_minor": str(self.low_minor),
            "high_minor": str(self.high_minor),
            "confiscate_minor": str(self.confiscate_minor),
            "currency": "CNY",
            "counts": [one.document() for one in self.counts],
            "reasons": list(self.reasons),
            "unverified": list(self.unverified),
        }

    def whole(self, fine: Fraction) -> int:
        """A fine in fen: a part of a fen is let go, in favour of who is fined; where only that leads below
        the least fine, it is rounded up to it.
        """
        down, up = floor(fine), ceil(fine)
        return up if down < self.low_minor <= up else down

    def check(self, fine_minor: int) -> None:
        """A fine that somebody decides lies within the range. Raises FineBeyondRange."""
        check_fine(fine_minor, self.low_minor, self.high_minor)


def check_fine(fine_minor: int, low_minor: int, high_minor: int) -> None:
    """A fine lies within a range. Raises FineBeyondRange."""
    if not low_minor <= fine_minor <= high_minor:
        raise FineBeyondRange(
            "the fine lies outside its lawful range",
            fine_minor=str(fine_minor),
            low_minor=str(low_minor),
            high_minor=str(high_minor),
        )


def fine_range(offence: Offence, rows: Iterable[Row] | None = None) -> FineRange:
    """The lawful range. Raises NormNotInForce, NormNotForWhom, Malformed where a sum is missing."""
    ladder = [row for row in (all_rows() if rows is None else rows) if row.in_force(offence.on)]
    found = [_of_count(ladder, offence, count) for count in offence.counts]
    best: dict[str, CountRange] = {}
    for one in found:
        ahead = best.get(one.count.act)
        if ahead is None or (one.high_minor, one.low_minor) > (ahead.high_minor, ahead.low_minor):
            best[one.count.act] = one
    counts = tuple(_marked(one, taken=best[one.count.act] is one) for one in found)
    reasons = [_one_act(act, found) for act in best if sum(one.count.act == act for one in found) > 1]
    low, high = sum(one.low_minor for one in best.values()), sum(one.high_minor for one in best.values())
    low, high, freed = _relieved(ladder, offence, low, high, reasons)
    gains = 0 if freed else _confiscated(found)
    if gains:
        reasons.append(f"unlawful gains of {gains} fen are confiscated beside the fine")
    return FineRange(offence.who, low, high, gains, counts, tuple(reasons))


def _of_count(ladder: Sequence[Row], offence: Offence, count: Count) -> CountRange:
    row = _tier(ladder, offence, count)
    low, high = _bounds(row, count)
    cited = [row.cited]
    if _SERIOUS in count.circumstances:
        more = _named(ladder, ESPECIALLY_SERIOUS, offence)
        low, high = low * more.low, high * more.high
        cited.append(more.cited)
    if offence.leniency and count.code == _LENIENT:
        cut = _named(ladder, f"LENIENCY-{offence.leniency}", offence)
        low = _up(low * (BASIS_POINTS - cut.high), BASIS_POINTS)
        high = high * (BASIS_POINTS - cut.low) // BASIS_POINTS
        cited.append(cut.cited)
    return CountRange(count, row, min(low, high), high, tuple(cited), taken=False)


def _tier(ladder: Sequence[Row], offence: Offence, count: Count) -> Row:
    """The row that applies: the first of the norm, for whom it is, whose conditions hold."""
    of_norm = [row for row in ladder if row.code == count.code]
    if not of_norm:
        raise NormNotInForce(f"{count.code} was not in force", code=count.code, on=offence.on.isoformat())
    rows = [row for row in of_norm if row.who is offence.who]
    if not rows:
        raise NormNotForWhom(
            f"{count.code} fines no {offence.who.value}", code=count.code, who=offence.who.value
        )
    return next(row for row in rows if not row.when or any(_holds(one, count) for one in row.when))


def _holds(condition: str, count: Count) -> bool:
    if "+" in condition:
        return all(_holds(one, count) for one in condition.split("+"))
    name, _, bound = condition.partition(":")
    if name == "no_sales":
        return _UNCLEAR in count.circumstances or _sum(count, "sales_minor") == 0
    if name == "no_gains":
        return _sum(count, "gains_minor") == 0
    if name in {"gains_below", "deal_below"}:
        return _sum(count, name.replace("below", "minor")) < int(bound)
    return name in count.circumstances


def _sum(count: Count, name: str) -> int:
    found: int | None = getattr(count, name)
    if found is None:
        raise Facts({}, where=f"{count.code} ({count.act})").bad(name, "said, 0 where there is none")
    return found


def _bounds(row: Row, count: Count) -> tuple[int, int]:
    match row.basis:
        case Basis.SALES_BP | Basis.SALES_BP_OR_FEN:
            sales = _sum(count, "sales_minor")
            low, high = _up(sales * row.low, BASIS_POINTS), sales * row.high // BASIS_POINTS
            if row.basis is Basis.SALES_BP_OR_FEN:
                high = max(high, row.cap or 0)
            elif row.cap is not None:
                low, high = min(low, row.cap), min(high, row.cap)
            return low, high
        case Basis.TIMES_GAINS:
            gains = _sum(count, "gains_minor")
            return gains * row.low, gains * row.high
        case _:
            return row.low, row.high


def _relieved(
    ladder: Sequence[Row], offence: Offence, low: int, high: int, reasons: list[str]
) -> tuple[int, int, bool]:
    """What is left of the range, and whether nothing is punished at all."""
    for name in (NO_FAULT, MINOR):
        if name in offence.relief:
            row = _named(ladder, _ROW_OF[name], offence)
            reasons.append(f"no penalty: {name} ({row.legal_basis})")
            return 0, 0, True
    if offence.relief & set(LIGHTER):
        row = _named(ladder, "RELIEF-APL-32", offence)
        high = low + (high - low) * row.high // BASIS_POINTS
        low = 0
        named = ", ".join(one for one in LIGHTER if one in offence.relief)
        reasons.append(f"lighter, or below the least: {named} ({row.legal_basis})")
    if FIRST in offence.relief:
        row = _named(ladder, _ROW_OF[FIRST], offence)
        low = 0
        reasons.append(f"a first, minor offence may be spared ({row.legal_basis})")
    return low, high, False


def _confiscated(found: Sequence[CountRange]) -> int:
    """The gains of each act, once, where a norm that it breaks takes them."""
    gains: dict[str, int] = {}
    for one in found:
        if one.row.confiscate:
            gains[one.count.act] = max(gains.get(one.count.act, 0), one.count.gains_minor or 0)
    return sum(gains.values())


def _named(ladder: Sequence[Row], code: str, offence: Offence) -> Row:
    for row in ladder:
        if row.code == code and row.who in {offence.who, Whom.ANY}:
            return row
    raise NormNotInForce(f"{code} was not in force", code=code, on=offence.on.isoformat())


def _marked(one: CountRange, *, taken: bool) -> CountRange:
    return CountRange(one.count, one.row, one.low_minor, one.high_minor, one.cited, taken)


def _one_act(act: str, found: Sequence[CountRange]) -> str:
    named = ", ".join(one.row.code for one in found if one.count.act == act)
    return f"one act ({act}) breaks {named}: the higher fine, not both (行政处罚法 art. 29)"


def _up(number: int, divisor: int) -> int:
    return -(-number // divisor)


def known_circumstances(code: str) -> frozenset[str]:
    """What can be said of a norm beside sums: what its tiers ask for."""
    of_norm = (one for row in all_rows() if row.code == code for one in row.when)
    asked = {part for one in of_norm for part in one.split("+") if ":" not in part}
    own = asked - {"no_sales", "no_gains"}
    unclear = {_UNCLEAR} if "no_sales" in asked else set()
    return frozenset(own | unclear | ({_SERIOUS} if code in _MULTIPLIED else set()))


def read_offence(document: Mapping[str, Any]) -> tuple[Offence, Fraction | None]:
    """The facts of `databourse fine`, and the fine that somebody would set, exact. Raises Malformed."""
    facts = Facts(document)
    shared = {name: facts.amount(name) for name in _SUMS if facts.has(name)}
    who = (
        _chosen(facts, "who", [one for one in Whom if one is not Whom.ANY])
        if facts.has("who")
        else Whom.ENTITY
    )
    counts = [_count(one, shared, at) for at, one in enumerate(facts.objects("counts", most=_MOST_COUNTS), 1)]
    relief = _set(facts, "relief", frozenset(RELIEFS))
    leniency = facts.count("leniency") if facts.has("leniency") else 0
    if leniency and (leniency > len(_LENIENCIES) or all(one.code != _LENIENT for one in counts)):
        raise facts.bad("leniency", f"1, 2 or 3, of a count of {_LENIENT}")
    fine = _set_fine(facts, shared)
    offence = Offence(facts.day("on"), tuple(counts), Whom(who), relief, leniency)
    facts.close()
    return offence, fine


_SUMS: Final = ("sales_minor", "gains_minor", "deal_minor")
_LENIENCIES: Final = (1, 2, 3)


def _count(facts: Facts, shared: Mapping[str, int], at: int) -> Count:
    code = _chosen(facts, "code", codes())
    sums = {**shared} | {name: facts.amount(name) for name in _SUMS if facts.has(name)}
    act = facts.text("act") if facts.has("act") else f"act {at}"
    circumstances = _set(facts, "circumstances", known_circumstances(code))
    facts.close()
    return Count(act, code, circumstances, **sums)


def _set_fine(facts: Facts, shared: Mapping[str, int]) -> Fraction | None:
    """A fine in fen, or as a share of last year's sales, which may be a part of a fen."""
    if facts.has("fine_bp"):
        if "sales_minor" not in shared or facts.has("fine_minor"):
            raise facts.bad("fine_bp", "a share of sales_minor, instead of fine_minor")
        return Fraction(facts.basis_points("fine_bp") * shared["sales_minor"], BASIS_POINTS)
    return Fraction(facts.amount("fine_minor")) if facts.has("fine_minor") else None


def _chosen(facts: Facts, name: str, known: Iterable[str]) -> str:
    value = facts.text(name)
    if value not in set(known):
        raise facts.bad(name, "one of " + ", ".join(known))
    return value


def _set(facts: Facts, name: str, known: frozenset[str]) -> frozenset[str]:
    if not facts.has(name):
        return frozenset()
    said = facts.sequence(name, most=len(RELIEFS) + 5, least=0)
    if not all(type(one) is str and one in known for one in said):
        raise facts.bad(name, "of these: " + (", ".join(sorted(known)) or "none"))
    return frozenset(said)
