"""What a broker may do: conduct rules BR1, BR2, BR4, BR5, BR6 as questions over values.

Each `check_…` returns None or raises the refusal of its rule. They are asked at every act of a broker,
with the certificate and the mandate as they stand under the act's locks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from base.clock import rfc3339
from brokers.errors import (
    BrokerNotCertified,
    CertificateBeyondGrade,
    ConflictNotConsented,
    DualRepresentation,
    NoActiveMandate,
    SelfDealing,
)
from brokers.states import (
    AT_WORK,
    CertificateEvent,
    CertificateState,
    MandateEvent,
    MandateState,
    certificate_may_move,
    mandate_may_move,
)
from registry.rules import Level, rank

__all__ = [
    "ALL_SECTORS",
    "IN_FORCE",
    "BrokerAct",
    "BrokerType",
    "Certificate",
    "CertificateEvent",
    "CertificateState",
    "Handling",
    "Interest",
    "Mandate",
    "MandateEvent",
    "MandateState",
    "Power",
    "Side",
    "certificate_may_move",
    "check_certificate",
    "check_conflicts",
    "check_dual_representation",
    "check_grade_scope",
    "check_mandate",
    "check_self_dealing",
    "mandate_may_move",
    "may_handle",
]

ALL_SECTORS: Final = "*"  # a certificate for every sector
OWNERSHIP_LIMIT_BP: Final = 500  # BR4: from 5 % on an interest is a conflict
# While rectifying (30 days) a broker goes on working; that is what tells it from a suspension.
# So does one that has given notice of its exit: what runs is finished or handed over, nothing new is begun.
IN_FORCE: Final = frozenset(AT_WORK)


class BrokerType(StrEnum):
    """The three types of the Guangzhou pilot: 技术赋能型, 数据赋能型, 受托行权型."""

    TECHNOLOGY = "T"
    DATA = "D"
    MANDATE = "M"


class Side(StrEnum):
    """The client's side in a mandate."""

    PROVIDER = "PROVIDER"
    BUYER = "BUYER"


class Power(StrEnum):
    """What a broker does for its client in an act."""

    MATCH = "MATCH"
    NEGOTIATE = "NEGOTIATE"
    SET_PRICE = "SET_PRICE"  # fixes the price itself, within the mandate
    TAKE_TITLE = "TAKE_TITLE"


@dataclass(frozen=True, slots=True)
class Handling:
    """What a grade may handle at most (`BRK-QUAL`, last row)."""

    max_level: Level
    personal: bool
    sensitive: bool
    cross_border: bool


