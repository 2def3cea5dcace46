"""What the lists refuse."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class SystemUnknown(NotFound):
    code = "system-unknown"
    title = "No such information system"


class DataEntryUnknown(NotFound):
    code = "data-entry-unknown"
    title = "No such data entry"


class DemandUnknown(NotFound):
    code = "demand-unknown"
    title = "No such demand"


class ItemUnknown(NotFound):
    code = "item-unknown"
    title = "No such data item"


class ShareUnknown(NotFound):
    code = "share-unknown"
    title = "No such share request"


class CensusUnknown(NotFound):
    code = "census-unknown"
    title = "No such census"


class ImportUnknown(NotFound):
    code = "import-unknown"
    title = "No such import"


class ListMalformed(Malformed):
    """An entry is not of its form: the fields say which members."""

    code = "list-malformed"
    title = "The entry is not of its form"


class ListFileUnreadable(Malformed):
    """The file is no list: of another kind than it says, too large, packed too tight, without headings."""

    code = "list-file-unreadable"
    title = "The file cannot be read as a list"


class ListWrongRole(NotPermitted):
    """The act belongs to the agency that keeps the entry, or to the data authority."""

    code = "list-wrong-role"
    title = "Another one decides about this entry"


class EntryRetired(Conflict):
    """What was retired is history: nothing is changed in it and nothing links to it."""

    code = "list-entry-retired"
    title = "The entry was retired"


class EntryListedBefore(Conflict):
    """An agency lists a thing once, under its code or name."""

    code = "list-entry-listed-before"
    title = "This agency has listed it before"


class EntryChanged(Conflict):
    """The version that the change began at is no longer the newest."""

    code = "list-entry-changed"
    title = "The entry has changed meanwhile"


class LinkBroken(Refusal):
    """A link names nothing that stands, belongs to somebody else, or leads back to where it began."""

    code = "list-link-broken"
    title = "The link leads nowhere, or in a circle"


class EntryInUse(Conflict):
    """Other entries hang on it: they go first."""

    code = "list-entry-in-use"
    title = "Other entries hang on this one"


class ItemExists(Conflict):
    """What is to be collected exists: it is had from its source (one collection, many uses)."""

    code = "item-exists"
    title = "This item exists: it is had from its source"


class ItemWrongState(Conflict):
    """The item's state does not take this event."""

    code = "item-wrong-state"
    title = "The item's present state does not allow this"


class ItemClaimed(Conflict):
    """An agency names itself the source of an item once."""

    code = "item-claimed"
    title = "This agency has named itself the source before"


class ItemOwnCase(NotPermitted):
    """Of two that claim to be the source neither decides."""

    code = "item-own-case"
    title = "Nobody decides a conflict of its own"


class ShareWrongState(Conflict):
    """The request's state does not take this event."""

    code = "share-wrong-state"
    title = "The request's present state does not allow this"


class ShareClosed(Refusal):
    """The entry is not shared, or there is nothing to share."""

    code = "share-closed"
    title = "This data is not shared"


class ShareNotCut(Refusal):
    """Some fields were granted, and the file is none of which these can be sent alone."""

    code = "share-not-cut"
    title = "The fields that were granted cannot be sent alone"


class ShareAsked(Conflict):
    """The same was asked, and is under way."""

    code = "share-asked"
    title = "This is asked already"


class CensusClosed(Refusal):
    """The census is over, or this agency is not in it."""

    code = "census-closed"
    title = "The census does not take this"


class ImportWrongState(Conflict):
    """The import was entered before, or has no good row."""

    code = "import-wrong-state"
    title = "The import cannot be entered"
