"""What the bank refuses, as facts; `bank.problems` turns them into HTTP."""

from base.errors import Conflict, IdempotencyMismatch, Malformed, NotFound, Refusal, Unauthenticated


class Unbalanced(Malformed):
    """The legs of a movement do not sum to zero: a programming error, never booked."""

    code = "unbalanced"
    title = "The legs do not sum to zero"


class InsufficientFunds(Refusal):
    """The account does not hold what should leave it."""

    code = "insufficient-funds"
    title = "The account does not hold the amount"


class NotToEscrow(Refusal):
    """This bank moves customers' money into the escrow account only."""

    code = "not-to-escrow"
    title = "Transfers go to the escrow account only"


class TransferReused(IdempotencyMismatch):
    """The same end-to-end id of the same account came with other facts."""

    code = "end-to-end-id-reused"
    title = "This end-to-end id was used for another transfer"


class MessageIdReused(IdempotencyMismatch):
    """The same message id came with other bytes; the first message stands."""

    code = "message-id-reused"
    title = "This message id was used for another message"


class WrongToken(Unauthenticated):
    """No such account, or not its token: the answer does not tell which."""

    code = "wrong-token"
    title = "No account answers to this token"


class BadSignature(Unauthenticated):
    """The envelope does not carry a valid signature of the exchange's pinned key."""

    code = "bad-signature"
    title = "Not signed by the exchange"


class UnknownThing(NotFound):
    """The bank keeps nothing under that name."""


class NothingToCorrect(Conflict):
    """What was paid is what was instructed."""

    code = "nothing-to-correct"
    title = "The payment was right"


class ClockIsReal(Conflict):
    """The bank runs on the machine's clock."""

    code = "clock-is-real"
    title = "This bank's clock cannot be set"
