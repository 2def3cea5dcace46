"""What authorised operation refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class GrantUnknown(NotFound):
    code = "grant-unknown"
    title = "No such grant"


class GrantPartUnknown(NotFound):
    code = "grant-part-unknown"
    title = "No such scenario, product, breach or year of this grant"


class GrantMalformed(Malformed):
    """A scheme, agreement, selection or account is not of its form; `fields` names what is wrong."""

    code = "grant-malformed"
    title = "What is said of the grant is not of its form"


class GrantWrongState(Conflict):
    """The grant's state does not take this event."""

    code = "grant-wrong-state"
    title = "The grant's present state does not allow this"


class GrantWrongRole(NotPermitted):
    """The event belongs to another role, or to somebody else in it."""

    code = "grant-wrong-role"
    title = "Another one decides about this grant"


class SchemeIncomplete(Refusal):
    """The scheme lacks one of its twelve contents (实施规范 Art 9)."""

    code = "grant-scheme-incomplete"
    title = "The scheme lacks a content that it must have"


class ConsentMissing(Conflict):
    """An agency whose data is in the scheme has not consented."""

    code = "grant-consent-missing"
    title = "Not every agency whose data is used has consented"


class DataNotListed(Refusal):
    """A scheme names data that stands in an agency's data list."""

    code = "grant-data-not-listed"
    title = "This data does not stand in an agency's list"


class ProvinceUnknown(Refusal):
    """A decision is filed with a data authority."""

    code = "grant-province-unknown"
    title = "Filed with a data authority, and this is none"


class SelectionUnfit(Refusal):
    """The selection of the operator was not as its method asks (实施规范 Art 12)."""

    code = "grant-selection-unfit"
    title = "The operator was not selected as the method asks"


class OperatorUnfit(Refusal):
    """Who is selected is no operating institution, or belongs to whom it is selected by."""

    code = "grant-operator-unfit"
    title = "This member cannot be the operator"


class AgreementUnfit(Refusal):
    """The agreement lacks a content of Art 14, runs for too long, or allows re-development."""

    code = "grant-agreement-unfit"
    title = "The agreement is not as it must be"


class ResourceUnregistered(Refusal):
    """Resources are registered before they are operated (公共数据资源登记管理暂行办法)."""

    code = "grant-resource-unregistered"
    title = "A resource of the grant has no registration that stands"


class GrantNotLive(Refusal):
    """The grant does not carry this now: not active, suspended, at its end, or another's."""

    code = "grant-not-live"
    title = "The grant does not carry this now"
    rule_id = "SCOPE"


class OutsideScope(Refusal):
    """A use outside the scenario that was approved; `outside` names each respect."""

    code = "grant-outside-scope"
    title = "This use is outside the scenario that was approved"
    rule_id = "SCOPE"


class ScenarioAsked(Conflict):
    """The scenario's application was decided, or its scenario has ended."""

    code = "grant-scenario-decided"
    title = "This scenario was decided before, or has ended"


class ProductRepeated(Conflict):
    """A product stands in one grant, once."""

    code = "grant-product-repeated"
    title = "This product stands in a grant already"


class ProductUngranted(Refusal):
    """What is offered of public data is a product of the grant that it names."""

    code = "grant-product-unknown"
    title = "The grant has no such product"


class ProductUncoded(Refusal):
    """A product has the code of its registration within twenty working days after it was first provided."""

    code = "grant-product-uncoded"
    title = "The product has no registration code, and the time for it is over"


class ProductUnpriced(Refusal):
    """The authorising body has set no cap for it."""

    code = "grant-product-unpriced"
    title = "No cap is set for this product"


class PriceAboveGrantCap(Refusal):
    """The operator's price is at most the cap; of what is free it is nothing."""

    code = "grant-price-above-cap"
    title = "The price is above the cap of the grant"
    rule_id = "PRICE_CAP"


class NotPublicData(Refusal):
    """What cites a grant is public data, under the cap of its product."""

    code = "grant-listing-not-public"
    title = "What is listed under a grant is public data under its cap"
    rule_id = "PRICE_CAP"


class UnitDiffers(Refusal):
    """A price is compared with a cap in the unit that the cap is set for."""

    code = "grant-unit-differs"
    title = "The cap of the grant is set for another unit"
    rule_id = "PRICE_CAP"


class ProductFree(Refusal):
    """A free product is given by opening; the exchange sells nothing for nothing."""

    code = "grant-product-free"
    title = "A free product of a grant is given by opening, and not sold"
    rule_id = "PRICE_CAP"


class CapsAboveRevenue(Refusal):
    """Sold at their caps, the products bring in more than the permitted revenue of a year."""

    code = "grant-caps-above-revenue"
    title = "The caps bring in more than the permitted revenue"


class TrialOver(Refusal):
    """Trial prices stand until a full year of operation is over."""

    code = "grant-trial-over"
    title = "A full year of operation is over: no trial prices any more"


class YearUnfit(Refusal):
    """A year is accounted for when it is over, by an operator who held the grant in it."""

    code = "grant-year-unfit"
    title = "This year cannot be accounted for"


class YearRepeated(Conflict):
    """Each side reports a year once."""

    code = "grant-year-repeated"
    title = "This year was reported before"


class BreachOpen(Conflict):
    """Breaches are open that nobody has cleared."""

    code = "grant-breach-open"
    title = "A breach of this grant is open"


class NotRectified(Conflict):
    """Nothing was rectified that could be cleared."""

    code = "grant-not-rectified"
    title = "The operator has not said what it rectified"


class GrantTooEarly(Refusal):
    """The moment for this has not come."""

    code = "grant-too-early"
    title = "It is too early for this"


class Redevelopment(Refusal):
    """An operator develops no further what it delivers itself, nor lets its own house do so (R84)."""

    code = "grant-redevelopment"
    title = "An operator does not develop its own delivered product further"
    rule_id = "REDEV"
