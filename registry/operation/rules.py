"""What authorised operation decides, purely: scheme, selection, agreement, scenario, use, prices, years.

Sources: 公共数据资源授权运营实施规范（试行）, whose articles are named; 发改价格〔2025〕65号;
公共数据资源登记管理暂行办法. The numbers stand in `rule_table.csv`, each with its source and its dates.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from base.calendar import end_of_day_shanghai, months_after, shanghai_day
from registry.operation.errors import (
    AgreementUnfit,
    GrantMalformed,
    OutsideScope,
    PriceAboveGrantCap,
    SchemeIncomplete,
    SelectionUnfit,
    YearUnfit,
)
from registry.operation.revenue import last_day_of_disclosure
from registry.operation.terms import term

MAX_NAME: Final = 120
MAX_TEXT: Final = 2_000
MAX_DATA: Final = 50
MAX_PRODUCTS: Final = 50
MAX_CONDITIONS: Final = 30
MAX_BIDDERS: Final = 20
MAX_TRACES: Final = 6
MAX_FIELDS: Final = 100
MAX_USERS: Final = 50
MAX_CALLS: Final = 10**12
MAX_SCORE: Final = 1_000


class OperationMode(StrEnum):
    """How far the authorisation reaches (Art 9): the whole, one sector, one scenario."""

    WHOLE = "WHOLE"
    SECTOR = "SECTOR"
    SCENARIO = "SCENARIO"


class ProductClass(StrEnum):
    """For public governance and welfare: free. For industry: a service fee under guidance."""

    FREE = "FREE"
    PAID = "PAID"


class PriceUnit(StrEnum):
    """What a cap is set for."""

    PRODUCT = "PRODUCT"
    USE = "USE"
    TIME = "TIME"
    CALL = "CALL"
    THOUSAND_CALLS = "THOUSAND_CALLS"


class SelectionMethod(StrEnum):
    """How an operator is found (Art 12). A direct award is recorded too: `AM1` asks about it."""

    OPEN_TENDER = "OPEN_TENDER"
    INVITED_TENDER = "INVITED_TENDER"
    NEGOTIATION = "NEGOTIATION"
    DIRECT = "DIRECT"


class Content(StrEnum):
    """The twelve contents of a scheme (Art 9)."""

    NAME = "NAME"
    NEED = "NEED"
    CONDITIONS = "CONDITIONS"
    MODE = "MODE"
    RANGE = "RANGE"
    CATALOGUE = "CATALOGUE"
    TERM = "TERM"
    PRODUCTS = "PRODUCTS"
    INCOME = "INCOME"
    SECURITY = "SECURITY"
    DUTIES = "DUTIES"
    SUPERVISION = "SUPERVISION"


class Clause(StrEnum):
    """The thirteen contents of an agreement (Art 14)."""

    PARTIES = "PARTIES"
    RESOURCES = "RESOURCES"
    TERM = "TERM"
    PRODUCTS = "PRODUCTS"
    ENVIRONMENT = "ENVIRONMENT"
    DUTIES = "DUTIES"
    INCOME = "INCOME"
    SECURITY = "SECURITY"
    QUALITY = "QUALITY"
    DISCLOSURE = "DISCLOSURE"
    EXIT = "EXIT"
    LIABILITY = "LIABILITY"
    NO_REDEVELOPMENT = "NO_REDEVELOPMENT"


class BreachKind(StrEnum):
    """What an operator can have done wrong (`states.md` §3.8)."""

    SCOPE = "SCOPE"
    REDEVELOPMENT = "REDEVELOPMENT"
    PRICE = "PRICE"
    SECURITY = "SECURITY"
    EXCLUSION = "EXCLUSION"
    NOT_DISCLOSED = "NOT_DISCLOSED"


class ScenarioState(StrEnum):
    ASKED = "ASKED"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProduct:
    """A product as the scheme lists it."""

    title: str
    product_class: ProductClass
    unit: PriceUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """The scheme of an authorised operation; each member is one of the twelve contents, or part of one."""

    name: str
    need: str
    conditions: tuple[str, ...]
    mode: OperationMode
    resource_range: str
    data_ids: tuple[str, ...]
    term_months: int
    exit: str
    products: tuple[PlannedProduct, ...]
    income: str
    security: str
    duties: str
    supervision: str

    @property
    def contents(self) -> Mapping[Content, bool]:
        """Whether each content is there, with something in it."""
        return {
            Content.NAME: bool(self.name.strip()),
            Content.NEED: bool(self.need.strip()),
            Content.CONDITIONS: bool(self.conditions) and all(one.strip() for one in self.conditions),
            Content.MODE: True,
            Content.RANGE: bool(self.resource_range.strip()),
            Content.CATALOGUE: bool(self.data_ids),
            Content.TERM: self.term_months > 0 and bool(self.exit.strip()),
            Content.PRODUCTS: bool(self.products) and all(one.title.strip() for one in self.products),
            Content.INCOME: bool(self.income.strip()),
            Content.SECURITY: bool(self.security.strip()),
            Content.DUTIES: bool(self.duties.strip()),
            Content.SUPERVISION: bool(self.supervision.strip()),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bidder:
    """Who bid, its score in tenths of a point, and digests of the traces its papers bear (`CO7`)."""

    org_id: str
    score: int
    traces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The record of a selection: method, notice, who bid with which score, digests, a stated exception."""

    method: SelectionMethod
    notice_from: date
    notice_to: date
    notice_sha256: str
    record_sha256: str
    bidders: tuple[Bidder, ...]
    winner_id: str
    exception: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sign: the text of each of the thirteen contents, the term, the digest of the document."""

    clauses: Mapping[Clause, str]
    term_from: date
    term_to: date
    redevelopment_barred: bool
    document_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario, one application: for what, which fields of which data, for whom, where, until when."""

    name: str
    purpose: str
    fields: Mapping[str, tuple[str, ...]]
    users: tuple[str, ...]
    environment: str
    starts: date
    ends: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One job of an operator: for which user and purpose, which fields of which data, and where."""

    data_id: str
    fields: tuple[str, ...]
    user_id: str
    purpose: str
    environment: str
    calls: int


def check_scheme(said: Scheme, at: datetime) -> None:
    """All twelve contents are there (SchemeIncomplete); each is of its form (GrantMalformed)."""
    missing = sorted(content.value for content, there in said.contents.items() if not there)
    if missing:
        raise SchemeIncomplete("the scheme lacks contents of Art 9", missing=missing)
    texts = (said.need, said.resource_range, said.exit, said.income, said.security, said.duties)
    wrong = [
        ("name", len(said.name) > MAX_NAME),
        ("text", any(len(text) > MAX_TEXT for text in (*texts, said.supervision, *said.conditions))),
        ("conditions", len(said.conditions) > MAX_CONDITIONS),
        ("data_ids", len(said.data_ids) > MAX_DATA or len(set(said.data_ids)) < len(said.data_ids)),
        ("products", len(said.products) > MAX_PRODUCTS),
        ("term_months", said.term_months > term("term", at).whole),
    ]
    _refuse(wrong, "the scheme is not of its form")


def check_selection(said: Selection, *, authority_id: str, at: datetime) -> None:
    """The record is as its method asks (Art 12). SelectionUnfit names what is short; GrantMalformed."""
    method = said.method.value.lower()
    tender = said.method in {SelectionMethod.OPEN_TENDER, SelectionMethod.INVITED_TENDER}
    least = term(f"{method}_bidders", at).whole
    days = term("tender_notice" if tender else f"{method}_notice", at).whole
    ids = [bidder.org_id for bidder in said.bidders]
    wrong = [
        ("bidders", len(ids) > MAX_BIDDERS or len(set(ids)) < len(ids)),
        ("scores", any(not 0 <= bidder.score <= MAX_SCORE for bidder in said.bidders)),
        ("notice_to", said.notice_to < said.notice_from or said.notice_to > shanghai_day(at)),
        ("winner_id", said.winner_id not in ids),
    ]
    _refuse(wrong, "the record of the selection is not of its form")
    short = []
    if len(ids) < least:
        short.append("bidders")
    if (said.notice_to - said.notice_from).days < days:
        short.append("notice")
    best = max(bidder.score for bidder in said.bidders)
    if next(bidder.score for bidder in said.bidders if bidder.org_id == said.winner_id) < best:
        short.append("score")
    if authority_id in ids:
        short.append("own-bid")
    if short:
        raise SelectionUnfit(
            "the selection is not as its method asks", short=short, bidders=least, notice_days=days
        )


def check_agreement(said: Agreement, scheme_months: int, at: datetime) -> None:
    """The thirteen contents, no re-development, at most the scheme's term and five years: AgreementUnfit."""
    missing = sorted(clause.value for clause in Clause if not said.clauses.get(clause, "").strip())
    _refuse(
        [("clauses", any(len(text) > MAX_TEXT for text in said.clauses.values()))],
        "the agreement is not of its form",
    )
    short = [f"clause:{clause}" for clause in missing]
    if not said.redevelopment_barred:
        short.append("redevelopment")
    short += _term_short(said.term_from, said.term_to, min(scheme_months, term("term", at).whole), at)
    if short:
        raise AgreementUnfit("the agreement is not as Art 14 asks", short=short)


