"""What is shown of incidents, warnings and bulletins, the same to the API and to the pages."""

from datetime import datetime
from typing import Any

from cases.bulletins.tables import AddresseeRow, BulletinRow, SubscriptionRow
from cases.incidents.tables import (
    DutyRow,
    EvidenceRow,
    IncidentRow,
    MeasureRow,
    ReportRow,
    WarningRow,
)
from web.views import View


class WeaknessView(View):
    """The code is told once: with it one follows up."""

    code: str
    warning_id: str


class FollowedWeaknessView(View):
    status: str
    colour: str
    raised_at: datetime
    decided_at: datetime | None


class WeaknessReporterView(View):
    name: str
    contact: str


class DutyView(View):
    incident_id: str
    matter: str
    receiver: str | None
    due_at: datetime
    cited: str
    met_at: datetime | None
    overdue_at: datetime | None
    dropped_at: datetime | None

    @classmethod
    def of(cls, row: DutyRow) -> "DutyView":
        return cls.model_validate(row)


class ReportView(View):
    report_id: str
    incident_id: str
    kind: str
    receiver: str
    document: dict[str, Any]
    reported_at: datetime
    late: bool
    forwarded: bool
    received_at: datetime | None

    @classmethod
    def of(cls, row: ReportRow) -> "ReportView":
        return cls.model_validate(row)


class MeasureView(View):
    """A measure; `stopped` are the trades, or the one thing, that it has stopped."""

    order_id: str
    incident_id: str
    measure: str
    object_id: str
    stopped: list[str]
    reason: str
    ordered_at: datetime
    lifted_at: datetime | None

    @classmethod
    def of(cls, row: MeasureRow) -> "MeasureView":
        return cls.model_validate(row)


class ProofView(View):
    incident_id: str
    sha256: str
    number: int
    note: str
    added_at: datetime

    @classmethod
    def of(cls, row: EvidenceRow) -> "ProofView":
        return cls.model_validate(row)


class IncidentView(View):
    incident_id: str
    org_id: str
    status: str
    kind: str
    level: str | None
    title: str
    text: str
    facts: dict[str, Any]
    cited: list[str]
    detected_at: datetime
    opened_at: datetime
    warning_id: str | None
    spared: bool
    notice_ordered: bool
    notified: int
    review: str
    closed_at: datetime | None

    @classmethod
    def of(cls, row: IncidentRow) -> "IncidentView":
        return cls.model_validate(row)


class FullIncidentView(IncidentView):
    """With its clocks, reports, measures and evidence."""

    duties: list[DutyView]
    reports: list[ReportView]
    measures: list[MeasureView]
    evidence: list[ProofView]


class WarningView(View):
    """A warning; who reported a weakness is not here."""

    warning_id: str
    signal: str
    about: str
    colour: str
    status: str
    numbers: dict[str, Any]
    text: str
    raised_at: datetime
    ack_by: datetime
    acknowledged_at: datetime | None
    overdue_at: datetime | None
    decided_at: datetime | None
    reason: str
    incident_id: str | None
    named: bool

    @classmethod
    def of(cls, row: WarningRow) -> "WarningView":
        return cls.model_validate(row)


class ToldView(View):
    """What a reading came to: the warning that it raised or worsened, or that is open; none below a limit."""

    warning: WarningView | None

    @classmethod
    def of_row(cls, row: WarningRow | None) -> "ToldView":
        return cls(warning=None if row is None else WarningView.of(row))


class BulletinView(View):
    bulletin_id: str
    status: str
    colour: str
    title: str
    text: str
    remediation: str
    references: list[str]
    issued_by: str
    issued_at: datetime
    receive_by: datetime
    withdrawn_at: datetime | None
    reason: str

    @classmethod
    def of(cls, row: BulletinRow) -> "BulletinView":
        return cls.model_validate(row)


class MyBulletinView(BulletinView):
    """With one's own receipt, or for who issued it how many have stated theirs."""

    received_at: datetime | None = None
    reminded_at: datetime | None = None
    addressed: int | None = None
    received: int | None = None


class AddresseeView(View):
    bulletin_id: str
    org_id: str
    received_at: datetime | None
    reminded_at: datetime | None

    @classmethod
    def of(cls, row: AddresseeRow) -> "AddresseeView":
        return cls.model_validate(row)


class SubscriptionView(View):
    org_id: str
    sectors: list[str]
    since: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: SubscriptionRow) -> "SubscriptionView":
        return cls.model_validate(row)
