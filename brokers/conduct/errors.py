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


class NoticeSubjectUnknown(NotFound):
    """A suspicion is about something that is on the ledger."""

    code = "notice-subject-unknown"
    title = "The suspicion is about nothing that is known"


class NoticeUnknown(NotFound):
    code = "notice-unknown"
    title = "No such notice"
