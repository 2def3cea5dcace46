"""What the ledger refuses."""

from base.errors import Conflict, Forbidden, Malformed, NotFound, Unavailable


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


class LeadershipLost(Conflict):
    """This process led the log, and does so no more: another may have begun to."""

    code = "leadership-lost"
    title = "Another process leads the log"


class LogUnborn(Conflict):
    """The node was never founded: no log, no exchange key on record."""

    code = "log-unborn"
    title = "There is no log in this database yet"


class LogForked(Conflict):
    """The log on file or at a witness is larger than, or inconsistent with, the one in the database."""

    code = "log-forked"
    title = "The log would fork: this node refuses to sequence"


class LogClosed(Unavailable):
    """The log has come to its end, and the next one has not begun: what is recorded waits for it."""

    code = "log-closed"
    title = "The log is closed; the next one has not begun"


class LogKeyRefused(Malformed):
    """A change of the log's own keys that no auditor would accept."""

    code = "log-key-refused"
    title = "The log's keys cannot be changed in this way"


class LogKeyMissing(Unavailable):
    """A checkpoint is signed by every key whose window holds it, or not at all."""

    code = "log-key-missing"
    title = "A key of the log is not in this node's key folder"


class LegsUnbalanced(Malformed):
    """Legs must sum to zero per currency."""

    code = "legs-unbalanced"
    title = "The legs of a posting do not sum to zero"


class AlreadyResolved(Conflict):
    """A pending batch is posted or voided once."""

    code = "posting-resolved-before"
    title = "This reservation was resolved before"


class ProofInvalid(Malformed):
    """An inclusion or consistency proof does not show what it claims."""

    code = "proof-invalid"
    title = "The proof does not hold"


class TileInvalid(Malformed):
    """A tile's path or bytes are not of the published form (C2SP tlog-tiles)."""

    code = "tile-invalid"
    title = "Not a tile of this tree"


class NoteInvalid(Malformed):
    """A signed note, checkpoint, key or receipt is not of its form, or not signed by a known key."""

    code = "note-invalid"
    title = "The signed note does not hold"


class BundleFileBad(Malformed):
    """A file of a bundle is missing, outside its limits or of another form. `path` names it."""

    code = "bundle-file-bad"
    title = "A file of the bundle is not usable"

    def __init__(self, detail: str, *, path: str) -> None:
        super().__init__(detail, path=path)
        self.path = path


class BundleIncomplete(Malformed):
    """What was handed in for a bundle is not every entry of its checkpoint, in order."""

    code = "bundle-incomplete"
    title = "The bundle lacks entries"


class SuiteUnavailable(Unavailable):
    """Signatures of this suite can be neither made nor checked here: a library is missing."""

    code = "suite-unavailable"
    title = "This kind of signature cannot be handled on this machine"


class PolicyInvalid(Malformed):
    """A policy of logs and witnesses is not of its form (C2SP tlog-policy)."""

    code = "policy-invalid"
    title = "Not a policy of logs and witnesses"


class SubmissionMalformed(Malformed):
    """What came for a cosignature is not of its form (C2SP tlog-witness: 400)."""

    code = "submission-malformed"
    title = "Not a checkpoint with its consistency proof"


class LogNotWitnessed(NotFound):
    """This witness does not know the log (C2SP tlog-witness: 404)."""

    code = "log-not-witnessed"
    title = "This log is not witnessed here"


class CheckpointUntrusted(Forbidden):
    """No key that the witness trusts for this log signs the checkpoint (C2SP tlog-witness: 403)."""

    code = "checkpoint-untrusted"
    title = "The checkpoint is not signed by a trusted key of its log"


class WitnessAhead(Conflict):
    """The witness has cosigned another size than the caller thinks (409): its `size`."""

    code = "witness-ahead"
    title = "The witness knows this log at another size"

    def __init__(self, detail: str, *, size: int) -> None:
        super().__init__(detail, size=size)
        self.size = size


class FederationUnready(Unavailable):
    """The province has not recorded a checkpoint that holds the entry, or does not answer."""

    code = "federation-unready"
    title = "There is no proof of the province for this entry yet"
