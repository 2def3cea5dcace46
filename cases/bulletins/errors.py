"""What the desk of bulletins refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted


class BulletinUnknown(NotFound):
    code = "bulletin-unknown"
    title = "No such bulletin"


class BulletinMalformed(Malformed):
    code = "bulletin-malformed"
    title = "The bulletin is not of its form"


class BulletinWrongState(Conflict):
    """The bulletin's state does not take this event."""

    code = "bulletin-wrong-state"
    title = "The bulletin's present state does not allow this"


class BulletinWrongRole(NotPermitted):
    code = "bulletin-wrong-role"
    title = "This role issues no bulletins"


class BulletinReceivedBefore(Conflict):
    code = "bulletin-received-before"
    title = "The receipt of this bulletin was stated before"


class BulletinReachesNobody(Conflict):
    """No member is of these roles, regions and sectors."""

    code = "bulletin-reaches-nobody"
    title = "Nobody is addressed by this bulletin"
