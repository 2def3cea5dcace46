"""What is refused about disclosures and notices."""

from typing import ClassVar

from base.errors import Conflict, NotFound, Refusal


class InterestUnknown(NotFound):
    code = "interest-unknown"
    title = "No such disclosed interest"


class InterestDisclosedBefore(Conflict):
    code = "interest-disclosed-before"
    title = "This interest is disclosed already"


class NothingToConsentTo(Refusal):
    """The trade's broker has disclosed no interest in a party of it."""

    code = "nothing-to-consent-to"
    title = "No conflict of interest is disclosed in this trade"
    rule_id: ClassVar[str | None] = "BR4"


class SourceCheckMissing(Refusal):
    """The broker has not stated that it has the source statement and who both parties are."""

    code = "source-check-missing"
    title = "The broker has not recorded its check of source and parties"
    rule_id: ClassVar[str | None] = "BR3"


class SourceStatementDiffers(Refusal):
    """What the broker holds is not what the provider filed when the listing was last submitted."""

    code = "source-statement-differs"
    title = "This is not the source statement that the provider filed"
    rule_id: ClassVar[str | None] = "BR3"


class SourceCheckUnknown(NotFound):
    code = "source-check-unknown"
    title = "No check of this trade is recorded"


class SourceCheckedBefore(Conflict):
    code = "source-checked-before"
    title = "The broker has recorded its check of this trade"


class NoticeSubjectUnknown(NotFound):
    """A suspicion is about something that is on the ledger."""

    code = "notice-subject-unknown"
    title = "The suspicion is about nothing that is known"


class NoticeUnknown(NotFound):
    code = "notice-unknown"
    title = "No such notice"
