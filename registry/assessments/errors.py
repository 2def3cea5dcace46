"""What the duties of security refuse."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class AssessmentMalformed(Malformed):
    """A part is missing, too long, or of another time."""

    code = "assessment-malformed"
    title = "This is not in its form"


class SecurityRecordUnknown(NotFound):
    code = "security-record-unknown"
    title = "No such record"


class SecurityWrongState(Conflict):
    code = "security-wrong-state"
    title = "The present state does not allow this"


class SecurityWrongRole(NotPermitted):
    """The step belongs to another role, or to somebody else in it."""

    code = "security-wrong-role"
    title = "Another one does this"


class ReviewerUnfit(Refusal):
    """Who reviews is registered for it, of another group, and wrote nothing of it (PIPL 55; R78, R81)."""

    code = "reviewer-unfit"
    title = "This one may not review it"
    rule_id = "ASSESSOR-FIT"


class AssessorTooOften(Refusal):
    """The same assessor assesses a handler three times in a row at the most (风险评估办法)."""

    code = "assessor-too-often"
    title = "The same assessor has assessed this handler too often in a row"
    rule_id = "RISK-CONSECUTIVE"


class RoundIncomplete(Refusal):
    """Every live entry of the department and sector is kept, changed or asked to be removed."""

    code = "catalogue-round-incomplete"
    title = "Not every entry was answered for"
    rule_id = "CATALOGUE-ROUND"


class ConfidentialityRefused(NotPermitted):
    """Who was not named, or whose time is over, sees nothing; that it was asked is on record (AUCL 10)."""

    code = "confidentiality-refused"
    title = "You may not see this"
    rule_id = "CONFIDENTIAL"
