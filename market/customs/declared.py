"""What a customs declaration says (`rules.md` §2.4.2), and what of it is seen to be wrong at once. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from market.customs.errors import DeclarationContradicted, DeclarationMalformed
from market.customs.rules import country_of
from registry.rules import Hint, HintKind, Level, rank

MAX_FIELDS: Final = 200
MAX_PERSONS: Final = 10**10
_INDUSTRY: Final = re.compile(r"[A-T]([0-9]{2})?")


class Kind(StrEnum):
    """An ordinary flow, one of a joint research project (R71), a foreign court's or authority's request."""

    ORDINARY = "ORDINARY"
    RESEARCH = "RESEARCH"
    FOREIGN_REQUEST = "FOREIGN_REQUEST"


class Ground(StrEnum):
    """Why the exporter says that a flow is exempt (CAC Order 16, Arts 3 to 6); each has its own evidence."""

    NONE = "NONE"
    COLLECTED_ABROAD = "COLLECTED_ABROAD"
    CONTRACT_WITH_INDIVIDUAL = "CONTRACT_WITH_INDIVIDUAL"
    EMPLOYEES = "EMPLOYEES"
    EMERGENCY = "EMERGENCY"
    FREE_TRADE_ZONE = "FREE_TRADE_ZONE"


class ContractKind(StrEnum):
    """The contracts with an individual that Art 5(1)(1) names."""

    SHOPPING = "SHOPPING"
    COURIER = "COURIER"
    REMITTANCE = "REMITTANCE"
    PAYMENT = "PAYMENT"
    ACCOUNT = "ACCOUNT"
    TRAVEL = "TRAVEL"
    VISA = "VISA"
    EXAM = "EXAM"


class Mode(StrEnum):
    """How the data leaves; to read it from abroad is to export it."""

    FILE = "FILE"
    API = "API"
    REMOTE_ACCESS = "REMOTE_ACCESS"
    PRIVACY_COMPUTING = "PRIVACY_COMPUTING"


class Channel(StrEnum):
    """The line it takes; the dedicated channel is R70's (国际互联网数据专用通道)."""

    INTERNET = "INTERNET"
    DEDICATED = "DEDICATED"
    PRIVATE_LINE = "PRIVATE_LINE"
    MEDIUM = "MEDIUM"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataField:
    """One field of the data list."""

    name: str
    personal: bool = False
    sensitive: bool = False
    level: Level = Level.GENERAL_1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who receives abroad: `org_id` where it is a member, for only a member receives by this exchange."""

    name: str
    country: str
    contact: str
    affiliation: str = ""
    org_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Research:
    """The project's file (R71): ethics approval, what data, who takes part."""

    project: str
    ethics_no: str
    ethics_sha256: str
    participants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """All that an exporter says. `persons` are those without, `sensitive_persons` those with sensitive data.

    `volume_bytes` and `volume_uses` bound what may leave in the period; `trade_id` or `product_id` says
    what it is about, neither is of data that goes by another way than this exchange.
    """

    kind: Kind
    recipient: Recipient
    purpose: str
    necessity: str
    fields: tuple[DataField, ...]
    level: Level
    persons: int
    sensitive_persons: int
    volume_bytes: int
    volume_uses: int
    mode: Mode
    channel: Channel
    storage_place: str
    retention_months: int
    period_from: date
    period_to: date
    industry: str
    onward: tuple[str, ...] = ()
    scenario: str = ""
    ground: Ground = Ground.NONE
    contract_kind: ContractKind | None = None
    zone: str = ""
    state_secret: bool = False
    trade_id: str | None = None
    product_id: str | None = None
    research: Research | None = None
    request_authority: str = ""
    attachments: Mapping[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """Whether the data list, or a number, says that there is personal information."""
        return self.sensitive or self.persons > 0 or any(one.personal for one in self.fields)

    @property
    def sensitive(self) -> bool:
        return self.sensitive_persons > 0 or any(one.sensitive for one in self.fields)

    @property
    def country(self) -> str:
        """Where it goes: the storage place counts where the recipient sits in the mainland."""
        found = country_of(self.recipient.country)
        return country_of(self.storage_place) if found == "CN" else found

    def document(self) -> dict[str, Any]:
        """As an opening and the table keep it."""
        return {name: _plain(value) for name, value in asdict(self).items()}


MAX_PERIOD_DAYS: Final = 3 * 366


def check_declaration(said: Declaration, on: date) -> None:
    """The form of a declaration. Raises DeclarationMalformed, naming the fields, and PlaceMalformed."""
    names = [one.name for one in said.fields]
    personal = [one for one in said.fields if one.personal]
    wrong = [
        ("recipient", said.country == "CN"),
        ("fields", not 1 <= len(names) <= MAX_FIELDS or len(set(names)) < len(names)),
        ("fields.sensitive", any(one.sensitive and not one.personal for one in said.fields)),
        ("level", rank(said.level) < max((rank(one.level) for one in said.fields), default=0)),
        ("persons", bool(personal) and said.persons + said.sensitive_persons == 0),
        ("fields.personal", not personal and said.persons + said.sensitive_persons > 0),
        ("sensitive_persons", (said.sensitive_persons > 0) != any(one.sensitive for one in said.fields)),
        ("volume_bytes", said.volume_bytes < 1),
        ("volume_uses", said.volume_uses < 1),
        ("industry", said.industry != "" and _INDUSTRY.fullmatch(said.industry) is None),
        ("period_to", not 0 <= (said.period_to - said.period_from).days <= MAX_PERIOD_DAYS),
        ("period_to", said.period_to < on),
        (
            "contract_kind",
            (said.ground is Ground.CONTRACT_WITH_INDIVIDUAL) != (said.contract_kind is not None),
        ),
        ("zone", (said.ground is Ground.FREE_TRADE_ZONE) != bool(said.zone)),
        ("research", (said.kind is Kind.RESEARCH) != (said.research is not None)),
        ("request_authority", (said.kind is Kind.FOREIGN_REQUEST) != bool(said.request_authority)),
        ("trade_id", said.trade_id is not None and said.product_id is not None),
        ("trade_id", (said.trade_id or said.product_id) is not None and said.recipient.org_id is None),
    ]
    for place in (said.storage_place, *said.onward):
        country_of(place)
    fields = sorted({name for name, is_wrong in wrong if is_wrong})
    if fields:
        raise DeclarationMalformed("the declaration is not of its form", fields=fields)


_SENSITIVE: Final = frozenset(
    {HintKind.CN_ID, HintKind.BANK_CARD, HintKind.BIOMETRIC, HintKind.HEALTH, HintKind.GPS_PAIR}
)
_PERSONAL: Final = frozenset({*_SENSITIVE, HintKind.MOBILE, HintKind.PLATE})


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A field of the file that a scan takes for more than the declaration says of it."""

    field: str
    kind: str


def undeclared(said: Declaration, hints: Iterable[Hint]) -> tuple[Undeclared, ...]:
    """What a scan of the same file saw and the data list does not say (XB2).

    Health and places count beside something that is personal by itself, as the registry grades them.
    """
    seen = [hint for hint in hints if hint.flagged and hint.kind in _PERSONAL]
    alone = any(hint.kind not in {HintKind.HEALTH, HintKind.GPS_PAIR} for hint in seen)
    listed = {one.name: one for one in said.fields}
    found: dict[str, str] = {}
    for hint in seen:
        if hint.kind in {HintKind.HEALTH, HintKind.GPS_PAIR} and not alone:
            continue
        for column in hint.column.split(", "):
            one = listed.get(column)
            if hint.kind in _SENSITIVE and (one is None or not one.sensitive):
                found[column] = f"sensitive:{hint.kind.value}"
            elif one is None or not one.personal:
                found.setdefault(column, f"personal:{hint.kind.value}")
    return tuple(Undeclared(column, kind) for column, kind in sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Sample:
    """How many persons a file shows: `fewest` there must be, by different identity numbers; `likely` as many
    as there are different identifiers of any kind. Both are 0 where less than the whole file was declared.
    """

    fewest: int = 0
    likely: int = 0


_IDENTIFIERS: Final = frozenset({HintKind.CN_ID, HintKind.MOBILE, HintKind.PLATE, HintKind.BANK_CARD})


def sample_of(
    said: Declaration, hints: Sequence[Hint], distinct: Mapping[str, int], file_bytes: int
) -> Sample:
    """What a scan of a file tells of its persons. `distinct` are the different values of each column.

    Nobody has two identity numbers, and many have two telephones.
    """
    if said.volume_bytes < file_bytes:
        return Sample()
    found = {
        kind: max(
            (
                max(0, distinct.get(hint.column, 0) - (hint.checked - hint.rows))
                for hint in hints
                if hint.flagged and hint.kind is kind
            ),
            default=0,
        )
        for kind in _IDENTIFIERS
    }
    return Sample(found[HintKind.CN_ID], max(found.values()))


def require_persons(said: Declaration, sample: Sample) -> None:
    """Raise DeclarationContradicted where a whole file goes that holds more persons than were declared."""
    declared = said.persons + said.sensitive_persons
    if said.mode is Mode.FILE and declared < sample.fewest:
        raise DeclarationContradicted(
            "a scan of the file sees more persons than were declared", declared=declared, seen=sample.fewest
        )


def require_declared(said: Declaration, hints: Iterable[Hint], level: Level) -> None:
    """Raise DeclarationContradicted for a declaration that hides what the data shows."""
    hidden = undeclared(said, hints)
    if hidden:
        raise DeclarationContradicted(
            "a scan of the file sees fields that were not declared so",
            fields=[f"{one.field}: {one.kind}" for one in hidden],
        )
    if rank(level) > rank(said.level):
        raise DeclarationContradicted(
            "the registry holds a higher level", declared=said.level.value, level=level.value
        )


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
