"""What settlement refuses, and what it does not believe."""

from typing import ClassVar

from base.errors import Conflict, Malformed, Refusal, Unauthenticated, Unavailable


class BankSignatureInvalid(Unauthenticated):
    """The message does not carry the pinned bank's signature."""

    code = "bank-signature-invalid"
    title = "Not signed by the escrow bank"


class BankMessageMalformed(Malformed):
    """Not the ISO 20022 message that is expected here."""

    code = "bank-message-malformed"
    title = "Not a message of the expected form"


class BankMessageChanged(Refusal):
    """A message id came again with other content."""

    code = "bank-message-changed"
    title = "This message id came before with other content"


class PaymentUnknown(Refusal):
    """No contract waits for a payment with this reference."""

    code = "payment-unknown"
    title = "No trade waits for this payment"


class EscrowAmountMismatch(Refusal):
    """Escrow is funded with the exact price, neither less nor more."""

    code = "escrow-amount-mismatch"
    title = "The amount is not the price of the contract"
    rule_id: ClassVar[str | None] = "ESCROW-EXACT"


class FundingLate(Refusal):
    """The escrow was to be funded earlier."""

    code = "funding-late"
    title = "The payment comes after its due date"
    rule_id: ClassVar[str | None] = "ESCROW-DUE"


class SettlementNotInstructed(Refusal):
    """The bank reports a payment that the exchange never instructed."""

    code = "settlement-not-instructed"
    title = "This payment was not instructed"


class PaymentUnderWay(Conflict):
    """The instruction is with the bank: a freeze comes too late, or a second instruction too soon."""

    code = "payment-under-way"
    title = "The payment is under way at the bank"


class AccountMalformed(Malformed):
    """An account number of the bank is two letters, two check digits and up to thirty characters."""

    code = "account-malformed"
    title = "Not an account number"


class BankUnavailable(Unavailable):
    """The bank does not answer; the instruction is tried again."""

    code = "bank-unavailable"
    title = "The escrow bank does not answer"
