"""What customs refuses."""

from typing import ClassVar

from base.errors import Malformed, Refusal


class PlaceMalformed(Malformed):
    """A place is six digits of GB/T 2260 or two letters of ISO 3166-1."""

    code = "place-malformed"
    title = "The place is not of a known form"


class CustomsRouteNotOpen(Refusal):
    """The delivery would leave the mainland by a route that asks for a filing, which is not open here.

    The facts name the deciding rule (`rule`) and the route it asks for (`needs`).
    """

    code = "customs-route-not-open"
    title = "This cross-border route is not open"
    rule_id: ClassVar[str | None] = "XBD"
