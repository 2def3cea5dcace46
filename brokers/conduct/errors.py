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
