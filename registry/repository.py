"""What is asked of the registry."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import bindparam
from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.rules import Right
from registry.tables import ClassificationRow, QualityRow, RightsRow

# Made once: to compose a question anew costs more than to ask it, and these are asked at every act.
_RIGHT: Final = select(RightsRow).where(
    col(RightsRow.product_id) == bindparam("product_id"),
    col(RightsRow.holder_id) == bindparam("holder_id"),
    col(RightsRow.right) == bindparam("right_held"),
    col(RightsRow.ended_at).is_(None),
)
_RIGHT_LOCKED: Final = share_lock(_RIGHT)
_LEVEL: Final = select(ClassificationRow).where(col(ClassificationRow.product_id) == bindparam("product_id"))
_LEVEL_LOCKED: Final = share_lock(_LEVEL)


async def rights_in(s: ReadSession, *, product_id: str) -> Sequence[RightsRow]:
    """Every right in a product, by holder."""
    query = select(RightsRow).where(RightsRow.product_id == product_id)
    return (await s.exec(query.order_by(col(RightsRow.holder_id), col(RightsRow.right)))).all()


async def right_held(
    s: ReadSession, *, product_id: str, holder_id: str, right: Right, lock: bool = False
) -> RightsRow | None:
    """A holder's right that stands; `lock` share-locks it for an act that depends on it."""
    asked = {"product_id": product_id, "holder_id": holder_id, "right_held": right}
    return (await s.exec(_RIGHT_LOCKED if lock else _RIGHT, params=asked)).first()


async def right_entered(
    s: WriteSession, *, product_id: str, holder_id: str, right: Right
) -> RightsRow | None:
    """A holder's right as it was entered, whether it stands or not, locked against who depends on it."""
    found = (
        col(RightsRow.product_id) == product_id,
        col(RightsRow.holder_id) == holder_id,
        col(RightsRow.right) == right,
    )
    query = exclusive_lock(select(RightsRow).where(*found))
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def classification_of(
    s: ReadSession, *, product_id: str, lock: bool = False
) -> ClassificationRow | None:
    """The level of a product; `lock` share-locks it for an act that depends on it."""
    asked = {"product_id": product_id}
    return (await s.exec(_LEVEL_LOCKED if lock else _LEVEL, params=asked)).first()


async def latest_report(
    s: ReadSession, *, listing_id: str, file_sha256: str | None = None
) -> QualityRow | None:
    """The newest report of a listing (of that file)."""
    query = select(QualityRow).where(QualityRow.listing_id == listing_id)
    if file_sha256 is not None:
        query = query.where(QualityRow.file_sha256 == file_sha256)
    newest = query.order_by(col(QualityRow.measured_at).desc(), col(QualityRow.report_id).desc()).limit(1)
    return (await s.exec(newest)).first()


async def scores_of(s: ReadSession, *, listing_ids: Collection[str]) -> dict[str, int]:
    """The newest score of each of these listings, in tenths of a point; none for one not measured."""
    if not listing_ids:
        return {}
    query = (
        select(QualityRow.listing_id, QualityRow.score_tenths)
        .where(col(QualityRow.listing_id).in_(sorted(listing_ids)))
        .order_by(col(QualityRow.measured_at), col(QualityRow.report_id))
    )
    return dict((await s.exec(query)).all())


async def reports_of(s: ReadSession, *, listing_id: str, limit: int = 50) -> Sequence[QualityRow]:
    """A listing's reports, newest first: the trend."""
    query = select(QualityRow).where(QualityRow.listing_id == listing_id)
    return (await s.exec(query.order_by(col(QualityRow.measured_at).desc()).limit(limit))).all()


async def report_by_digest(s: ReadSession, *, report_sha256: str) -> QualityRow | None:
    """The newest report of this digest, of whichever listing."""
    query = select(QualityRow).where(QualityRow.report_sha256 == report_sha256)
    return (await s.exec(query.order_by(col(QualityRow.measured_at).desc()).limit(1))).first()


async def report_named(s: ReadSession, *, listing_id: str, report_sha256: str) -> QualityRow | None:
    """The report of a listing that the ledger names by this digest."""
    query = select(QualityRow).where(
        QualityRow.listing_id == listing_id, QualityRow.report_sha256 == report_sha256
    )
    return (await s.exec(query)).first()
