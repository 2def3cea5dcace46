"""Why measuring an agency's data says no."""

from base.errors import Conflict, Malformed, NotFound, Refusal


class CrossCheckUnknown(NotFound):
    code = "cross-check-unknown"
    title = "No such cross-check"


class CrossCheckMalformed(Malformed):
    """Two entries of different holders, with a key that both files have."""

    code = "cross-check-malformed"
    title = "These two cannot be checked against each other"


class EntryNotMounted(Refusal):
    """Only data that an entry is mounted to, as a file, is measured."""

    code = "entry-not-mounted"
    title = "The entry is mounted to no file"


class EntryMovedOn(Conflict):
    """Another file was mounted while this one was measured."""

    code = "entry-moved-on"
    title = "The entry is mounted to another file now"
