"""What opening decides, purely: modes and levels, form, who may have it for what, update cycles.

Sources: `rules.md` §2.5.1 (level → channel); 网络数据安全管理条例 Art 31; the plans of the province
(P16–P18) and of Guangzhou (G20, G21). The numbers stand in `rule_table.csv`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from registry.lists.rules import DataKind
from registry.opening.errors import (
    OpeningConditionsMissing,
    OpeningMalformed,
    OpeningRiskUnassessed,
    PurposeNotNamed,
)
from registry.opening.terms import term
from registry.registration.rules import Update
from registry.rules import Allowance, Channel, Level, check_channel

MAX_TEXT: Final = 2_000
MAX_LAW: Final = 200
MAX_USERS: Final = 1_000
SENSING: Final = frozenset({DataKind.VIDEO, DataKind.IOT})
"""City video and the readings of sensors: a security review stands before they open (R43)."""


class Mode(StrEnum):
    """How data is opened (无条件/定向/授权开放)."""

    OPEN = "OPEN"
    TARGETED = "TARGETED"
    AUTHORISED = "AUTHORISED"

    @property
    def channel(self) -> Channel:
        return Channel.OPEN if self is Mode.OPEN else Channel.TARGETED


class Licence(StrEnum):
    """Under which licence what is opened may be used; each is somebody else's text."""

    CC0 = "CC0-1.0"
    CC_BY = "CC-BY-4.0"
    AGREEMENT = "AGREEMENT"  # conditional opening: what the naming or the agreement says


class Use(StrEnum):
    """What conditional data is had for: the purposes of the market, which stands above; a test compares."""

    INTERNAL_USE = "INTERNAL_USE"
    RISK_CONTROL = "RISK_CONTROL"
    MODEL_TRAINING = "MODEL_TRAINING"
    RESEARCH = "RESEARCH"
    PRODUCT_DEVELOPMENT = "PRODUCT_DEVELOPMENT"
    MARKETING = "MARKETING"
    PUBLIC_SERVICE = "PUBLIC_SERVICE"


class NotOpenReason(StrEnum):
    """Why data is not opened; with it the law is named."""

    STATE_SECRET = "STATE_SECRET"  # noqa: S105 - a ground of the law
    TRADE_SECRET = "TRADE_SECRET"  # noqa: S105 - likewise
    PERSONAL_INFORMATION = "PERSONAL_INFORMATION"
    IMPORTANT_DATA = "IMPORTANT_DATA"
    STATUTORY = "STATUTORY"
    NOT_READY = "NOT_READY"


class SuspendReason(StrEnum):
    """Why an entry was suspended."""

    LEVEL_RAISED = "LEVEL_RAISED"
    FILE_DAMAGED = "FILE_DAMAGED"
    FILE_CHANGED = "FILE_CHANGED"
    DATA_RETIRED = "DATA_RETIRED"
    SECURITY = "SECURITY"
    COMPLAINT = "COMPLAINT"
    CORRECTION = "CORRECTION"
    OTHER = "OTHER"


BY_EXCHANGE: Final = frozenset(
    {
        SuspendReason.LEVEL_RAISED,
        SuspendReason.FILE_DAMAGED,
        SuspendReason.FILE_CHANGED,
        SuspendReason.DATA_RETIRED,
    }
)
"""What the exchange alone sees and says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an entry says beside the data itself: how it opens, under which licence, on which conditions.

    `law` names the provision that it rests on, `risk_assessment_sha256` the assessment before important data
    is provided. `covers_from` and `covers_to` are the time the data is about, where it has one.
    """

    mode: Mode
    licence: Licence
    conditions: str = ""
    law: str = ""
    risk_assessment_sha256: str | None = None
    covers_from: date | None = None
    covers_to: date | None = None


def check_proposal(said: Proposal) -> None:
    """The form of a proposal. Raises OpeningMalformed, naming the members."""
    covers = (said.covers_from, said.covers_to)
    backward = None not in covers and said.covers_from > said.covers_to  # type: ignore[operator]
    wrong = [
        ("conditions", len(said.conditions) > MAX_TEXT),
        ("law", len(said.law) > MAX_LAW),
        ("covers_to", (covers[0] is None) != (covers[1] is None) or backward),
        ("licence", (said.mode is Mode.OPEN) == (said.licence is Licence.AGREEMENT)),
    ]
    fields = sorted({name for name, is_wrong in wrong if is_wrong})
    if fields:
        raise OpeningMalformed("the entry is not of its form", fields=fields)


def check_level(level: Level, mode: Mode, *, conditions: str, risk_assessed: bool) -> None:
    """That data of this level may be opened so; asked at every step and at every download.

    Raises ChannelClosed, OpeningConditionsMissing, OpeningRiskUnassessed.
    """
    asked = check_channel(level, mode.channel)
    if asked is Allowance.CONDITIONAL and not conditions.strip():
        raise OpeningConditionsMissing("state on which conditions it is open", level=level.value)
    if asked is Allowance.RISK_ASSESSED and not risk_assessed:
        raise OpeningRiskUnassessed("a risk assessment comes before", level=level.value)


def check_purpose(use: str | None, allowed: Iterable[str]) -> Use:
    """The purpose that is declared, if it is one of the allowed ones. Raises PurposeNotNamed."""
    named = sorted(allowed)
    if use is None or use not in named:
        raise PurposeNotNamed("declare one of your purposes", purpose=use or "", purposes=named)
    return Use(use)


def check_uses(uses: Collection[Use]) -> list[str]:
    """Purposes, each once and at least one. Raises OpeningMalformed."""
    named = sorted({use.value for use in uses})
    if not named:
        raise OpeningMalformed("name at least one purpose", fields=["purposes"])
    return named


def check_period(valid_from: datetime, valid_to: datetime, now: datetime) -> None:
    """An agreement's term: it ends after it begins and after now, within the most that is given.

    Raises OpeningMalformed.
    """
    most = timedelta(days=term("OPEN-AGREEMENT", "most", now).whole)
    if not valid_from < valid_to or valid_to <= now or valid_to - valid_from > most:
        raise OpeningMalformed("the term is empty, over or too long", fields=["valid_to"])


def may_renew(update: Update) -> bool:
    """Whether data has a cycle in which its bytes change; what is never renewed is reviewed anew."""
    return update is not Update.NEVER


def stale_since(update: Update, refreshed_at: datetime, now: datetime) -> datetime | None:
    """Since when data is past its update cycle; None while it is not, or has no cycle."""
    if update in {Update.NEVER, Update.IRREGULAR}:
        return None
    cycle = timedelta(days=term("OPEN-CYCLE", update.value.lower(), now).whole)
    due = refreshed_at + cycle
    return due if now > due else None