def check_renewal(ends: date, until: date, at: datetime) -> None:
    """A grant is renewed by at most five years from its end. Raises AgreementUnfit."""
    most = months_after(ends, term("term", at).whole)
    if not ends < until <= most:
        raise AgreementUnfit("renewed by at most five years", short=["term"], until=most.isoformat())


def _term_short(begins: date, ends: date, months: int, at: datetime) -> list[str]:
    """What is wrong with a term of so many months at most; its last day is the one before the anniversary."""
    long = ends >= months_after(begins, months)
    return ["term"] * (ends <= begins or long or ends <= shanghai_day(at))


def check_scenario(said: Scenario, *, data: Mapping[str, Collection[str]], term_to: datetime) -> None:
    """A scenario names a purpose, fields of the grant's data, an environment, and ends with the grant.

    `data` are the fields of each resource; none where its list entry tells none. Raises GrantMalformed,
    OutsideScope.
    """
    wrong = [
        ("name", not 0 < len(said.name.strip()) <= MAX_NAME),
        ("purpose", not 0 < len(said.purpose.strip()) <= MAX_TEXT),
        ("environment", not 0 < len(said.environment.strip()) <= MAX_NAME),
        ("fields", not said.fields or any(not names for names in said.fields.values())),
        ("fields", sum(len(names) for names in said.fields.values()) > MAX_FIELDS),
        ("users", len(said.users) > MAX_USERS),
        ("ends", said.ends <= said.starts),
    ]
    _refuse(wrong, "the scenario is not of its form")
    outside = [data_id for data_id in said.fields if data_id not in data]
    for data_id, names in said.fields.items():
        known = data.get(data_id, ())
        outside += [f"{data_id}.{name}" for name in names if known and name not in known]
    if end_of_day_shanghai(said.ends) > term_to:
        outside.append("term")
    if outside:
        raise OutsideScope("the scenario reaches beyond the grant", outside=sorted(outside))


