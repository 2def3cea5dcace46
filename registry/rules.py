"""What the registry decides, purely: who may register which right, what a level allows, what a screen stops.

Sources: 数据产权登记工作指引 (2026 guideline) Art 3, 15, 21; GB/T 43697-2024; PIPL 13, 28, 29; DSL 21, 30.
The rule table with each article stands in `docs/quality.md`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.errors import ChannelClosed, RightNotRegistrable, RightRegisteredBefore, RightRevoked


class Right(StrEnum):
    """The three rights. They are independent, and several holders may hold the same one."""

    HOLD = "HOLD"
    USE = "USE"
    OPERATE = "OPERATE"


class Source(StrEnum):
    """Where the data comes from; Art 21 gives each case its rights."""

    SELF_COLLECTED = "SELF_COLLECTED"
    OWN_ACTIVITY = "OWN_ACTIVITY"  # of one's own activity, collected by another under contract
    UTILITY = "UTILITY"  # water, gas, heat, power, transport: from their services (Art 15)
    PUBLIC_CRAWL = "PUBLIC_CRAWL"  # public data gathered by program without intrusion or harm
    AGREEMENT = "AGREEMENT"  # obtained by contract: the rights that the contract names
    FUSION = "FUSION"  # fused by several parties under a contract silent on rights
    DERIVED = "DERIVED"  # substantial change and clearly higher value
    AUTHORISED_OPERATION = "AUTHORISED_OPERATION"  # a product of authorised public data
    PUBLIC_DUTY = "PUBLIC_DUTY"  # collected by an agency in performing its duties
    ON_BEHALF = "ON_BEHALF"  # processed for another
    UNLAWFUL = "UNLAWFUL"


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the rights of a source further depend on."""

    agreed: frozenset[Right] = frozenset()  # AGREEMENT: what the contract gives
    others_consent: bool = False  # FUSION: the other parties agree to outward provision
    substitutes_source: bool = True  # PUBLIC_CRAWL: the product substantially replaces its source
    substantially_changed: bool = False  # DERIVED: processed to clearly higher value
    public_registration_no: str | None = None  # AUTHORISED_OPERATION: 公共数据资源登记


_ALL: Final = frozenset(Right)
_INWARD: Final = frozenset({Right.HOLD, Right.USE})
_NONE: Final[frozenset[Right]] = frozenset()
_FIXED: Final[Mapping[Source, frozenset[Right]]] = {
    Source.SELF_COLLECTED: _ALL,
    Source.OWN_ACTIVITY: _ALL,
    Source.UTILITY: _ALL,
    Source.PUBLIC_DUTY: _NONE,
    Source.ON_BEHALF: _NONE,
    Source.UNLAWFUL: _NONE,
}


def rights_from(source: Source, facts: SourceFacts) -> frozenset[Right]:
    """The rights that a source gives its holder (Art 21; Art 15 for public data)."""
    fixed = _FIXED.get(source)
    if fixed is not None:
        return fixed
    if source is Source.AGREEMENT:
        return facts.agreed
    if source is Source.PUBLIC_CRAWL:
        return _INWARD if facts.substitutes_source else _ALL
    if source is Source.FUSION:
        return _ALL if facts.others_consent else _INWARD
    if source is Source.DERIVED:
        return _ALL if facts.substantially_changed else _NONE
    return _ALL if facts.public_registration_no else _NONE  # AUTHORISED_OPERATION


class RightEnd(StrEnum):
    """How a registered right ended (`states.md` §3.1)."""

    REVOKED = "REVOKED"  # by the registrar: concealment, a false proof, another's right
    CANCELLED = "CANCELLED"  # by its holder
    EXPIRED = "EXPIRED"  # it was held until a day


def check_entered_anew(ended_as: str | None, right: Right) -> None:
    """That a right which was entered before may be entered again. RightRegisteredBefore, RightRevoked."""
    if ended_as is None:
        raise RightRegisteredBefore("the holder has this right already", right=right.value)
    if ended_as == RightEnd.REVOKED:
        raise RightRevoked("the registration was revoked", right=right.value)


