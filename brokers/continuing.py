"""A certificate goes on: warned, cut to less, renewed before its end; or its broker leaves (BR15)."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.calendar import at_shanghai, end_of_day_shanghai, months_after, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from brokers import repository
from brokers.applying import Filing, claims_document
from brokers.certifying import check_free, wind_end, words_of, years_after
from brokers.errors import (
    AnnualReportMissing,
    HandOverOpen,
    RenewalWindowClosed,
    ScopeNotCut,
    TooEarly,
)
from brokers.moving import Said, check_own, moments, step
from brokers.qualifying import (
    Evidence,
    check_claims,
    check_complete,
    check_qualified,
    check_text,
    required,
)
from brokers.reporting import wind_year
from brokers.rule_table import in_force
from brokers.rules import ALL_SECTORS, BrokerType
from brokers.states import CertificateEvent, certificate_may_move
from brokers.tables import ApplicationRow, CertificateRow
from ledger.recording import Act
from registry.rules import Level, rank

MAX_NAMED: Final = 20


async def warn(s: WriteSession, act: Act, *, cert_id: str, reason_code: str, text: str) -> CertificateRow:
    """Warn a broker (BRK.WARN); the letter is in the opening, that it was sent is public."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.WARN, act.role)
    check_text(text)
    await step(s, act, CertificateEvent.WARN, row, Said(opening={"text": text}), reason_code=reason_code)
    return row


async def cut_scope(
    s: WriteSession,
    act: Act,
    *,
    cert_id: str,
    sectors: Collection[str],
    max_level: Level,
    cross_border: bool,
    reason_code: str,
) -> CertificateRow:
    """Leave a broker less than it had, from this act on (BRK.CUT_SCOPE); its credential is withdrawn at once.

    Raises ScopeNotCut, CertificateWrongState.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.CUT_SCOPE, act.role)
    left = sorted(set(sectors))
    _check_cut(row, left, max_level, cross_border=cross_border)
    values: dict[str, Any] = {"sectors": left, "max_level": max_level.value, "cross_border": cross_border}
    await step(
        s, act, CertificateEvent.CUT_SCOPE, row, Said(public=values), reason_code=reason_code, values=values
    )
    return row


def _check_cut(row: CertificateRow, sectors: list[str], max_level: Level, *, cross_border: bool) -> None:
    inside = ALL_SECTORS in row.sectors or set(sectors) <= set(row.sectors)
    within = inside and rank(max_level) <= rank(Level(row.max_level)) and cross_border <= row.cross_border
    same = (sectors, max_level.value, cross_border) == (row.sectors, row.max_level, row.cross_border)
    if not sectors or not within or same:
        raise ScopeNotCut(
            "name less than there is, and something",
            sectors=row.sectors,
            max_level=row.max_level,
            cross_border=row.cross_border,
        )


async def renew(s: WriteSession, act: Act, *, cert_id: str, filing: Filing) -> CertificateRow:
    """Renew a certificate for as long again (BRK.RENEW), as its broker, with claims and evidence of now.

    The window is from six months to one day before the end. No review may be open, and `BRK-QUAL` of this day
    must be met. Raises RenewalWindowClosed, AnnualReportMissing, ApplicationIncomplete, NotQualified,
    NotYourCertificate, CertificateWrongState, BrokerBarred, and what evidence raises.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    check_own(act, row.org_id)
    certificate_may_move(row.status, CertificateEvent.RENEW, act.role)
    rules = in_force(act.now)
    opens, closes = renewal_window(row.valid_to)
    if not opens <= act.now <= closes:
        raise RenewalWindowClosed(
            "renewal is from six months to one day before the end",
            cert_id=cert_id,
            opens=rfc3339(opens),
            closes=rfc3339(closes),
        )
    waiting = [one.year for one in await repository.annuals_of(s, cert_id=cert_id) if one.result != "PASS"]
    if waiting:
        raise AnnualReportMissing("a review is open", cert_id=cert_id, years=waiting)
    check_claims(filing.claims)
    wanted = required(BrokerType(row.broker_type), row.grade, cross_border=row.cross_border)
    check_complete(wanted, (piece.kind for piece in filing.evidence))
    check_qualified(filing.claims, grade=row.grade, rules=rules)
    valid_to = years_after(row.valid_to, rules.whole("BRK-CERT", "validity"))
    begins = row.valid_to + timedelta(milliseconds=1)
    await check_free(s, act, org_id=row.org_id, valid_from=begins, valid_to=valid_to)
    said = Said(
        public=words_of(row) | moments(valid_to=valid_to),
        opening={"claims": claims_document(filing.claims)},
        evidence=filing.evidence,
    )
    await step(s, act, CertificateEvent.RENEW, row, said, values={"valid_to": valid_to})
    claimed = {"claims": claims_document(filing.claims)}  # whom the next credential names
    await s.exec(update(ApplicationRow).where(col(ApplicationRow.cert_id) == cert_id).values(claimed))
    await wind_end(s, row)
    await wind_year(s, row, year=shanghai_day(act.now).year - 1)
    await wind_year(s, row, year=shanghai_day(act.now).year)
    return row


def renewal_window(valid_to: datetime) -> tuple[datetime, datetime]:
    """When a certificate of this end can be renewed: from the first moment to the last."""
    rules, last = in_force(valid_to), shanghai_day(valid_to)
    opens = months_after(last, -rules.whole("BRK-CERT", "renewal_opens"))
    closes = last - timedelta(days=rules.whole("BRK-CERT", "renewal_closes"))
    return at_shanghai(opens, time.min), end_of_day_shanghai(closes)


async def give_exit_notice(s: WriteSession, act: Act, *, cert_id: str) -> CertificateRow:
    """Say that one will leave in six months (BRK.EXIT_NOTICE); what runs is handed over until then."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    check_own(act, row.org_id)
    months = in_force(act.now).whole("BR15", "notice")
    exits_at = end_of_day_shanghai(months_after(shanghai_day(act.now), months))
    said = Said(public=moments(exits_at=exits_at))
    await step(s, act, CertificateEvent.EXIT_NOTICE, row, said, values={"exits_at": exits_at})
    return row


async def leave(
    s: WriteSession, act: Act, *, cert_id: str, records: Evidence, trades: Collection[str]
) -> CertificateRow:
    """Leave (BRK.EXIT), once the notice is over, no mandate and none of `trades` runs, and records are kept.

    `trades` are the broker's that still run, as the market knows them; `records` is the inventory of what was
    handed over. Raises TooEarly, HandOverOpen, NotYourCertificate, CertificateWrongState.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    check_own(act, row.org_id)
    certificate_may_move(row.status, CertificateEvent.EXIT, act.role)
    assert row.exits_at is not None
    if act.now <= row.exits_at:
        raise TooEarly("the notice is not over", cert_id=cert_id, exits_at=rfc3339(row.exits_at))
    mandates = await repository.running_mandates(s, broker_id=row.org_id, at=act.now)
    if mandates or trades:
        raise HandOverOpen(
            f"{len(mandates)} mandates and {len(trades)} trades still run",
            mandates=mandates[:MAX_NAMED],
            trades=sorted(trades)[:MAX_NAMED],
        )
    await step(s, act, CertificateEvent.EXIT, row, Said(evidence=(records,)))
    return row
