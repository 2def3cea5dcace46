"""What a share refuses."""

from base.errors import Forbidden, Malformed, NotFound


class SharedUnknown(NotFound):
    """Not there, or not for this key: which of them is not told."""

    code = "share-unknown"
    title = "No such share, schema or table for this key"


class VersionUnknown(Malformed):
    """What is shared is the table that was sold: it has one version and no history."""

    code = "table-version-unknown"
    title = "This table has no such version, and no changes"


class SharedUrlRefused(Forbidden):
    """Altered, past its end, or of a key or right that does not stand any more; which is not told."""

    code = "shared-url-refused"
    title = "This address opens nothing any more: ask for the table again"
