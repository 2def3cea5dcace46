"""What the issuing of credentials refuses, and what is asked for in vain."""

from base.errors import Conflict, NotFound


class CredentialUnknown(NotFound):
    code = "credential-unknown"
    title = "No such credential"


class CredentialWithdrawn(NotFound):
    """What it said is no longer true: its bit is set, and its words are gone."""

    code = "credential-withdrawn"
    title = "This credential was withdrawn; the certificate may have a newer one"


class StatusListUnknown(NotFound):
    code = "status-list-unknown"
    title = "No such status list"


class IssuerRetired(NotFound):
    """The list's key was retired: nothing is signed with it any more."""

    code = "issuer-retired"
    title = "The issuing key of this list was retired"


class IssuerTaken(Conflict):
    code = "issuer-taken"
    title = "Another issuing key was appointed at the same moment"


class StatusListFull(Conflict):
    """A list in which too many places are taken hides nobody among many."""

    code = "status-list-full"
    title = "The status list has no room left: a new issuing key brings a new list"
