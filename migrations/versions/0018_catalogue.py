"""What the catalogue can be searched by: tags of what is on offer, and the searches that people keep."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_PURPOSES: Final = (
    *("INTERNAL_USE", "RISK_CONTROL", "MODEL_TRAINING", "RESEARCH"),
    *("PRODUCT_DEVELOPMENT", "MARKETING", "PUBLIC_SERVICE"),
)
_DELIVERED: Final[Mapping[str, tuple[str, ...]]] = {
    "DATASET": ("file", "share", "api"),
    "API": ("file", "api"),
    "PRIVACY": ("file", "query"),
}
_FACETS: Final = ("delivery", "purpose", "grade", "frequency", "registered")
_GRADES: Final = ((900, "90-up"), (800, "80-90"), (0, "70-80"))
_OFFERED: Final = """
SELECT l.listing_id, l.product_type, c.document AS conditions, b.listing_id AS answers,
  (SELECT MAX(r.registration_id) FROM registry_rights AS r WHERE r.product_id = l.product_id
    AND r.holder_id = l.seller_id AND r.right_held = 'OPERATE' AND r.ended_at IS NULL) AS registered
FROM market_listings AS l
LEFT JOIN market_listing_conditions AS c ON c.listing_id = l.listing_id
LEFT JOIN market_listing_sandboxes AS b ON b.listing_id = l.listing_id
WHERE l.status = 'LISTED' ORDER BY l.listing_id
"""
_REPORT: Final = """
SELECT score_tenths, report FROM registry_quality WHERE listing_id = :listing_id
ORDER BY measured_at DESC, report_id DESC LIMIT 1
"""


def upgrade() -> None:
    """Add tags, and give every listing on offer its own; add saved searches."""
    op.create_table(
        "market_listing_tags",
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"],
            ["market_listings.listing_id"],
            name=op.f("fk_market_listing_tags_listing_id"),
        ),
        sa.PrimaryKeyConstraint("facet", "value", "listing_id", name=op.f("pk_market_listing_tags")),
    )
    op.create_index(
        op.f("ix_market_listing_tags_listing_id"), "market_listing_tags", ["listing_id"], unique=False
    )
    op.create_table(
        "market_saved_searches",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("saved_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["identity_users.user_id"],
            name=op.f("fk_market_saved_searches_user_id"),
        ),
        sa.PrimaryKeyConstraint("user_id", "name", name=op.f("pk_market_saved_searches")),
    )
    _tag()


def downgrade() -> None:
    """Take away tags with their counts, and saved searches."""
    op.drop_table("market_saved_searches")
    op.drop_table("market_listing_tags")
    kept = sa.table("market_listing_facets", sa.column("facet"))
    op.execute(sa.delete(kept).where(kept.c.facet.in_(_FACETS)))


def _tag() -> None:
    """What the door of a listing writes (`market.listings.tags`), for those that are on offer already."""
    connection = op.get_bind()
    tags = sa.table("market_listing_tags", sa.column("facet"), sa.column("value"), sa.column("listing_id"))
    counts: Counter[tuple[str, str]] = Counter()
    for row in connection.execute(sa.text(_OFFERED)).all():
        report = connection.execute(sa.text(_REPORT), {"listing_id": row.listing_id}).first()
        found = sorted(_tags_of(row, report))
        counts.update(found)
        rows = [{"facet": facet, "value": value, "listing_id": row.listing_id} for facet, value in found]
        connection.execute(sa.insert(tags), rows)
    kept = sa.table("market_listing_facets", sa.column("facet"), sa.column("value"), sa.column("listings"))
    for (facet, value), number in counts.items():
        connection.execute(sa.insert(kept), {"facet": facet, "value": value, "listings": number})


def _tags_of(row: Any, report: Any) -> Iterator[tuple[str, str]]:
    ways = _DELIVERED.get(row.product_type, ("file",))
    yield from (("delivery", way) for way in {*ways, *(("query",) if row.answers else ())})
    said = orjson.loads(row.conditions) if row.conditions else {}
    yield from (("purpose", purpose) for purpose in said.get("purposes", _PURPOSES))
    if row.registered:
        yield "registered", "yes"
    if report is not None:
        yield "grade", next(grade for least, grade in _GRADES if report.score_tenths >= least)
        promised = (orjson.loads(report.report).get("declared") or {}).get("update_frequency")
        if promised:
            yield "frequency", promised
