"""Evidence of a declaration: what each route asks for, and whether a document carries it. Pure.

A number is worth what the authority's register says of it: whose it is, what for, until when, and with which
digest. A number that is not there, or a document that is not the registered one, is refused as forged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from base.calendar import add_working_days, months_after, shanghai_day
from market.customs.declared import Declaration, Ground
from market.customs.errors import EvidenceRefused
from market.customs.routing import Way
from market.customs.terms import term


class DocumentKind(StrEnum):
    """What the authority keeps a register of."""

    STANDARD_CONTRACT = "STANDARD_CONTRACT"
    GBA_CONTRACT = "GBA_CONTRACT"
    CERTIFICATE = "CERTIFICATE"
    ASSESSMENT = "ASSESSMENT"
    ZONE = "ZONE"
    APPROVAL = "APPROVAL"  # to answer a foreign court or authority


class Attached(StrEnum):
    """What an exporter attaches by its digest."""

    CONTRACT = "contract"
    PIPIA = "pipia"
    CONSENT = "consent"
    SELF_ASSESSMENT = "self_assessment"
    ETHICS = "ethics"
    GROUND = "ground"  # labour rules, the individual's contract, the collection abroad, the emergency


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRegister:
    """A document as the authority entered it. `country` and `sensitive` are its scope; it took effect on
    `issued_on`.
    """

    kind: DocumentKind
    number: str
    exporter_ids: frozenset[str]
    recipient_name: str
    country: str
    sensitive: bool
    persons: int
    sha256: str
    issued_on: date
    filed_on: date
    valid_until: date | None
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an exporter shows: the document's kind, number and digest, and what it attaches.

    `pipia_on` is the day of the impact assessment.
    """

    kind: DocumentKind
    number: str
    sha256: str
    attached: Mapping[str, str]
    pipia_on: date | None = None

    def document(self) -> dict[str, Any]:
        """As the declaration keeps it."""
        return {
            "kind": self.kind.value,
            "number": self.number,
            "sha256": self.sha256,
            "attached": dict(self.attached),
            "pipia_on": self.pipia_on.isoformat() if self.pipia_on else None,
        }


_KINDS: Final[Mapping[Way, frozenset[DocumentKind]]] = {
    Way.GBA_STANDARD_CONTRACT: frozenset({DocumentKind.GBA_CONTRACT}),
    Way.CONTRACT_OR_CERTIFICATION: frozenset({DocumentKind.STANDARD_CONTRACT, DocumentKind.CERTIFICATE}),
    Way.ASSESSMENT: frozenset({DocumentKind.ASSESSMENT}),
    Way.MANUAL: frozenset({DocumentKind.APPROVAL}),
}
_FILED: Final = frozenset({DocumentKind.STANDARD_CONTRACT, DocumentKind.GBA_CONTRACT})


def check_shown(
    way: Way,
    said: Declaration,
    shown: Shown,
    found: OnRegister | None,
    *,
    exporter_id: str,
    at: datetime,
    carried: int = 0,
) -> date | None:
    """Whether what is shown carries the declaration now; the last day it does, None without an end.

    `carried` are the persons of the other declarations under the same document. Raises EvidenceRefused with
    `why`: wrong-kind, unknown, forged, other-exporter, other-scope, too-few,
    ended, expired, filed-late, missing, pipia-old.
    """
    wrong = next(
        (
            why
            for why, is_wrong in _tests(
                way, said, shown, found, exporter_id=exporter_id, at=at, carried=carried
            )
            if is_wrong
        ),
        None,
    )
    if wrong is not None or found is None:
        raise _refused(wrong or "unknown", shown)
    if way in {Way.GBA_STANDARD_CONTRACT, Way.CONTRACT_OR_CERTIFICATION}:
        check_attached(shown, said, at=at)
    return last_day(found, at)


def _tests(
    way: Way,
    said: Declaration,
    shown: Shown,
    found: OnRegister | None,
    *,
    exporter_id: str,
    at: datetime,
    carried: int,
) -> Iterator[tuple[str, bool]]:
    """What can be wrong with a document, in the order in which it is told."""
    yield "wrong-kind", shown.kind not in _KINDS.get(way, frozenset())
    if found is None or found.kind is not shown.kind:
        yield "unknown", True
        return
    yield "forged", found.sha256 != shown.sha256
    yield "other-exporter", exporter_id not in found.exporter_ids
    yield "other-scope", found.country != said.country
    yield "other-scope", found.recipient_name.strip() != said.recipient.name.strip()
    yield "other-scope", said.sensitive and not found.sensitive
    yield "too-few", carried + said.persons + said.sensitive_persons > found.persons
    yield "ended", found.ended
    day, last = shanghai_day(at), last_day(found, at)
    yield "expired", day < found.issued_on or (last is not None and day > last)
    within = term("XBD-TERM", "filing", at).whole
    late = found.filed_on > add_working_days(found.issued_on, within)
    yield "filed-late", found.kind in _FILED and late


def last_day(found: OnRegister, at: datetime) -> date | None:
    """The last day of a document: what it says, and no longer than the law lets its kind live."""
    name = {
        DocumentKind.ASSESSMENT: "assessment_validity",
        DocumentKind.CERTIFICATE: "certificate_validity",
    }.get(found.kind)
    if name is None:
        return found.valid_until
    most = months_after(found.issued_on, term("XBD-TERM", name, at).whole)
    return most if found.valid_until is None else min(found.valid_until, most)


def check_attached(shown: Shown, said: Declaration, *, at: datetime) -> None:
    """Contract, impact assessment and separate consent are there (PIPL 39, 55). Raises EvidenceRefused."""
    wanted = {Attached.CONTRACT.value, Attached.PIPIA.value, Attached.CONSENT.value}
    if said.research is not None:
        wanted.add(Attached.ETHICS.value)
    missing = sorted(wanted - set(shown.attached))
    if missing or shown.pipia_on is None:
        raise _refused("missing", shown, missing=missing)
    day = shanghai_day(at)
    oldest = months_after(day, -term("XBD-TERM", "pipia_age", at).whole)
    if not oldest <= shown.pipia_on <= day:
        raise _refused("pipia-old", shown)
    if said.research is not None and shown.attached[Attached.ETHICS.value] != said.research.ethics_sha256:
        raise _refused("forged", shown)


def check_submission(attached: Mapping[str, str], said: Declaration) -> None:
    """What goes to an assessment: self-assessment, contract and PIPIA; of a research project the ethics
    approval that it named. Raises EvidenceRefused.
    """
    wanted = {Attached.SELF_ASSESSMENT.value, Attached.CONTRACT.value}
    if said.personal:
        wanted.add(Attached.PIPIA.value)
    if said.research is not None:
        wanted.add(Attached.ETHICS.value)
    missing = sorted(wanted - set(attached))
    if missing:
        raise EvidenceRefused("what an assessment needs is missing", why="missing", missing=missing)
    if said.research is not None and attached[Attached.ETHICS.value] != said.research.ethics_sha256:
        raise EvidenceRefused("another ethics approval than was declared", why="forged")


def proved_grounds(said: Declaration) -> frozenset[Ground]:
    """The ground an exporter names, where it attaches what proves it; a zone is proved by the register."""
    if said.ground in {Ground.NONE, Ground.FREE_TRADE_ZONE} or Attached.GROUND.value not in said.attachments:
        return frozenset()
    return frozenset({said.ground})


def _refused(why: str, shown: Shown, **facts: object) -> EvidenceRefused:
    return EvidenceRefused(
        f"{shown.kind.value} {shown.number}: {why}", why=why, kind=shown.kind.value, **facts
    )
