"""What settlement refuses, and what it does not believe."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal, Unauthenticated, Unavailable


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


class EscrowFundedBefore(Conflict):
    """The escrow of a trade is funded once."""

    code = "escrow-funded-already"
    title = "The escrow of this trade is funded already"


class ClaimPaidBefore(Conflict):
    """A claim is paid once."""

    code = "claim-paid-already"
    title = "This claim is paid already"


class FundingFrozen(Conflict):
    """An order stands on the trade: no money comes in or goes out."""

    code = "trade-frozen"
    title = "The trade is frozen by an order"


class AccountNotOurs(Refusal):
    """The message speaks of another account than our escrow account."""

    code = "escrow-account-unknown"
    title = "Not our escrow account"


class EntryKnown(Conflict):
    """The bank's reference was told before, by another message."""

    code = "bank-entry-known-already"
    title = "This entry was told before by another message"


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


class PaymentsCross(Unavailable):
    """Paid under an instruction that had expired, while another one for the same is with the bank.

    The bank tells it again; by then it has answered the other, which it cannot pay (each payment once).
    """

    code = "payments-cross"
    title = "Another instruction for this payment is under way"


class DayNotOver(Unavailable):
    """The statement is of a day that still runs at the bank."""

    code = "bank-day-not-over"
    title = "The bank's day is not over yet"


class AccountMalformed(Malformed):
    """An account number of the bank is two letters, two check digits and up to thirty characters."""

    code = "account-malformed"
    title = "Not an account number"


class BankUnavailable(Unavailable):
    """The bank does not answer; the instruction is tried again."""

    code = "bank-unavailable"
    title = "The escrow bank does not answer"


class PeriodMalformed(Malformed):
    """A statement of account is of days that have begun, the first no later than the last."""

    code = "period-malformed"
    title = "Not a period of days that have begun"


class PeriodTooLong(Malformed):
    """A statement of account has so many lines at most."""

    code = "period-too-long"
    title = "Too many movements for one statement: take a shorter period"


class AccountNotSealed(Conflict):
    """Each line of a signed statement of account names its entry on the ledger."""

    code = "account-not-sealed"
    title = "Not every movement of the period is sealed yet"


class AccountStatementUnknown(NotFound):
    code = "account-statement-unknown"
    title = "No such statement of account"


class WorkItemUnknown(NotFound):
    code = "work-item-unknown"
    title = "No such work item"


class WorkItemClosed(Conflict):
    """What came of it was said before."""

    code = "work-item-closed"
    title = "This work item is closed already"


class WorkWrongRole(NotPermitted):
    """The exchange's own work."""

    code = "work-wrong-role"
    title = "The exchange looks after its own work"


class NothingToPayAgain(Conflict):
    """The bank has rejected no payment of this trade that is still due."""

    code = "nothing-to-pay-again"
    title = "No rejected payment waits on this trade"


class PaymentInDoubt(Conflict):
    """Whether it was paid is not known: a person closes the contradiction first."""

    code = "payment-in-doubt"
    title = "Whether this was paid has to be cleared up first"


class StatementMissing(Conflict):
    """What became of a payment is found in the bank's statements of every day it may have been paid on."""

    code = "bank-statement-missing"
    title = "A statement of the bank is not there yet"


class StatementUnknown(NotFound):
    code = "bank-statement-unknown"
    title = "No such statement of the bank is held"


class StatementContradicts(Conflict):
    """The bank's statement shows something else than what was said of the payment."""

    code = "bank-statement-contradicts"
    title = "The bank's statement shows something else"


class NothingInDoubt(Conflict):
    """The bank has said what became of this instruction."""

    code = "nothing-in-doubt"
    title = "Nothing about this payment is in doubt"


class InstructionUnknown(NotFound):
    code = "instruction-unknown"
    title = "No such payment instruction"


class PersonNeeded(NotPermitted):
    """What becomes of money in doubt is found by people, not by a key of the house."""

    code = "person-needed"
    title = "This is for a person to say"


class SaidBefore(Conflict):
    """Two officers find it: another one has to say it as well."""

    code = "said-before"
    title = "You have said so: another officer has to"


class HeldTooLittle(Conflict):
    """Escrow releases of a trade what it holds on it, and no more."""

    code = "held-too-little"
    title = "Less is held on the trade than this would release"
    rule_id: ClassVar[str | None] = "ESCROW-EXACT"
