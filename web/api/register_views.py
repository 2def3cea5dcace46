"""What the register of brokers shows: the same to the API's callers and to the pages."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from pydantic import Field

from base.calendar import shanghai_day
from brokers.register import Step
from brokers.register_conduct import Measure
from brokers.register_search import Line, Order
from brokers.register_statistics import Quarter
from web.register import Record
from web.views import View

ORDER_TOLD: Final = (
    "By the column that `order` names and by nothing else: certificate number, name, newest certificate, or "
    "next to end. No broker is put before another for what it pays or for whose it is."
)
COLUMNS: Final = (
    *("cert_no", "cert_id", "org_id", "name", "uscc", "broker_type", "grade", "sectors", "max_level"),
    *("cross_border", "valid_from", "valid_to", "status", "since", "in_force"),
)


class LineView(View):
    """A certificate, or an application that was put on public notice (it has no number)."""

    cert_id: str
    cert_no: str | None
    org_id: str
    name: str
    uscc: str
    broker_type: str
    grade: int
    sectors: list[str]
    max_level: str
    cross_border: bool
    valid_from: datetime | None
    valid_to: datetime | None
    status: str
    since: datetime
    in_force: bool

    @classmethod
    def of(cls, line: Line) -> "LineView":
        said = {name: getattr(line.standing, name) for name in _OF_STANDING}
        return cls(**said, status=line.standing.state.value, name=line.holder.name, uscc=line.holder.uscc)


_OF_STANDING: Final = tuple(set(COLUMNS) - {"name", "uscc", "status"})


class RegisterPageView(View):
    as_of: date
    order: Order
    order_told: str = ORDER_TOLD
    found: int
    brokers: list[LineView]
    next_after: str | None


class StepView(View):
    """A step with its ledger entry; `log` names a closed log where it stands in one."""

    event: str
    before: str | None
    after: str | None
    at: datetime
    role: str | None
    reason_code: str | None
    case_id: str | None
    statement_id: str
    seq: int | None
    log: str | None
    receipt: str | None = Field(description="Where its receipt is, once it is sealed")

    @classmethod
    def of(cls, step: Step) -> "StepView":
        says = {name: step.says.get(name) for name in ("role", "reason_code", "case_id")}
        told = {name: getattr(step, name) for name in _OF_STEP}
        return cls(**told, **says, event=step.event.removeprefix("BRK."), receipt=receipt_of(step))


_OF_STEP: Final = ("before", "after", "at", "statement_id", "seq", "log")


def receipt_of(step: Step) -> str | None:
    """Where the receipt of a sealed step of the present log is."""
    if step.seq is None or step.log is not None:
        return None
    return f"/api/v1/ledger/entries/{step.seq}/receipt"


class MeasureView(View):
    kind: str
    cert_id: str
    at: datetime
    until: datetime | None
    ended_by: str | None
    by: str
    reason_code: str | None
    case_id: str | None
    statement_id: str
    seq: int | None
    log: str | None

    @classmethod
    def of(cls, measure: Measure) -> "MeasureView":
        own = {name: getattr(measure, name) for name in _OF_MEASURE}
        step = measure.step
        told = {name: getattr(step, name) for name in ("statement_id", "seq", "log")}
        return cls(**own, **told, cert_id=step.object_id)


_OF_MEASURE: Final = ("kind", "at", "until", "ended_by", "by", "reason_code", "case_id")


class InterestView(View):
    interest_id: str
    party_id: str
    party_name: str
    kind: str
    disclosed_at: datetime
    ended_at: datetime | None


class ChangeView(View):
    """A change that the broker told (BR13): of what, effective when, and whether it came late."""

    notice_id: str
    about: str
    told_at: datetime
    takes_effect_at: datetime | None
    late: bool


class ConfirmedView(View):
    """A case that an authority decided against this broker."""

    case_id: str
    rule_id: str
    at: datetime
    seq: int | None
    log: str | None

    @classmethod
    def of(cls, step: Step) -> "ConfirmedView":
        rule_id = str(step.says["rule_id"])
        return cls(case_id=step.object_id, rule_id=rule_id, at=step.at, seq=step.seq, log=step.log)


class PractitionerView(View):
    name: str
    number: str | None


class MandatesView(View):
    in_force: int
    frozen: int
    ended: int


class QuarterView(View):
    """`value_minor` in whole ten thousands of yuan; where it would tell a price, `withheld` says why."""

    quarter: str
    trades: int
    value_minor: int | None
    withheld: str | None


class ConductRecordView(View):
    measures: list[MeasureView]
    barred_until: datetime | None
    interests: list[InterestView]
    changes: list[ChangeView]
    confirmed: list[ConfirmedView]


class RecordView(View):
    """Practitioners and mandates are those of now, whatever the day."""

    as_of: date
    certificate: LineView
    history: list[StepView]
    conduct: ConductRecordView
    practitioners: list[PractitionerView]
    mandates: MandatesView
    mediated: list[QuarterView]
    others: list[LineView] = Field(description="What else this broker holds or held")

    @classmethod
    def of(cls, record: Record, at: datetime) -> "RecordView":
        holder = record.holder
        return cls(
            as_of=shanghai_day(at),
            certificate=LineView.of(Line(record.standing, holder)),
            history=[StepView.of(step) for step in record.holding.until(at)],
            conduct=_conduct(record, at),
            practitioners=[PractitionerView.model_validate(one) for one in record.practitioners],
            mandates=MandatesView.model_validate(record.mandates),
            mediated=quarters_told(record.mediated),
            others=[LineView.of(Line(standing, holder)) for standing in record.others],
        )


def _conduct(record: Record, at: datetime) -> ConductRecordView:
    return ConductRecordView(
        measures=[MeasureView.of(measure) for measure in record.measures],
        barred_until=record.barred_until,
        interests=[
            InterestView(
                interest_id=one.interest_id,
                party_id=one.party_id,
                party_name=record.party_names.get(one.party_id, one.party_id),
                kind=one.kind.value,
                disclosed_at=one.disclosed_at,
                ended_at=one.ended_at if one.ended_at is not None and one.ended_at <= at else None,
            )
            for one in record.interests
        ],
        changes=[ChangeView.model_validate(one) for one in record.changes],
        confirmed=[ConfirmedView.of(step) for step in record.confirmed],
    )


def quarters_told(found: Iterable[Quarter]) -> list[QuarterView]:
    """A broker's quarters as they are shown."""
    return [QuarterView.model_validate(one) for one in found]


class MonthView(View):
    month: str
    certified: int
    suspended: int
    reinstated: int
    revoked: int
    expired: int
    exited: int


class DurationsView(View):
    certificates: int
    shortest: int | None
    median: float | None
    longest: int | None


class MediatedView(View):
    org_id: str
    name: str
    quarters: list[QuarterView]


class StatisticsView(View):
    """By type and grade: in force at that moment. `applications`: how they stand, or ended, as numbers."""

    as_of: date
    brokers_in_force: int
    certificates: int
    by_state: dict[str, int]
    by_type: dict[str, int]
    by_grade: dict[str, int]
    applications: dict[str, int]
    months: list[MonthView]
    days_to_certificate: DurationsView
    mediated: list[MediatedView] = Field(description="Of today, whatever the day")
