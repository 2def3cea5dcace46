"""How values look on a page: money, times, digests, sizes. Each knows the language it shows them in."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from babel import Locale
from markupsafe import Markup

from base.clock import SHANGHAI, parse_rfc3339, rfc3339
from base.money import yuan
from web.pages import laws
from web.pages.languages import Lang

_SHORT_HASH: Final = 12
_SHORT_ID: Final = 8
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_STEP: Final = 1000
_CURRENCY: Final[dict[Lang, str]] = {"zh": "¥", "en": "CN¥"}


def money(lang: Lang, minor: int | str | None) -> str:
    """Fen as an amount in yuan with grouping: `¥680,000.00`; a dash for none."""
    if minor is None:
        return "–"
    amount = yuan(int(minor))
    return f"-{_CURRENCY[lang]}{amount[1:]}" if amount.startswith("-") else f"{_CURRENCY[lang]}{amount}"


def when(at: datetime | str | None) -> Markup:
    """A time in Beijing, with UTC on the title; a dash for none. RFC 3339 text is read as it stands."""
    if at is None:
        return Markup("–")
    if isinstance(at, str):
        at = parse_rfc3339(at)
    shown = at.astimezone(SHANGHAI)
    return Markup('<time datetime="{}" title="{} · {} UTC">{}</time>').format(
        rfc3339(at),
        shown.isoformat(timespec="seconds"),
        f"{parse_rfc3339(rfc3339(at)):%Y-%m-%d %H:%M:%S}",
        f"{shown:%Y-%m-%d %H:%M}",
    )


def day(on: date | datetime | str | None) -> Markup:
    """A calendar day, Beijing's where a time is given. ISO 8601 text is read as a day."""
    if on is None:
        return Markup("–")
    if isinstance(on, str):
        on = date.fromisoformat(on)
    if isinstance(on, datetime):
        on = on.astimezone(SHANGHAI).date()
    return Markup('<time datetime="{0}">{0}</time>').format(on.isoformat())


def digest(text: str | bytes | None) -> Markup:
    """A hash, short, the whole of it on the title and in print."""
    if text is None:
        return Markup("–")
    whole = text.hex() if isinstance(text, bytes) else text
    return Markup('<code class="hash" title="{}">{}</code>').format(whole, whole[:_SHORT_HASH])


def ident(text: str | None) -> Markup:
    """An id, short: its kind and its last characters, which tell it apart."""
    if text is None:
        return Markup("–")
    kind, found, rest = text.partition("_")
    short = f"{kind}_…{rest[-_SHORT_ID:]}" if found and len(rest) > _SHORT_ID else text
    return Markup('<code class="id" title="{}">{}</code>').format(text, short)


def number(value: int | str) -> str:
    """A whole number with grouping."""
    return f"{int(value):,}"


def size(count: int) -> str:
    """Bytes for people: `22.1 MB`, decimal units, rounded down to a tenth."""
    unit = 0
    while unit < len(_UNITS) - 1 and count >= _STEP ** (unit + 1):
        unit += 1
    if unit == 0:
        return f"{count} B"
    tenths = count * 10 // _STEP**unit
    return f"{tenths // 10}.{tenths % 10} {_UNITS[unit]}"


def percent_bp(basis_points: int) -> str:
    """Basis points as per cent: 4571 → `45.71 %`."""
    return f"{basis_points // 100}.{basis_points % 100:02d} %"


def place(lang: Lang, codes: str) -> str:
    """Countries by name, as CLDR names them: `CN,SG` → `China, Singapore`; what is no code stays."""
    known = Locale(lang).territories
    parts = [part.strip() for part in codes.split(",")]
    mark = "、" if lang == "zh" else ", "
    return mark.join(str(known.get(part, part)) if part.isalpha() else part for part in parts)


def local_input(at: datetime) -> str:
    """A time as `<input type=datetime-local>` takes it, in Beijing."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%dT%H:%M}"


def in_days(now: datetime, days: int) -> str:
    """So many days from now, at six in the afternoon, for a date field's first value."""
    day_ = now.astimezone(SHANGHAI) + timedelta(days=days)
    return local_input(day_.replace(hour=18, minute=0))


def filters(lang: Lang) -> dict[str, Callable[..., Any]]:
    """The filters of a template in a language."""

    def in_currency(minor: int | str | None) -> str:
        return money(lang, minor)

    def place_named(codes: str) -> str:
        return place(lang, codes)

    def law_named(basis: str) -> Markup:
        return laws.law(lang, basis)

    return {
        "law": law_named,
        "money": in_currency,
        "place": place_named,
        "when": when,
        "day": day,
        "digest": digest,
        "ident": ident,
        "number": number,
        "size": size,
        "percent_bp": percent_bp,
        "local_input": local_input,
    }
