"""What the lists answer."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from web.views import View


class ListedView(View):
    """What every entry of a list has."""

    agency_id: str
    name: str
    code: str
    version: int
    status: str
    listed_at: datetime
    changed_at: datetime


class SystemView(ListedView):
    system_id: str
    purpose: str
    region: str
    host: str
    since: date | None
    capability: str
    parent_id: str | None


class DataView(ListedView):
    data_id: str
    system_id: str | None
    abstract: str
    theme: str
    base_library: str | None
    kind: str
    region: str
    update: str
    fields_held: list[dict[str, Any]] = Field(validation_alias="fields")
    level: str
    share: str
    share_reason: str
    service: str
    sla_wd: int | None
    resource_sha256: str | None
    mounted_at: datetime | None
    flag: str | None
    mount_by: date | None


class DemandView(ListedView):
    demand_id: str
    purpose: str
    fields_wanted: list[str] = Field(validation_alias="fields")
    provider_id: str | None
    system_id: str | None
    data_id: str | None
    owner_id: str | None
    due_on: date | None


class ItemView(View):
    item_id: str
    code: str
    name: str
    synonyms: list[str]
    meaning: str
    value_type: str
    status: str
    proposed_by: str
    source_id: str | None
    function: str
    basis: str
    data_id: str | None
    rival_id: str | None
    decide_by: datetime | None
    changed_at: datetime


class ShareView(View):
    share_id: str
    data_id: str
    requester_id: str
    provider_id: str
    kind: str
    demand_id: str | None
    purpose: str
    basis: str
    fields_wanted: list[str] = Field(validation_alias="fields")
    status: str
    submitted_at: datetime
    answer_by: datetime | None
    answered_at: datetime | None
    late_answer: bool
    ground: str | None
    answer: str | None
    chief_id: str | None
    escalated_at: datetime | None
    serve_by: datetime | None
    served_at: datetime | None
    served_sha256: str | None
    late_service: bool
    closed_at: datetime | None


class CensusView(View):
    census_id: str
    authority_id: str
    name: str
    due_on: date
    opened_at: datetime
    closed_at: datetime | None


class ReturnView(View):
    census_id: str
    agency_id: str
    said_systems: int | None
    said_entries: int | None
    facts: dict[str, int] | None
    returned_at: datetime | None


class ImportView(View):
    import_id: str
    agency_id: str
    list_name: str
    file_sha256: str
    file_name: str
    form: str
    headings: dict[str, str]
    ignored: list[str]
    good: int
    bad: int
    rows_sha256: str
    read_at: datetime
    entered_at: datetime | None
    added: int | None
    changed: int | None
    unchanged: int | None


class FaultView(View):
    row: int
    heading: str
    why: str


class ListFileView(View):
    file_id: str
    bytes: int
    sha256: str
    name: str
