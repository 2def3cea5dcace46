"""What a verifier can come to, each with its word and the exit code of `databourse credential`."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Verdict(StrEnum):
    """The first thing that is wrong, in the order of the verifier's plan."""

    VALID = "valid"
    INCOMPLETE = "incomplete"
    """Nothing is wrong, and not everything was looked at: the issuer is not pinned, or a list is missing."""
    MALFORMED = "malformed"
    CONTEXT_CHANGED = "context-changed"
    FORGED = "forged"
    ISSUER_FOREIGN = "issuer-foreign"
    ISSUER_RETIRED = "issuer-retired"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    LIST_MALFORMED = "list-malformed"
    LIST_FORGED = "list-forged"
    LIST_ISSUER_FOREIGN = "list-issuer-foreign"
    LIST_OTHER = "list-other"
    """Not the list that the credential names."""
    LIST_PURPOSE_WRONG = "list-purpose-wrong"
    LIST_STALE = "list-stale"
    LIST_NOT_YET_VALID = "list-not-yet-valid"
    INDEX_OUT_OF_RANGE = "index-out-of-range"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    HOLDER_FOREIGN = "holder-foreign"
    """Of a presentation: by another than whom the credential is about."""
    USER_OTHER = "user-other"
    PURPOSE_OTHER = "purpose-other"
    CHALLENGE_OTHER = "challenge-other"
    DISCLOSURE_FALSE = "disclosure-false"
    """Something is shown that the credential does not say."""


EXIT_CODES: Final[Mapping[Verdict, int]] = MappingProxyType(
    {
        Verdict.VALID: 0,
        Verdict.INCOMPLETE: 3,
        Verdict.MALFORMED: 10,
        Verdict.CONTEXT_CHANGED: 11,
        Verdict.FORGED: 12,
        Verdict.ISSUER_FOREIGN: 13,
        Verdict.ISSUER_RETIRED: 14,
        Verdict.NOT_YET_VALID: 15,
        Verdict.EXPIRED: 16,
        Verdict.LIST_MALFORMED: 20,
        Verdict.LIST_FORGED: 21,
        Verdict.LIST_ISSUER_FOREIGN: 22,
        Verdict.LIST_OTHER: 23,
        Verdict.LIST_PURPOSE_WRONG: 24,
        Verdict.LIST_STALE: 25,
        Verdict.LIST_NOT_YET_VALID: 26,
        Verdict.INDEX_OUT_OF_RANGE: 27,
        Verdict.REVOKED: 30,
        Verdict.SUSPENDED: 31,
        Verdict.HOLDER_FOREIGN: 40,
        Verdict.USER_OTHER: 41,
        Verdict.PURPOSE_OTHER: 42,
        Verdict.CHALLENGE_OTHER: 43,
        Verdict.DISCLOSURE_FALSE: 44,
    }
)


class NotAccepted(Exception):
    """A verifier's no, on its way up; `verify` turns it into a finding."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict
        self.detail = detail