_GRADES: Final[Mapping[int, Handling]] = {
    1: Handling(Level.IMPORTANT, personal=True, sensitive=True, cross_border=True),
    2: Handling(Level.GENERAL_3, personal=True, sensitive=False, cross_border=False),
    3: Handling(Level.GENERAL_2, personal=False, sensitive=False, cross_border=False),
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as it stands: whose, of which type and grade, for what, until when, in which state.

    Both ends of the validity belong to it.
    """

    cert_id: str
    org_id: str
    broker_type: BrokerType
    grade: int
    sectors: frozenset[str]
    max_level: Level
    cross_border: bool
    valid_from: datetime
    valid_to: datetime
    status: CertificateState


@dataclass(frozen=True, slots=True)
class BrokerAct:
    """One act of a broker: when, in which sector, with data of which level, with which powers."""

    at: datetime
    sector: str
    level: Level
    personal: bool = False
    sensitive: bool = False
    cross_border: bool = False
    powers: frozenset[Power] = frozenset({Power.NEGOTIATE})
    adds_own_data: bool = False
    own_data_disclosed: bool = False


@dataclass(frozen=True, slots=True)
class Mandate:
    """A client's written mandate; `listing_id` None covers all of the client's trades on its side."""

    mandate_id: str
    broker_id: str
    client_id: str
    side: Side
    listing_id: str | None
    ends_at: datetime
    status: MandateState
    fee_bp: int = 0
    conflict_disclosed: bool = False
    dual_consent: bool = False


@dataclass(frozen=True, slots=True)
class Interest:
    """What links a broker to one party of the trade: a share either way, or people who manage both."""

    party_id: str
    ownership_bp: int = 0
    shared_management: bool = False


def may_handle(grade: int) -> Handling:
    """What a grade (1 to 3) may handle. Raises CertificateBeyondGrade for any other number."""
    handling = _GRADES.get(grade)
    if handling is None:
        raise CertificateBeyondGrade("there are grades 1, 2 and 3", grade=grade)
    return handling


def check_grade_scope(*, grade: int, max_level: Level, cross_border: bool) -> None:
    """BRK-QUAL: a certificate's scope stays within its grade; else CertificateBeyondGrade."""
    handling = may_handle(grade)
    if rank(max_level) > rank(handling.max_level):
        raise CertificateBeyondGrade(
            "the level is above what the grade may handle",
            grade=grade,
            level=max_level.value,
            limit=handling.max_level.value,
        )
    if cross_border and not handling.cross_border:
        raise CertificateBeyondGrade("cross-border mandates need grade 1", grade=grade)


def check_certificate(certificate: Certificate | None, *, broker_id: str, act: BrokerAct) -> None:
    """BR1: an active certificate covers type, level and sector at the time of each act.

    Raises BrokerNotCertified with `reason`: none, state, not-yet-valid, expired, sector, level,
    personal-data, sensitive-data, cross-border, type, own-data.
    """
    if certificate is None or certificate.org_id != broker_id:
        raise BrokerNotCertified("the broker holds no certificate", reason="none", broker_id=broker_id)
    reason = _uncovered(certificate, act)
    if reason is not None:
        raise BrokerNotCertified(
            f"the certificate does not cover this act: {reason}",
            reason=reason,
            broker_id=broker_id,
            cert_id=certificate.cert_id,
            status=certificate.status.value,
            at=rfc3339(act.at),
        )


def _uncovered(certificate: Certificate, act: BrokerAct) -> str | None:
    handling = may_handle(certificate.grade)
    limit = min(rank(certificate.max_level), rank(handling.max_level))
    takes_over = act.powers & {Power.SET_PRICE, Power.TAKE_TITLE}
    questions = (
        ("state", certificate.status not in IN_FORCE),
        ("not-yet-valid", act.at < certificate.valid_from),
        ("expired", act.at > certificate.valid_to),
        ("sector", not {act.sector, ALL_SECTORS} & certificate.sectors),
        ("level", rank(act.level) > limit),
        ("personal-data", act.personal and not handling.personal),
        ("sensitive-data", act.sensitive and not handling.sensitive),
        ("cross-border", act.cross_border and not (certificate.cross_border and handling.cross_border)),
        ("type", certificate.broker_type is BrokerType.TECHNOLOGY and bool(takes_over)),
        ("own-data", act.adds_own_data and not _may_add_own_data(certificate, act)),
    )
    return next((reason for reason, met in questions if met), None)


def _may_add_own_data(certificate: Certificate, act: BrokerAct) -> bool:
    return certificate.broker_type is BrokerType.DATA and act.own_data_disclosed


def check_mandate(
    mandate: Mandate | None,
    *,
    broker_id: str,
    client_id: str,
    side: Side,
    listing_id: str | None,
    at: datetime,
) -> None:
    """BR2: a written, signed mandate of this client on this side, covering this listing, not ended.

    Raises NoActiveMandate with `reason`: none, broker, client, side, listing, state, ended.
    """
    if mandate is None:
        raise NoActiveMandate(
            "the client gave no mandate", reason="none", broker_id=broker_id, client_id=client_id
        )
    questions = (
        ("broker", mandate.broker_id != broker_id),
        ("client", mandate.client_id != client_id),
        ("side", mandate.side is not side),
        ("listing", mandate.listing_id is not None and mandate.listing_id != listing_id),
        ("state", mandate.status is not MandateState.ACTIVE),
        ("ended", at > mandate.ends_at),
    )
    reason = next((reason for reason, met in questions if met), None)
    if reason is not None:
        raise NoActiveMandate(
            f"the mandate does not cover this act: {reason}",
            reason=reason,
            mandate_id=mandate.mandate_id,
            broker_id=broker_id,
            client_id=client_id,
            status=mandate.status.value,
        )


def check_self_dealing(*, broker_id: str, parties: Iterable[str], controllers: Mapping[str, str]) -> None:
    """BR5: a broker does not trade for its own account in what it brokers; raises SelfDealing.

    `controllers` gives the ultimate controller of each organisation; one that is not named there
    controls itself.
    """
    own = controllers.get(broker_id, broker_id)
    for party_id in parties:
        if party_id == broker_id or controllers.get(party_id, party_id) == own:
            raise SelfDealing(
                "the broker and a party of the trade are under one control",
                broker_id=broker_id,
                party_id=party_id,
            )


def check_conflicts(
    *, broker_id: str, parties: Sequence[str], interests: Iterable[Interest], consents: frozenset[str]
) -> None:
    """BR4: with an interest of 5 % or shared management, both parties must have consented in writing.

    Common control is no matter of consent: `check_self_dealing` refuses it. `consents` are the parties
    that did; raises ConflictNotConsented naming those that did not.
    """
    for interest in interests:
        if interest.ownership_bp < OWNERSHIP_LIMIT_BP and not interest.shared_management:
            continue
        missing = sorted(party for party in parties if party not in consents)
        if missing:
            raise ConflictNotConsented(
                "an interest in a party, and not both parties consent",
                broker_id=broker_id,
                interest_in=interest.party_id,
                missing=missing,
            )


def check_dual_representation(mandates: Sequence[Mandate]) -> None:
    """BR6: a broker with mandates of both sides needs the consent of both clients, in each mandate.

    Raises DualRepresentation (Civil Code Art 168).
    """
    if {mandate.side for mandate in mandates} != set(Side):
        return
    missing = sorted(mandate.client_id for mandate in mandates if not mandate.dual_consent)
    if missing:
        raise DualRepresentation("acting for both sides without both clients' consent", missing=missing)
