"""What the registry does: it registers rights, grades products, and binds measured quality to a listing.

Rights and levels are said by the listing's own statements (`LST.*`); the measurement is the exchange's
own statement, `REG.MEASURE`. Measuring takes seconds and happens before the transaction (`registry.measure`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from base.db import ReadSession, WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from registry import repository
from registry.contributions.depending import require_agreed, require_consented
from registry.errors import (
    NoReport,
    QualityNotMeasured,
    QualityTooLow,
    ReportOfAnotherFile,
    RightNotHeld,
    RightOfRegistration,
    UnclassifiedProduct,
)
from registry.grading.depending import require_not_important
from registry.grading.repository import grade_of
from registry.preview import Preview
from registry.quality import points
from registry.registration.depending import require_code_of, require_no_wrong, require_standing
from registry.report import Report, parse_report
from registry.rules import (
    Allowance,
    Channel,
    Hint,
    Level,
    PersonalData,
    Right,
    RightEnd,
    Source,
    SourceFacts,
    allowance,
    check_channel,
    check_claim,
    check_entered_anew,
    graded,
    highest,
    screen,
)
from registry.sketching import FORM, keyed
from registry.tables import ClassificationRow, QualityRow, RightsRow

MEASURE_EVENT: Final = "REG.MEASURE"


async def register_rights_basis(
    s: WriteSession,
    act: Act,
    *,
    product_id: str,
    holder_id: str,
    source: Source,
    facts: SourceFacts,
    claimed: frozenset[Right],
    source_statement_sha256: str,
) -> list[RightsRow]:
    """Register what a holder may do with a product, on the ground of the data's source.

    `source_statement_sha256` digests the source statement with its proofs. Raises RightNotRegistrable
    (a right the source does not give), RightRegisteredBefore, RightRevoked (a cancelled one is entered anew),
    PublicRegistrationUnknown (authorised public data without the code of its registration),
    ContributorsUnnamed (fused data whose others have not consented).
    """
    rights = sorted(check_claim(source, facts, claimed))
    if Right.OPERATE in claimed:
        await require_consented(s, product_id=product_id, holder_id=holder_id, source=source)
    await require_code_of(s, act, source=source, code=facts.public_registration_no)
    for right in rights:
        former = await repository.right_entered(s, product_id=product_id, holder_id=holder_id, right=right)
        if former is not None:
            check_entered_anew(former.ended_as, right)
            if former.registration_id is not None:  # handed over with it, or given up with it
                raise RightOfRegistration("ask its registrar", registration_id=former.registration_id)
            await s.delete(former)
    await s.flush()
    rows = [
        RightsRow(
            product_id=product_id,
            right=right,
            holder_id=holder_id,
            source=source,
            source_statement_sha256=source_statement_sha256,
            public_registration_no=facts.public_registration_no,
            registered_at=act.now,
        )
        for right in rights
    ]
    s.add_all(rows)
    await s.flush()
    return rows


async def classify(
    s: WriteSession,
    act: Act,
    *,
    product_id: str,
    declared_level: Level,
    hints: Sequence[Hint],
    personal: PersonalData,
) -> ClassificationRow:
    """Grade a product and screen it; a second call grades it again. Never raises for a failed screen.

    The level is the highest of the declared one, of what the scan saw, and of what people decided, its
    sources and the important-data catalogue give (GB/T 43697-2024; `registry.grading`). `passed` and
    `reasons` tell the listing whether it may go on to review (`SCREEN_PASS`) or not (`SCREEN_FAIL`).
    """
    level = graded(declared_level, hints)
    known = await grade_of(s, object_id=product_id)
    if known is not None:
        level = highest([level, known.level])
    outcome = screen(level, hints, personal)
    facts = {
        "declared_level": declared_level,
        "level": level,
        "personal": asdict(personal),
        "hints": [asdict(hint) for hint in hints],
        "passed": outcome.passed,
        "reasons": list(outcome.reasons),
        "classified_by": act.actor.org_id,
        "classified_at": act.now,
    }
    row = await s.get(ClassificationRow, product_id, with_for_update=True)
    if row is None:
        row = ClassificationRow.model_validate({"product_id": product_id, **facts})
        s.add(row)
    else:
        row.sqlmodel_update(facts)
    await s.flush()
    return row


async def record_measurement(
    s: WriteSession,
    act: Act,
    *,
    listing_id: str,
    file_sha256: str,
    report: Report,
    preview: Preview,
    master: bytes,
) -> QualityRow:
    """Bind a report to a listing's file and state it as the exchange (`REG.MEASURE`).

    Its sketch is stated under a key made of `master`. The same report again is the row that is there.
    Raises ReportOfAnotherFile.
    """
    if report.file_sha256 != file_sha256:
        raise ReportOfAnotherFile(
            "the report measures another file", listing_file=file_sha256, measured_file=report.file_sha256
        )
    known = await repository.report_named(s, listing_id=listing_id, report_sha256=report.sha256)
    if known is not None:
        return known
    system = act.as_exchange()
    recorded = await record(
        s,
        system,
        Draft(
            MEASURE_EVENT,
            listing_id,
            public={
                "listing_id": listing_id,
                "file_sha256": file_sha256,
                "report_sha256": report.sha256,
                "method": report.method,
                "score": report.score,
                "dimensions": report.dimensions,
            },
            opening={"minhash": keyed(report.sketch, master), "form": FORM} if report.sketch else None,
            subjects={"file": file_sha256, "report": report.sha256},
        ),
    )
    row = QualityRow(
        report_id=act.new_id("rep"),
        listing_id=listing_id,
        file_sha256=file_sha256,
        report_sha256=report.sha256,
        report=report.canonical,
        method=report.method,
        score_tenths=report.score_tenths,
        passed=report.passed,
        preview=preview.document(),
        measured_at=act.now,
        statement_id=recorded.statement_id,
    )
    s.add(row)
    await s.flush()
    return row


async def require_right(
    s: ReadSession, *, product_id: str, holder_id: str, right: Right, now: datetime | None = None
) -> RightsRow:
    """The registered right an act depends on, share-locked. Raises RightNotHeld, RegistrationLapsed.

    `now` is the moment of the act: the end of a registration bites before the clock states it. A right to
    operate a joint product rests on its contributors too: ContributionOpen, ContributionUnfounded.
    """
    row = await repository.right_held(s, product_id=product_id, holder_id=holder_id, right=right, lock=True)
    if row is None:
        raise RightNotHeld("no registered basis for this right", product=product_id, right=right.value)
    await require_standing(s, row, now=now)
    if right is Right.OPERATE:
        await require_agreed(s, product_id=product_id, holder_id=holder_id, now=now)
    return row


async def require_not_revoked(s: ReadSession, *, product_id: str, holder_id: str) -> None:
    """A licence that runs on when its product is offered no more was not sold on a wrong.

    Its right was neither revoked nor lost to who had a better one. Raises RightNotHeld, RegistrationLapsed.
    """
    row = await s.get(RightsRow, (product_id, Right.OPERATE, holder_id), populate_existing=True)
    if row is not None and row.ended_as == RightEnd.REVOKED:
        raise RightNotHeld("the right was revoked", product=product_id, right=Right.OPERATE.value)
    if row is not None and row.registration_id is not None:
        await require_no_wrong(s, registration_id=row.registration_id)


async def require_channel(s: ReadSession, *, product_id: str, channel: Channel) -> tuple[Level, Allowance]:
    """A product's level and what it asks of the channel, share-locked. Raises ChannelClosed.

    Raises UnclassifiedProduct where nobody has graded the product.
    """
    row = await repository.classification_of(s, product_id=product_id, lock=True)
    if row is None:
        raise UnclassifiedProduct("the product has no level", product=product_id)
    if allowance(row.level, channel) is Allowance.NO:  # then it is named why, where an entry stops it
        await require_not_important(s, object_id=product_id)
    return row.level, check_channel(row.level, channel)


async def require_quality(s: ReadSession, *, listing_id: str, file_sha256: str) -> QualityRow:
    """The newest report of the listing's very file, if it passes.

    Raises QualityNotMeasured and QualityTooLow.
    """
    row = await repository.latest_report(s, listing_id=listing_id, file_sha256=file_sha256)
    if row is None:
        raise QualityNotMeasured("no report of this file", listing=listing_id)
    if not row.passed:
        report = parse_report(row.report)
        raise QualityTooLow(
            "the measured quality does not pass", score=points(row.score_tenths), **report.dimensions
        )
    return row


async def bound_report(s: ReadSession, *, listing_id: str, report_sha256: str | None = None) -> Report:
    """A listing's report (the newest, or the one of that digest), for reading or measuring again.

    Raises NoReport.
    """
    if report_sha256 is None:
        row = await repository.latest_report(s, listing_id=listing_id)
    else:
        row = await repository.report_named(s, listing_id=listing_id, report_sha256=report_sha256)
    if row is None:
        raise NoReport("no quality report of this listing", listing=listing_id)
    return parse_report(row.report)
