"""Why the registry says no."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal, TooLarge


class RightRevoked(Conflict):
    """What was revoked is not registered again by submitting once more."""

    code = "right-revoked"
    title = "The registration of this right was revoked"


class RightNotYours(NotPermitted):
    """A holder cancels its own right; a registrar revokes those of others."""

    code = "right-not-yours"
    title = "Somebody else ends this right"


class FileEncodingBroken(Malformed):
    """The bytes are not UTF-8, or the compression around them is damaged."""

    code = "file-encoding-broken"
    title = "The file's encoding is broken"


class FileEmpty(Malformed):
    """No byte, or no record below the header."""

    code = "file-empty"
    title = "The file holds no record"


class FileNotTabular(Malformed):
    """Not a table of named columns: binary, wrongly quoted, ragged, or a single column nobody declared."""

    code = "file-not-tabular"
    title = "The file is not a table"


class FileNotMeasurable(TooLarge):
    """The measurement hit its memory or size limit, or the reader died of this file."""

    code = "file-not-measurable"
    title = "The file cannot be measured within the limits"


class MeasureTimeout(Malformed):
    """The measurement did not end within its time."""

    code = "measure-timeout"
    title = "The measurement did not end in time"


class DeclarationBroken(Malformed):
    """What the provider declares about the file contradicts itself or has no known form."""

    code = "declaration-broken"
    title = "The declaration of the data is malformed"


class ReportBroken(Malformed):
    """Bytes that are not a canonical quality report."""

    code = "quality-report-broken"
    title = "These bytes are not a quality report"


class ReportOfAnotherFile(Refusal):
    """A report may only be bound to the file it measured."""

    code = "report-of-another-file"
    title = "The report measures another file"


class RightNotRegistrable(Refusal):
    """The data's source gives its holder no such right (2026 guideline, Art 15 and 21)."""

    code = "right-not-registrable"
    title = "This source does not give that right"
    rule_id = "REG-PR"


class RightOfRegistration(Conflict):
    """A registrar has registered it: there it is given up or registered anew, and nowhere else."""

    code = "right-of-registration"
    title = "This right stands in a registration: its registrar decides"


class RightNotHeld(Refusal):
    """The organisation holds no registered basis for what it wants to do with the data."""

    code = "right-not-held"
    title = "No registered basis for this right"
    rule_id = "REG-PR"


class RightRegisteredBefore(Conflict):
    """One right of one holder in one product is registered once."""

    code = "right-registered-before"
    title = "This right is registered already"
    rule_id = "REG-PR"


class UnclassifiedProduct(Refusal):
    """Nothing moves through any channel before it is graded."""

    code = "product-unclassified"
    title = "The product has no classification"
    rule_id = "GRADE-CHANNEL"


class ChannelClosed(Refusal):
    """The data's level does not go through this channel (GB/T 43697-2024 and `docs/quality.md`)."""

    code = "level-channel-closed"
    title = "Data of this level does not go through this channel"
    rule_id = "GRADE-CHANNEL"


class QualityNotMeasured(Refusal):
    """Nothing is offered without a measured report of the very file."""

    code = "quality-not-measured"
    title = "The file has no quality report"
    rule_id = "QUALITY"


class QualityTooLow(Refusal):
    """Below 70 in all, or below 60 in one dimension."""

    code = "quality-too-low"
    title = "The measured quality does not pass"
    rule_id = "QUALITY"


class NoReport(NotFound):
    """No report of that listing or digest."""

    code = "quality-report-unknown"
    title = "No such quality report"


class ContractBroken(Malformed):
    """Not a data contract of ours, or one that does not agree with itself."""

    code = "contract-broken"
    title = "The data contract cannot be used"
