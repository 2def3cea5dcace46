"""What grading refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal
from registry.errors import ChannelClosed


class GradingUnknown(NotFound):
    code = "grading-unknown"
    title = "No such grading"


class ImportantEntryUnknown(NotFound):
    code = "important-entry-unknown"
    title = "No such entry of the important-data catalogue"


class GradingRecordUnknown(NotFound):
    code = "grading-record-unknown"
    title = "No such record of consent or assessment"


class GradingMalformed(Malformed):
    """The declaration is not of its form."""

    code = "grading-malformed"
    title = "The grading is not declared in its form"


class GradingWrongState(Conflict):
    code = "grading-wrong-state"
    title = "The present state does not allow this"


class GradingWrongRole(NotPermitted):
    """The step belongs to another role, or to somebody else in it."""

    code = "grading-wrong-role"
    title = "Another one decides this"


class GradingOwnDeclaration(NotPermitted):
    """Nobody decides what he or she has declared, under whatever login."""

    code = "grading-own-declaration"
    title = "Another officer than who declared decides"


class GradingUnderWay(Conflict):
    """One grading of an object is open at a time."""

    code = "grading-under-way"
    title = "A grading of this is under way"


class GradingBelowScan(Refusal):
    """Highest wins: nobody decides below what the scan of the real file shows (GB/T 43697-2024)."""

    code = "grading-below-scan"
    title = "The scanned file shows a higher level"
    rule_id = "GRADE-HIGHEST"


class GradingBelowGrounds(Refusal):
    """Highest wins: nobody decides below what the grounds, the fields or the amount give."""

    code = "grading-below-grounds"
    title = "The declared grounds give a higher level"
    rule_id = "GRADE-HIGHEST"


class DesensitisationUnproved(Refusal):
    """Lower than it was scanned before: a proof of desensitisation and a scan of the new file are wanted."""

    code = "desensitisation-unproved"
    title = "Lowering needs a desensitised file, its proof and its scan"
    rule_id = "GRADE-LOWER"


class ImportantData(ChannelClosed):
    """A live entry of the important-data catalogue covers it (DSL 21, 30; CAC Order 16 Art 7)."""

    code = "important-data"
    title = "The important-data catalogue covers this data"
    rule_id = "NL3"


class ImportantDataUndecided(Conflict):
    """It resembles an entry of the catalogue: a person decides first."""

    code = "important-data-undecided"
    title = "Whether this is important data is not decided"


class BaseLibraryRaw(Refusal):
    """Base libraries (population, legal persons, spatial, licences, credit) are not listed raw."""

    code = "base-library-raw"
    title = "Data of a base library is not listed raw"
    rule_id = "NL-BASE"


class ConsentMissing(Refusal):
    """The records that a listing cites do not carry this purpose, recipient, term or data (PIPL 23, 29)."""

    code = "consent-record-missing"
    title = "No standing record of consent covers this"
    rule_id = "NL4"


class AssessmentMissing(Refusal):
    """No valid impact assessment, or security review, of this data is on record (PIPL 55, 56)."""

    code = "assessment-record-missing"
    title = "No valid assessment of this is on record"
    rule_id = "NL4"
