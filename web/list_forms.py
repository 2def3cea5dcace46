"""What the lists are told."""

from datetime import date
from typing import Annotated

from pydantic import Field

from registry.lists.rules import (
    MAX_FIELDS,
    MAX_NAME,
    MAX_SHORT,
    MAX_SYNONYMS,
    MAX_TEXT,
    BaseLibrary,
    DataEntry,
    DataField,
    DataKind,
    Demand,
    Item,
    ShareKind,
    SystemEntry,
)
from registry.lists.sharing_rules import RefusalGround, ShareType
from registry.registration.rules import Update
from registry.rules import Level
from web.acts import Args, Asked, Id, Sha256

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Maybe = Annotated[str, Field(max_length=MAX_TEXT)]
Short = Annotated[str, Field(max_length=MAX_SHORT)]
Region = Annotated[str, Field(pattern=r"^[1-8][0-9]{5}$")]
Version = Annotated[int, Field(ge=1, le=10**9, description="The version that the change began at")]
Counted = Annotated[int, Field(ge=0, le=1_000_000)]


class SystemForm(Asked):
    """An information system."""

    name: Name
    purpose: Text
    region: Region
    code: Short = ""
    host: Short = ""
    since: date | None = None
    capability: Maybe = ""
    parent_id: Id | None = None

    def value(self) -> SystemEntry:
        return SystemEntry(**{name: getattr(self, name) for name in SystemForm.model_fields})


class FieldForm(Asked):
    name: Name
    type: Short = ""
    meaning: Maybe = ""
    item_id: Id | None = None
    personal: bool = False


class DataForm(Asked):
    """A data entry."""

    name: Name
    abstract: Text
    kind: DataKind
    region: Region
    update: Update
    level: Level
    share: ShareKind
    share_reason: Maybe = Field(default="", description="The condition; of what is not shared, the law")
    code: Short = ""
    system_id: Id | None = None
    theme: Short = ""
    base_library: BaseLibrary | None = None
    fields_held: list[FieldForm] = Field(default=[], max_length=MAX_FIELDS)
    service: Maybe = ""
    sla_wd: Annotated[int, Field(ge=0, le=100)] | None = None

    def value(self) -> DataEntry:
        said = {name: getattr(self, name) for name in DataForm.model_fields if name != "fields_held"}
        return DataEntry(**said, fields=tuple(DataField(**one.model_dump()) for one in self.fields_held))


class DemandForm(Asked):
    """What an agency needs."""

    name: Name
    purpose: Text
    code: Short = ""
    fields_wanted: list[Name] = Field(default=[], max_length=MAX_FIELDS)
    provider_id: Id | None = None
    system_id: Id | None = None
    data_id: Id | None = None
    owner_id: Id | None = None
    due_on: date | None = None

    def value(self) -> Demand:
        said = {name: getattr(self, name) for name in DemandForm.model_fields if name != "fields_wanted"}
        return Demand(**said, fields=tuple(self.fields_wanted))


class ItemForm(Asked):
    """An item of the dictionary."""

    name: Name
    meaning: Text
    code: Short = ""
    synonyms: list[Name] = Field(default=[], max_length=MAX_SYNONYMS)
    value_type: Short = ""
    differs_from: list[Id] = Field(
        default=[], max_length=10, description="Items that are alike, and were found to be others"
    )

    def value(self) -> Item:
        said = {name: getattr(self, name) for name in ("name", "meaning", "code", "value_type")}
        return Item(**said, synonyms=tuple(self.synonyms))


class EnterSystemArgs(Args, SystemForm):
    pass


class OfSystemArgs(Args):
    system_id: Id


class ChangeSystemForm(SystemForm):
    version: Version


class ChangeSystemArgs(OfSystemArgs, ChangeSystemForm):
    pass


class ReasonForm(Asked):
    reason: Text


class RetireSystemArgs(OfSystemArgs, ReasonForm):
    pass


class EnterDataArgs(Args, DataForm):
    pass


class OfDataArgs(Args):
    data_id: Id


class ChangeDataForm(DataForm):
    version: Version


class ChangeDataArgs(OfDataArgs, ChangeDataForm):
    pass


class RetireDataArgs(OfDataArgs, ReasonForm):
    pass


class MountForm(Asked):
    file_id: Id | None = None
    interface: Annotated[str, Field(max_length=600)] | None = None


class MountArgs(OfDataArgs, MountForm):
    pass


class FlagForm(ReasonForm):
    mount_by: date


class FlagArgs(OfDataArgs, FlagForm):
    pass


class EnterDemandArgs(Args, DemandForm):
    pass


class OfDemandArgs(Args):
    demand_id: Id


class ChangeDemandForm(DemandForm):
    version: Version


class ChangeDemandArgs(OfDemandArgs, ChangeDemandForm):
    pass


class MatchForm(Asked):
    data_id: Id


class MatchArgs(OfDemandArgs, MatchForm):
    pass


class PlanForm(Asked):
    owner_id: Id
    due_on: date


class PlanArgs(OfDemandArgs, PlanForm):
    pass


class RetireDemandArgs(OfDemandArgs, ReasonForm):
    pass


class ProposeArgs(Args, ItemForm):
    pass


class OfItemArgs(Args):
    item_id: Id


class ClaimForm(Asked):
    function: Text
    basis: Text
    data_id: Id | None = None


class ClaimArgs(OfItemArgs, ClaimForm):
    pass


class AssignForm(Asked):
    agency_id: Id
    function: Text
    basis: Text


class AssignArgs(OfItemArgs, AssignForm):
    pass


class ResolveForm(ReasonForm):
    source_id: Id


class ResolveArgs(OfItemArgs, ResolveForm):
    pass


class ChangeItemArgs(OfItemArgs, ItemForm):
    pass


class RetireItemArgs(OfItemArgs, ReasonForm):
    pass


class AskForm(Asked):
    data_id: Id
    kind: ShareType = ShareType.SHARE
    purpose: Text
    basis: Text
    fields_wanted: list[Name] = Field(default=[], max_length=MAX_FIELDS)
    demand_id: Id | None = None


class AskArgs(Args, AskForm):
    pass


class OfShareArgs(Args):
    share_id: Id


class AnswerForm(Asked):
    answer: Maybe = ""


class GrantArgs(OfShareArgs, AnswerForm):
    pass


class RefuseForm(ReasonForm):
    ground: RefusalGround


class RefuseArgs(OfShareArgs, RefuseForm):
    pass


class GroundsForm(Asked):
    grounds: Text


class ContestArgs(OfShareArgs, GroundsForm):
    pass


class ServeForm(Asked):
    served_sha256: Sha256 | None = None


class ServeArgs(OfShareArgs, ServeForm):
    pass


class OpenCensusArgs(Args):
    name: Name
    due_on: date
    agency_ids: list[Id] = Field(min_length=1, max_length=2_000)


class OfCensusArgs(Args):
    census_id: Id


class ReturnForm(Asked):
    systems: Counted
    entries: Counted


class ReturnArgs(OfCensusArgs, ReturnForm):
    pass


class ImportArgs(Args):
    import_id: Id