def check_claim(source: Source, facts: SourceFacts, claimed: frozenset[Right]) -> frozenset[Right]:
    """The claimed rights, if the source gives them all. Raises RightNotRegistrable, also for none."""
    beyond = claimed - rights_from(source, facts)
    if beyond or not claimed:
        raise RightNotRegistrable(
            "the source does not give these rights", source=source.value, rights=sorted(beyond)
        )
    return claimed


class Level(StrEnum):
    """Classification levels, GB/T 43697-2024; general data is split into four (Annex H)."""

    CORE = "core"
    IMPORTANT = "important"
    GENERAL_4 = "general-4"
    GENERAL_3 = "general-3"
    GENERAL_2 = "general-2"
    GENERAL_1 = "general-1"


def rank(level: Level) -> int:
    """0 for general-1 up to 5 for core."""
    return len(Level) - 1 - list(Level).index(level)


def highest(levels: Iterable[Level]) -> Level:
    """Highest wins, over fields and over judges."""
    return max(levels, key=rank)


def wants_joint_review(level: Level, *, public_data: bool) -> bool:
    """Level general-3 or above, or public data: three members review together (`states.md` §3.2)."""
    return public_data or rank(level) >= rank(Level.GENERAL_3)


class Channel(StrEnum):
    """How data may leave its holder."""

    TRADE = "trade"
    OPEN = "open"
    TARGETED = "targeted"
    PRIVACY = "privacy-computing"
    EXPORT = "export"


class Allowance(StrEnum):
    """What a level asks of a channel."""

    YES = "yes"
    NO = "no"
    CONSENT = "consent-or-anonymised"
    SEPARATE_CONSENT = "separate-consent-and-pipia"
    RISK_ASSESSED = "risk-assessment-before-provision"
    SECURITY_ASSESSED = "security-assessment"
    COUNTED = "by-counters"  # export thresholds, decided by market.customs
    EXEMPT_WITHOUT_PI = "exempt-without-pi"
    EXEMPT = "exempt"
    CONDITIONAL = "conditional"


_A = Allowance
_MATRIX: Final[Mapping[Level, tuple[Allowance, Allowance, Allowance, Allowance, Allowance]]] = {
    # trade, open, targeted, privacy computing, export: rules.md §2.5.1
    Level.CORE: (_A.NO, _A.NO, _A.NO, _A.NO, _A.NO),
    Level.IMPORTANT: (_A.NO, _A.NO, _A.RISK_ASSESSED, _A.YES, _A.SECURITY_ASSESSED),
    Level.GENERAL_4: (_A.SEPARATE_CONSENT, _A.NO, _A.YES, _A.YES, _A.COUNTED),
    Level.GENERAL_3: (_A.CONSENT, _A.NO, _A.YES, _A.YES, _A.COUNTED),
    Level.GENERAL_2: (_A.YES, _A.CONDITIONAL, _A.YES, _A.YES, _A.EXEMPT_WITHOUT_PI),
    Level.GENERAL_1: (_A.YES, _A.YES, _A.YES, _A.YES, _A.EXEMPT),
}


def allowance(level: Level, channel: Channel) -> Allowance:
    """What the level asks of the channel."""
    return _MATRIX[level][list(Channel).index(channel)]


class HintKind(StrEnum):
    """What a scan can recognise. Places and health are personal only beside a person; QUASI are columns
    that single people out together (fewer than five rows alike).
    """

    CN_ID = "cn-id"
    MOBILE = "mobile"
    BANK_CARD = "bank-card"
    PLATE = "plate"
    GPS_PAIR = "gps-pair"
    HEALTH = "health"
    BIOMETRIC = "biometric"
    QUASI = "quasi-identifier"


@dataclass(frozen=True, slots=True)
class Hint:
    """`rows` of the `checked` cells that have a value look like this kind. `flagged`: enough to count."""

    kind: HintKind
    column: str
    rows: int
    checked: int
    flagged: bool


