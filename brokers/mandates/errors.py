"""What is refused about mandates and what they limit (rule BR2)."""

from typing import ClassVar

from base.errors import Conflict, Refusal


class MandateExceeded(Refusal):
    """The act goes beyond what the mandate allows; `reason` says in what.

    Sealed: that an offer could not be accepted would tell the other side where the client's limit lies.
    """

    code = "mandate-exceeded"
    title = "The mandate does not reach so far"
    rule_id: ClassVar[str | None] = "BR2"
    sealed: ClassVar[bool] = True


class MandateDateWrong(Refusal):
    """The document bears another day than the ledger's: the ledger's time counts."""

    code = "mandate-date-wrong"
    title = "The mandate does not bear the day it is signed on"
    rule_id: ClassVar[str | None] = "BR2"


class MandateDocumentDiffers(Refusal):
    """The broker would sign another document than the client did."""

    code = "mandate-document-differs"
    title = "This is not the document that the client signed"
    rule_id: ClassVar[str | None] = "BR2"


class MandateOnePerson(Refusal):
    """One natural person would sign for both sides."""

    code = "mandate-one-person"
    title = "One person does not sign a mandate for both sides"
    rule_id: ClassVar[str | None] = "BR2"


class MandateExclusive(Conflict):
    """An exclusive mandate of the client stands in the way, or this one would be exclusive beside another."""

    code = "mandate-exclusive"
    title = "The client's exclusive mandate stands in the way"
    rule_id: ClassVar[str | None] = "BR2"


class SuccessorUnfit(Conflict):
    """What follows is another broker's mandate, in force, of the same client and side."""

    code = "mandate-successor-unfit"
    title = "The mandate that should follow does not fit"
