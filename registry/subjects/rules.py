"""What decides about persons' consents, requests and words; pure.

Sources: PIPL 13-17, 23, 25, 28-30, 39, 44-50.
"""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from base.canonical import canonical
from registry.subjects.errors import ConsentBeyondWording, SubjectMalformed, WordingBundled

MAX_TEXT: Final = 4000
MAX_TOLD: Final = 1000
MAX_NAMES: Final = 100
PAYLOAD_TYPE: Final = "application/vnd.databourse.subject-word+json"
_SALT: Final = b"databourse/subject-salt/v1\x00"
PSEUDONYM: Final = r"^[0-9a-f]{64}$"


class ConsentKind(StrEnum):
    """What one consent is about; all but PROCESS are separate consent (单独同意)."""

    PROCESS = "PROCESS"  # 处理 (PIPL 13)
    PROVIDE = "PROVIDE"  # 向其他处理者提供 (23)
    PUBLISH = "PUBLISH"  # 公开 (25)
    SENSITIVE = "SENSITIVE"  # 敏感个人信息 (29)
    EXPORT = "EXPORT"  # 向境外提供 (39)


SEPARATE: Final = frozenset(ConsentKind) - {ConsentKind.PROCESS}
STOPS: Final = frozenset({ConsentKind.PROCESS, ConsentKind.PROVIDE, ConsentKind.SENSITIVE})
"""With which of them every delivery of the data stops; EXPORT stops those that go abroad."""

_COMMON: Final = ("handler", "contact", "purpose", "method", "categories", "retention", "rights")
TOLD: Final[Mapping[ConsentKind, tuple[str, ...]]] = {
    ConsentKind.PROCESS: _COMMON,
    ConsentKind.PROVIDE: (*_COMMON, "recipient", "recipient_contact"),
    ConsentKind.PUBLISH: (*_COMMON, "public_place"),
    ConsentKind.SENSITIVE: (*_COMMON, "necessity", "impact"),
    ConsentKind.EXPORT: (*_COMMON, "recipient", "recipient_contact", "rights_abroad"),
}
"""What a person is told before the consent (PIPL 17, 23, 30, 39), by the names of the form."""


class AskedKind(StrEnum):
    """What a person asks of who handles the data (PIPL 44-48)."""

    ACCESS = "ACCESS"
    COPY = "COPY"
    CORRECT = "CORRECT"
    DELETE = "DELETE"
    PORT = "PORT"
    EXPLAIN = "EXPLAIN"
    RESTRICT = "RESTRICT"


class RefusalReason(StrEnum):
    """On which ground a request may be refused; it is told to the person (PIPL 50)."""

    SECRET_BY_LAW = "SECRET_BY_LAW"  # noqa: S105 - a reason (PIPL 18, 35, 45)
    RETENTION_BY_LAW = "RETENTION_BY_LAW"  # 47
    TECHNICALLY_IMPOSSIBLE = "TECHNICALLY_IMPOSSIBLE"  # 47: then storage and protection alone
    NOT_HELD = "NOT_HELD"
    NOT_THE_PERSON = "NOT_THE_PERSON"
    CONDITIONS_NOT_MET = "CONDITIONS_NOT_MET"  # 45(3), of portability


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a wording asks: one thing. `told` is what the law wants told, by the names of `TOLD`."""

    kind: ConsentKind
    object_id: str
    text: str
    told: Mapping[str, str]
    purposes: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    months: int = 12

    def document(self, *, holder_id: str, version: int) -> dict[str, Any]:
        """What its digest is of: all that a person is shown."""
        return {
            "holder_id": holder_id,
            "kind": self.kind.value,
            "months": self.months,
            "object_id": self.object_id,
            "purposes": sorted(set(self.purposes)),
            "recipients": sorted(set(self.recipients)),
            "text": self.text,
            "told": dict(sorted(self.told.items())),
            "version": version,
        }


def check_wording(asked: Asked) -> None:
    """One thing is asked, all is told that the law wants told. Raises SubjectMalformed, WordingBundled."""
    wanted = TOLD[asked.kind]
    missing = [name for name in wanted if not asked.told.get(name, "").strip()]
    if missing:
        raise SubjectMalformed("a person is told all of this first", fields=missing)
    extra = sorted(set(asked.told) - set(wanted))
    if extra:
        raise WordingBundled("this belongs to another consent, asked by itself", fields=extra)
    if not 1 <= len(set(asked.purposes)) <= MAX_NAMES:
        raise SubjectMalformed("at least one purpose", fields=["purposes"])
    if asked.kind in {ConsentKind.PROVIDE, ConsentKind.EXPORT} and not asked.recipients:
        raise SubjectMalformed("who receives is named (PIPL 23, 39)", fields=["recipients"])
    if asked.kind not in {ConsentKind.PROVIDE, ConsentKind.EXPORT} and asked.recipients:
        raise WordingBundled("to provide to others is asked by itself", fields=["recipients"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person gives: empty is all that was asked."""

    purposes: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    valid_until: datetime | None = None


def narrowed(
    wanted: Wanted,
    *,
    purposes: Collection[str],
    recipients: Collection[str],
    ends: datetime,
    now: datetime,
) -> Wanted:
    """What is given, all of it said. Raises ConsentBeyondWording for more than was asked."""
    beyond = []
    if set(wanted.purposes) - set(purposes):
        beyond.append("purposes")
    if set(wanted.recipients) - set(recipients):
        beyond.append("recipients")
    until = ends if wanted.valid_until is None else wanted.valid_until
    if not now < until <= ends:
        beyond.append("valid_until")
    if beyond:
        raise ConsentBeyondWording("a person gives what was asked, or less", fields=beyond)
    return Wanted(
        purposes=tuple(sorted(set(wanted.purposes or purposes))),
        recipients=tuple(sorted(set(wanted.recipients or recipients))),
        valid_until=until,
    )


def word_of(
    *, act: str, args: Mapping[str, Any], challenge: str, did: str, holder_id: str, origin: str
) -> bytes:
    """What a person signs: one act with its arguments, to one holder, under the challenge that stands."""
    return canonical(
        {
            "act": act,
            "args": dict(args),
            "challenge": challenge,
            "did": did,
            "holder_id": holder_id,
            "origin": origin,
        }
    )


def salt_of(word: bytes) -> str:
    """The salt of a person's entry in a record: whoever has the word can make it, and nobody else."""
    return sha256(_SALT + word).hexdigest()


def listed_entry(key: str, pseudonym: str) -> str:
    """A person as the receiver finds it: HMAC-SHA256 under the notice's own key, so that the notice tells
    nothing to who does not have this pseudonym in its data.
    """
    return hmac.new(bytes.fromhex(key), bytes.fromhex(pseudonym), sha256).hexdigest()
