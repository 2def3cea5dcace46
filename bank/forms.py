"""The JSON bodies the bank reads: strict, closed, bounded."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from bank.amounts import MAX_MINOR
from bank.rules import FaultKind, Side

Reference = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,33}[!-~])?$")]
Holder = Annotated[str, Field(min_length=1, max_length=140, pattern=r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]+$")]
Amount = Annotated[int, Field(gt=0, le=MAX_MINOR, strict=True)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountForm(Form):
    """Open an account. `opening_minor` in fen."""

    holder: Holder
    opening_minor: Annotated[int, Field(ge=0, le=MAX_MINOR, strict=True)] = 0


class TransferForm(Form):
    """Move `amount_minor` fen into escrow (`to`: `escrow`, or its number)."""

    from_account: Reference
    to: Reference
    amount_minor: Amount
    reference: Reference
    end_to_end_id: Reference


class FaultForm(Form):
    """Arm a fault for the next `times` events one of whose words contains `match`, on one side or both."""

    kind: FaultKind
    times: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 1
    match: Annotated[str, Field(max_length=64)] = ""
    on: Side | None = None
    delta_minor: Annotated[int, Field(ge=-MAX_MINOR, le=MAX_MINOR, strict=True)] = -100


class ClockForm(Form):
    """Move the simulated clock forward to `at`."""

    at: Annotated[AwareDatetime, Field(lt=datetime(2200, 1, 1, tzinfo=UTC))]


class CorrectionForm(Form):
    """Set a payout right by its end-to-end id, or a transfer into escrow by its own id."""

    end_to_end_id: Reference | None = None
    transfer_id: Reference | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "CorrectionForm":
        if (self.end_to_end_id is None) == (self.transfer_id is None):
            raise ValueError("name a payout or a transfer")
        return self
