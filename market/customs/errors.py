"""What customs refuses."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class PlaceMalformed(Malformed):
    """A place is six digits of GB/T 2260 or two letters of ISO 3166-1."""

    code = "place-malformed"
    title = "The place is not of a known form"


class CustomsRouteNotOpen(Refusal):
    """The delivery would leave the mainland, and no clearance for it lives.

    The facts name the deciding rule (`rule`) and the route it asks for (`needs`).
    """

    code = "customs-route-not-open"
    title = "This cross-border route is not open"
    rule_id: ClassVar[str | None] = "XBD"


class DeclaredVolumeExceeded(Refusal):
    """An access would carry more over the border than was declared (Network Data Regulation, Art 38)."""

    code = "declared-volume-exceeded"
    title = "More than was declared would leave"
    rule_id: ClassVar[str | None] = "XBD"


class DeclarationUnknown(NotFound):
    code = "declaration-unknown"
    title = "No such customs declaration"


class DeclarationMalformed(Malformed):
    """The declaration is not of its form (`rules.md` §2.4.2); the facts name the fields."""

    code = "declaration-malformed"
    title = "The declaration is not of its form"


class DeclarationWrongState(Conflict):
    """The declaration's state does not take this event."""

    code = "declaration-wrong-state"
    title = "The declaration's present state does not allow this"


class DeclarationTaken(Conflict):
    """One officer decides about a declaration: the one who took it up."""

    code = "declaration-taken"
    title = "Another officer has taken this declaration up"


class DeclarationWrongRole(NotPermitted):
    """The event belongs to another role, or to somebody else in it."""

    code = "declaration-wrong-role"
    title = "Another one decides about this declaration"


class DeclarationContradicted(Refusal):
    """What was declared is not what the registry measured of the same file."""

    code = "declaration-contradicted"
    title = "The declaration contradicts what the data shows"
    rule_id: ClassVar[str | None] = "XB2"


class EvidenceRefused(Refusal):
    """A filing, certificate or assessment does not carry this declaration; the fact `why` says why not."""

    code = "customs-evidence-refused"
    title = "This evidence does not carry the declaration"
    rule_id: ClassVar[str | None] = "XBD"


class RenewalTooLate(Refusal):
    """An extension is asked for sixty working days before the end, no later."""

    code = "customs-renewal-too-late"
    title = "An extension was to be asked for earlier"
    rule_id: ClassVar[str | None] = "XBD"


class PersonsFileRefused(Refusal):
    """The list of persons is no list of hashes, or counts others than were declared."""

    code = "persons-file-refused"
    title = "The list of persons is not what was declared"
    rule_id: ClassVar[str | None] = "XBD"


class CustomsDocumentUnknown(NotFound):
    code = "customs-document-unknown"
    title = "No such document is on the authority's register"


class CustomsDocumentTaken(Conflict):
    code = "customs-document-taken"
    title = "A document of this number is on the register already"
