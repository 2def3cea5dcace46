"""What the ledger refuses."""

from base.errors import Conflict, Malformed, NotFound


class EntryTooLarge(Malformed):
    """A leaf is at most 8 KiB (`docs/ledger.md`)."""

    code = "entry-too-large"
    title = "The statement does not fit a ledger entry"


class StatementRecordedBefore(Conflict):
    """One envelope digest is recorded once."""

    code = "statement-recorded-before"
    title = "This signed statement was recorded before"


class StatementUnknown(NotFound):
    code = "statement-unknown"
    title = "No such statement"


class LogForked(Conflict):
    """The log on file or at a witness is larger than, or inconsistent with, the one in the database."""

    code = "log-forked"
    title = "The log would fork: this node refuses to sequence"


class LegsUnbalanced(Malformed):
    """Legs must sum to zero per currency."""

    code = "legs-unbalanced"
    title = "The legs of a posting do not sum to zero"


class AlreadyResolved(Conflict):
    """A pending batch is posted or voided once."""

    code = "posting-resolved-before"
    title = "This reservation was resolved before"
