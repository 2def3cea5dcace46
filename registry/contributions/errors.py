"""Why a contribution to a joint product is refused."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class ContributionUnknown(NotFound):
    code = "contribution-unknown"
    title = "No such contribution"


class ContributionMalformed(Malformed):
    """Shares leave the seller one, a contributor is another member, a basis is of its form."""

    code = "contribution-malformed"
    title = "Not a contribution to a joint product"


class ContributionWrongState(Conflict):
    code = "contribution-wrong-state"
    title = "The contribution's present state does not allow this"


class ContributionWrongRole(NotPermitted):
    """Who sells the product asks; who gives data to it answers."""

    code = "contribution-wrong-role"
    title = "Another one decides about this contribution"


class ContributionUnfounded(Refusal):
    """A contributor has a right to provide to others (property-right registration, Art 21)."""

    code = "contribution-unfounded"
    title = "The contributor's right does not carry this"
    rule_id = "CONTRIBUTION"


class ContributionOpen(Refusal):
    """Nothing is offered of a joint product while one of its contributors has not agreed."""

    code = "contribution-open"
    title = "A contributor to this product has not agreed"
    rule_id = "CONTRIBUTION"


class ContributorsUnnamed(Refusal):
    """Fused data goes outward with the others' consent (Art 21), and the consent is theirs to give here."""

    code = "contributors-unnamed"
    title = "Nobody has agreed to this fused product"
    rule_id = "CONTRIBUTION"
