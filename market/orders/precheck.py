"""The checks between acceptance and contract, as one list over facts (`states.md` §3.4, ACCEPTED).

Each check asks one rule and is kept with its rule id, passed or not: TRD.PRECHECK_PASS and
TRD.PRECHECK_FAIL carry the whole list. Customs stands above orders, so its answer is a fact here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from base.errors import Refusal
from brokers.commission import check_commission
from brokers.errors import NoActiveMandate
from brokers.rules import (
    BrokerAct,
    Certificate,
    Interest,
    Mandate,
    check_certificate,
    check_conflicts,
    check_dual_representation,
    check_mandate,
    check_self_dealing,
)
from brokers.rules import Side as ClientSide
from identity.errors import MemberNotActive
from market.listings.rules import ListingState, check_listed, check_price_basis
from market.orders.errors import (
    ChannelConditionsUnmet,
    PrecheckFailed,
    SourceRecordsMissing,
)
from registry.rules import Channel, Level, PersonalData, check_channel, screen


@dataclass(frozen=True, slots=True)
class CustomsAnswer:
    """What customs decided: whether the route is open, by which rule, and why."""

    passed: bool
    rule_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Brokerage:
    """The broker of a trade: its certificate, its mandates in this trade, what links it to the parties.

    `consents` are the parties that consented in writing to a disclosed conflict of interest.
    """

    broker_id: str
    certificate: Certificate | None
    act: BrokerAct
    mandates: Sequence[Mandate]
    commission_bp: int
    controllers: Mapping[str, str] = field(default_factory=dict)
    interests: Sequence[Interest] = ()
    consents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PrecheckFacts:
    """All that the checks ask. `members` says of each party (with its broker) whether it is active."""

    at: datetime
    listing_id: str
    listing_status: ListingState
    seller_id: str
    buyer_id: str
    members: Mapping[str, bool]
    level: Level
    personal: PersonalData
    source_records: bool
    price_minor: int
    public_data: bool
    cap_minor: int | None
    customs: CustomsAnswer
    channel: Channel = Channel.TRADE
    brokerage: Brokerage | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, the rule it asked, and the refusal's code where it failed."""

    name: str
    rule_id: str
    passed: bool
    code: str | None = None
    detail: str | None = None

    def document(self) -> dict[str, Any]:
        """The public form: no detail, which may name what is confidential."""
        return {"check": self.name, "rule_id": self.rule_id, "passed": self.passed, "code": self.code}


@dataclass(frozen=True, slots=True)
class Precheck:
    """All checks of a trade, in their order."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def rules(self) -> list[str]:
        """The ids of the rules that were asked, sorted."""
        return sorted({check.rule_id for check in self.checks})

    def documents(self) -> list[dict[str, Any]]:
        return [check.document() for check in self.checks]

    def require_passed(self) -> None:
        """Refuse, with PrecheckFailed, a trade of which a check failed."""
        if not self.passed:
            raise PrecheckFailed(
                "a check before the contract fails",
                failed=[check.name for check in self.failed],
                rules=sorted({check.rule_id for check in self.failed}),
            )


def precheck(facts: PrecheckFacts) -> Precheck:
    """Ask every rule; none is left out because another failed. Raises Malformed for facts without form."""
    return Precheck(tuple(_checks(facts)))


def _checks(facts: PrecheckFacts) -> Iterator[Check]:
    yield _ask("members-active", "MEMBER", lambda: _members(facts))
    yield _ask(
        "listing-listed", "LST", lambda: check_listed(facts.listing_status, listing_id=facts.listing_id)
    )
    yield _ask("source-records", "BR3", lambda: _records(facts))
    yield _ask("level-channel", "GRADE-CHANNEL", lambda: _channel(facts))
    yield _ask(
        "price",
        "PRICE_CAP",
        lambda: check_price_basis(
            list_price_minor=facts.price_minor, public_data=facts.public_data, cap_minor=facts.cap_minor
        ),
    )
    yield Check(
        "customs-route",
        facts.customs.rule_id,
        facts.customs.passed,
        None if facts.customs.passed else "customs-route-not-open",
        facts.customs.reason,
    )
    if facts.brokerage is not None:
        yield from _broker_checks(facts, facts.brokerage)


def _broker_checks(facts: PrecheckFacts, brokerage: Brokerage) -> Iterator[Check]:
    parties = (facts.seller_id, facts.buyer_id)
    yield _ask(
        "broker-certificate",
        "BR1",
        lambda: check_certificate(brokerage.certificate, broker_id=brokerage.broker_id, act=brokerage.act),
    )
    yield _ask("mandate", "BR2", lambda: _mandates(facts, brokerage))
    yield _ask(
        "conflict-of-interest",
        "BR4",
        lambda: check_conflicts(
            broker_id=brokerage.broker_id,
            parties=parties,
            interests=brokerage.interests,
            consents=brokerage.consents,
        ),
    )
    yield _ask(
        "self-dealing",
        "BR5",
        lambda: check_self_dealing(
            broker_id=brokerage.broker_id, parties=parties, controllers=brokerage.controllers
        ),
    )
    yield _ask("dual-representation", "BR6", lambda: check_dual_representation(brokerage.mandates))
    yield _ask("commission", "BR7", lambda: check_commission(brokerage.commission_bp))


def _ask(name: str, rule_id: str, question: Callable[[], object]) -> Check:
    try:
        question()
    except Refusal as refusal:
        return Check(name, refusal.rule_id or rule_id, passed=False, code=refusal.code, detail=refusal.detail)
    return Check(name, rule_id, passed=True)


def _members(facts: PrecheckFacts) -> None:
    wanted = [facts.seller_id, facts.buyer_id]
    if facts.brokerage is not None:
        wanted.append(facts.brokerage.broker_id)
    missing = [org_id for org_id in wanted if not facts.members.get(org_id, False)]
    if missing:
        raise MemberNotActive("a party of the trade is no active member", org_ids=missing)


def _records(facts: PrecheckFacts) -> None:
    if not facts.source_records:
        raise SourceRecordsMissing("source statement or identity records are missing")


def _channel(facts: PrecheckFacts) -> None:
    check_channel(facts.level, facts.channel)
    if facts.channel is not Channel.TRADE:
        return
    screened = screen(facts.level, (), facts.personal)
    if not screened.passed:
        raise ChannelConditionsUnmet(
            "what the level asks of an ordinary trade is not there", reasons=list(screened.reasons)
        )


def _mandates(facts: PrecheckFacts, brokerage: Brokerage) -> None:
    if not brokerage.mandates:
        raise NoActiveMandate("the broker has no mandate in this trade", reason="none")
    clients = {ClientSide.PROVIDER: facts.seller_id, ClientSide.BUYER: facts.buyer_id}
    for mandate in brokerage.mandates:
        check_mandate(
            mandate,
            broker_id=brokerage.broker_id,
            client_id=clients[mandate.side],
            side=mandate.side,
            listing_id=facts.listing_id,
            at=facts.at,
        )
