"""Any reasonable Arrow column as the type its kind asks for; what does not fit is refused, never bent."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from supervision.schema import Columns, Kind

ARROW: Final = MappingProxyType(
    {
        Kind.TEXT: pa.string(),
        Kind.INT: pa.int64(),
        Kind.BOOL: pa.bool_(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.DAY: pa.date32(),
        Kind.SHARE: pa.decimal128(18, 9),
        Kind.LIST: pa.list_(pa.string()),
    }
)
LIST_SEPARATOR: Final = "|"
_FIGURES: Final = MappingProxyType(
    {
        word: str(n)
        for words in ("一二三四五", ("I", "II", "III", "IV", "V"))
        for n, word in enumerate(words, 1)
    }
)
_ORDINAL: Final = re.compile(r"第|级|\b(?:grade|level|g|l)[\s_-]*(?=[0-9IVX]+\b)", re.IGNORECASE)
_SHARE_PLACES: Final = 9
_DAY_ALONE: Final = r"^\d{4}-\d{2}-\d{2}$"
_FINE: Final = pa.decimal128(38, 18)
_FINEST: Final = pa.decimal128(38, 30)
"""Finer than any number of the tables, so that what is beyond its places is seen, and not cut off."""


def arrow_schema(columns: Columns) -> Any:
    """The pyarrow schema of a table's columns."""
    return pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])


def as_kind(values: Any, kind: Kind) -> Any:
    """An Arrow array or chunked array cast to the type of `kind`.

    Raises ValueError (`pyarrow.ArrowInvalid` is one) for a value that is not of that kind: `1.5` is no
    amount of fen, `yes` no boolean, `12/10/2026` no time.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if values.type.equals(ARROW[kind]):
        return values
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    if _is_text_elsewhere(values.type):
        values = values.cast(pa.string())
    if values.null_count == len(values):  # a column of nothing may be of any type
        return pa.nulls(len(values), ARROW[kind])
    return _CASTS[kind](values)


def in_days_of_shanghai(values: Any, *, to_the_end: bool) -> Any:
    """Days alone in the place of times as these: when the day begins in Shanghai, or ends; others stay."""
    if pa.types.is_date(values.type):
        values = values.cast(pa.date32()).cast(pa.string())
    if not _is_text(values.type):
        return values
    a_day = pc.match_substring_regex(values, _DAY_ALONE) if _has_days(values) else None
    if a_day is None or not pc.any(a_day).as_py():
        return values
    of_day = pa.scalar("T23:59:59.999999+08:00" if to_the_end else "T00:00:00+08:00", values.type)
    no_space = pa.scalar("", values.type)
    return pc.if_else(a_day, pc.binary_join_element_wise(values, of_day, no_space), values)


def _has_days(values: Any) -> bool:
    return bool(pc.any(pc.equal(pc.binary_length(values), len("2026-11-23"))).as_py())


def in_figures(values: Any) -> Any:
    """Texts such as `二级`, `Grade 2` or `II` as `2`; what says no number, or is no text, stays as it is."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not _is_text(values.type) and not _is_text_elsewhere(values.type):
        return values
    texts = [None if text is None else _figure(text) for text in values.cast(pa.string()).to_pylist()]
    return pa.array(texts, pa.string())


def _figure(text: str) -> str:
    plain = _ORDINAL.sub("", text).strip().upper()
    return _FIGURES.get(plain, plain or text)


def _text(values: Any) -> Any:
    if pa.types.is_floating(values.type):
        values = values.cast(pa.int64())
    return values.cast(pa.string())


def _int(values: Any) -> Any:
    if not _is_text(values.type):
        return values.cast(pa.int64())
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:  # `1200.0`, as numbers beside empty ones are often written
        return pc.utf8_trim_whitespace(values).cast(_FINE).cast(pa.int64())


def _bool(values: Any) -> Any:
    if _is_text(values.type):
        values = pc.utf8_lower(values)
    elif not pa.types.is_boolean(values.type):
        allowed = pc.all(pc.is_in(values, pa.array([0, 1, None]).cast(values.type))).as_py()
        if allowed is False:
            raise ValueError("a number other than 0 and 1")
    return values.cast(pa.bool_())


def _time(values: Any) -> Any:
    if _is_text(values.type):
        try:
            return values.cast(ARROW[Kind.TIME])
        except pa.ArrowInvalid:  # Arrow wants one form with an offset; the slow way takes any ISO 8601
            return _parsed(values, _parse_time, ARROW[Kind.TIME])
    # nanoseconds are cut to microseconds; a time without a zone is UTC, as the tables say
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("us"))
    if not pa.types.is_timestamp(values.type):
        raise ValueError(f"{values.type} is no time")  # from when a number counts, it does not say
    return values.cast(pa.timestamp("us", tz=values.type.tz), safe=False).cast(ARROW[Kind.TIME])


def _day(values: Any) -> Any:
    if _is_text(values.type):
        return _parsed(values, _parse_day, ARROW[Kind.DAY])
    if pa.types.is_timestamp(values.type):
        values = _time(values).cast(pa.timestamp("us"))
        return pc.floor_temporal(values, unit="day").cast(pa.date32())
    return values.cast(pa.date32())


def _share(values: Any) -> Any:
    if _is_text(values.type):
        values = pc.utf8_trim_whitespace(values).cast(_FINEST)
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = pc.round(values, ndigits=_SHARE_PLACES)
    return values.cast(ARROW[Kind.SHARE])


def _list(values: Any) -> Any:
    if _is_text(values.type):
        return pc.split_pattern(values.cast(pa.string()), LIST_SEPARATOR)
    return values.cast(ARROW[Kind.LIST])


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_text_elsewhere(kind: Any) -> bool:
    """Texts as some writers leave them: views, or bytes of which nobody said that they are text."""
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _parsed(values: Any, parse: Callable[[str], datetime | date], target: Any) -> Any:
    texts = values.to_pylist()
    return pa.array([None if text is None else parse(text) for text in texts], target)


def _parse_time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _parse_day(text: str) -> date:
    return _parse_time(text).date()


_CASTS: Final = MappingProxyType(
    {
        Kind.TEXT: _text,
        Kind.INT: _int,
        Kind.BOOL: _bool,
        Kind.TIME: _time,
        Kind.DAY: _day,
        Kind.SHARE: _share,
        Kind.LIST: _list,
    }
)