_LEVEL_OF_HINT: Final[Mapping[HintKind, Level]] = {
    HintKind.CN_ID: Level.GENERAL_4,  # specific identity, PIPL 28
    HintKind.BANK_CARD: Level.GENERAL_4,  # financial account, PIPL 28
    HintKind.BIOMETRIC: Level.GENERAL_4,  # biometric recognition, PIPL 28
    HintKind.MOBILE: Level.GENERAL_3,
    HintKind.PLATE: Level.GENERAL_3,
}


def is_personal(hint: Hint) -> bool:
    """Whether the hint alone makes the data personal."""
    return hint.flagged and hint.kind in _LEVEL_OF_HINT


def graded(declared: Level, hints: Sequence[Hint]) -> Level:
    """The declared level, raised by what the scan saw: the provider cannot talk personal data down.

    Places beside personal data are whereabouts, health beside a person or what singles one out is medical
    (PIPL 28): general-4.
    """
    flagged = {hint.kind for hint in hints if hint.flagged}
    seen = [_LEVEL_OF_HINT[kind] for kind in flagged & _LEVEL_OF_HINT.keys()]
    if seen and HintKind.GPS_PAIR in flagged:
        seen.append(Level.GENERAL_4)
    if HintKind.HEALTH in flagged and (seen or HintKind.QUASI in flagged):
        seen.append(Level.GENERAL_4)
    return highest([declared, *seen])


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What the provider declares about personal information, and the basis it shows (digests elsewhere)."""

    contained: bool = False
    consented: bool = False
    separately_consented: bool = False  # specific and explicit for this processing (PIPL 29)
    impact_assessed: bool = False  # PIPIA, PIPL 55
    anonymised: bool = False  # cannot identify and cannot be restored (PIPL 73)
    # The records (`registry.grading.keeping`) that consent and assessment rest on; None: declared only.
    consent_id: str | None = None
    assessment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Screen:
    """The automatic screen of a listing: `reasons` stop it (negative list), `notes` are for the reviewer."""

    passed: bool
    reasons: tuple[str, ...]
    notes: tuple[Hint, ...] = ()


def screen(level: Level, hints: Sequence[Hint], personal: PersonalData) -> Screen:
    """Ordinary trade: negative list NL2 core, NL3 important, NL4 personal data without a lawful basis.

    `level` is the graded one. Anonymised data that still shows identifiers, or rows of fewer than five
    people alike, is not anonymised (PIPL 73).
    """
    reasons: list[str] = []
    alone = any(hint.flagged and hint.kind is HintKind.QUASI for hint in hints)
    seen = sorted({hint.kind.value for hint in hints if is_personal(hint)})
    asked = allowance(level, Channel.TRADE)
    identified = (bool(seen) or personal.contained) and not personal.anonymised
    if level is Level.CORE:
        reasons.append("NL2-core-data")
    elif asked is Allowance.NO:
        reasons.append("NL3-important-data")
    if seen and not personal.contained:
        reasons += [f"NL4-undeclared-{kind}" for kind in seen]
    if personal.anonymised and (seen or alone):
        reasons.append("NL4-not-anonymised")
    elif identified and not personal.consented:
        reasons.append("NL4-no-consent")
    if identified and asked is Allowance.SEPARATE_CONSENT and not personal.separately_consented:
        reasons.append("NL4-no-separate-consent")
    if identified and not personal.impact_assessed:  # who provides it to others assesses first (PIPL 55)
        reasons.append("NL4-no-impact-assessment")
    return Screen(not reasons, tuple(reasons), tuple(hint for hint in hints if not is_personal(hint)))


def check_channel(level: Level, channel: Channel) -> Allowance:
    """What the channel asks, if it is open to this level at all. Raises ChannelClosed."""
    asked = allowance(level, channel)
    if asked is Allowance.NO:
        raise ChannelClosed("the level is closed to this channel", level=level.value, channel=channel.value)
    return asked