def check_use(said: Use, scenario: Scenario, at: datetime) -> None:
    """A use stays in its scenario in every respect. Raises OutsideScope naming each that it leaves."""
    _refuse([("calls", not 0 < said.calls <= MAX_CALLS), ("fields", not said.fields)], "not a use")
    granted = scenario.fields.get(said.data_id, ())
    today = shanghai_day(at)
    left = [
        ("data", said.data_id not in scenario.fields),
        ("fields", bool(set(said.fields) - set(granted))),
        ("user", bool(scenario.users) and said.user_id not in scenario.users),
        ("purpose", said.purpose.strip() != scenario.purpose.strip()),
        ("environment", said.environment.strip() != scenario.environment.strip()),
        ("term", not scenario.starts <= today <= scenario.ends),
    ]
    outside = [name for name, is_outside in left if is_outside]
    if outside:
        raise OutsideScope("this use is outside the scenario that was approved", outside=outside)


def check_columns(columns: Collection[str], scenario: Scenario, held: Collection[str]) -> None:
    """A product's file has no column that bears the name of a field which its scenario leaves out.

    `held` are all fields of the grant's data; a column of another name was made from them. Case and blanks
    around a name tell nothing apart. Raises OutsideScope, naming the columns.
    """
    named = {name.strip().casefold() for names in scenario.fields.values() for name in names}
    barred = {name.strip().casefold() for name in held} - named
    beyond = sorted(name for name in columns if name.strip().casefold() in barred)
    if beyond:
        raise OutsideScope("the scenario leaves these fields out", outside=["fields"], columns=beyond)


def check_price(product_class: ProductClass, price_minor: int, cap_minor: int) -> None:
    """At most the cap; what is free costs nothing. Raises PriceAboveGrantCap."""
    cap = 0 if product_class is ProductClass.FREE else cap_minor
    if price_minor > cap:
        raise PriceAboveGrantCap(
            "the price is above the cap", price_minor=str(price_minor), cap_minor=str(cap)
        )


def disclosed_until(year: int, at: datetime) -> datetime:
    """The last moment to disclose a year."""
    month, day = term("disclosure_month", at).whole, term("disclosure_day", at).whole
    return end_of_day_shanghai(last_day_of_disclosure(year, month, day))


def check_year(year: int, *, begun: datetime, ended: datetime | None, at: datetime) -> None:
    """A year that is over and in which the grant was held. Raises YearUnfit."""
    last = shanghai_day(ended or at).year
    if not shanghai_day(begun).year <= year <= last or year >= shanghai_day(at).year:
        raise YearUnfit("not a year that is over and in which the grant was held", year=year)


def first_full_year(begun: datetime) -> int:
    """The first year that the grant was active all through: when it is over there are no trial prices."""
    day = shanghai_day(begun)
    return day.year if (day.month, day.day) == (1, 1) else day.year + 1


def _refuse(wrong: Sequence[tuple[str, bool]], why: str) -> None:
    fields = list(dict.fromkeys(field for field, is_wrong in wrong if is_wrong))
    if fields:
        raise GrantMalformed(why, fields=fields)
