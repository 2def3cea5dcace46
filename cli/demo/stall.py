"""How a seller of the demo brings a real file on offer: upload, draft, measure, submit, review, list."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.db import WriteSession
from base.files import StoredFile
from cli.demo.datasets import Part, published_digest
from cli.demo.world import Member, World
from ledger.recording import Act
from market.delivery.acceptance import Quality
from market.listings.materials import Compliance
from market.listings.publishing import publish_listing, review_listing
from market.listings.rules import Description
from market.listings.service import Offering, draft_listing, keep_file, submit_listing
from market.listings.tables import Decision, Listing
from registry.declared import declared_from
from registry.measure import measure_file
from registry.preview import masked
from registry.report import Report
from registry.rules import Level, Source
from registry.service import record_measurement

UNIT = "份"
LICENCE = "INTERNAL_USE"


@dataclass(frozen=True, slots=True)
class Stall:
    """One listing of the demo's market: whose it is and around which price it trades."""

    listing_id: str
    product_id: str
    seller: Member
    category: str
    price_minor: int
    title: str


async def stored_part(world: World, content: bytes) -> StoredFile:
    """A file's bytes in the object store, encrypted as any upload is."""

    async def stream() -> AsyncIterator[bytes]:
        yield content

    return await world.node.files.put(stream(), limit_bytes=world.node.settings.upload_limit_bytes)


async def measured(world: World, part: Part) -> Report:
    """A part's measured quality: the real profile of the real bytes, in a child process."""
    with tempfile.TemporaryDirectory(prefix="databourse-") as folder:
        path = Path(folder) / "data"
        path.write_bytes(part.content)
        return await measure_file(path, declared_from(part.declared), as_of=world.clock.now())


async def offer_part(
    world: World,
    seller: Member,
    part: Part,
    report: Report,
    *,
    title: str,
    price_minor: int,
    product_id: str | None = None,
) -> Stall:
    """Bring one part of a real table on offer, each step by the one whose step it is."""
    stored = await stored_part(world, part.content)
    table = part.table
    name = f"{table.category.value}-{part.number}.csv"
    file = await seller.do(
        keep_file,
        "PROVIDER",
        about=seller.org_id,
        attempted="LST.UPLOAD",
        file=stored,
        name=name,
        media_type="text/csv",
    )
    says = Description(
        title=title,
        description=f"{table.about}（许可：{table.licence}，{part.rows}行）",
        scenario="行业研究与模型训练，仅限内部使用",
        category=table.category.value,
        geo="CN",
        product_type="DATASET",
        licence_class=LICENCE,
        unit=UNIT,
        quantity=1,
    )
    listing = await seller.do(
        draft_listing,
        "PROVIDER",
        about=file.file_id,
        attempted="LST.DRAFT",
        offering=Offering(
            says=says,
            level=Level.GENERAL_2,
            licence_of_data=table.licence,
            list_price_minor=price_minor,
            derived_from=(published_digest(table.package, table.path),) if table.package else (),
        ),
        file_id=file.file_id,
        product_id=product_id,
    )
    await bind_report(world, listing, report)
    await seller.do(
        submit_listing,
        "PROVIDER",
        about=listing.listing_id,
        attempted="LST.SUBMIT",
        listing_id=listing.listing_id,
        compliance=compliance(table.licence),
    )
    await approve(world, listing.listing_id)
    return Stall(listing.listing_id, listing.product_id, seller, says.category, price_minor, title)


async def bind_report(world: World, listing: Listing, report: Report) -> None:
    """State the measured report as the exchange (REG.MEASURE)."""

    async def recorded(s: WriteSession, act: Act) -> Any:
        return await record_measurement(
            s,
            act,
            listing_id=listing.listing_id,
            file_sha256=report.file_sha256,
            report=report,
            preview=masked(report, listing.level),
            master=world.node.safe.master,
        )

    async with world.node.database.write() as s:
        await recorded(s, world.node.house.exchange_act())
    # What the year delivers is read and digested each time; its table was measured just now.
    world.node.measured[report.file_sha256, report.sha256] = Quality.of(report)


def compliance(licence: str) -> Compliance:
    """What a seller of openly licensed data declares: obtained by agreement, under that licence."""
    statement = hashlib.sha256(f"source statement under {licence}".encode()).hexdigest()
    return Compliance(
        source=Source.SELF_COLLECTED,
        source_statement_sha256=statement,
        basis_ref="registration exempt: open licence " + licence,
    )


async def approve(world: World, listing_id: str) -> None:
    """The operator's reviewer approves, and the operator lists."""
    reviewer = world.members["operator"]
    await reviewer.do(
        review_listing,
        "EXCHANGE_OPERATOR",
        about=listing_id,
        attempted="LST.APPROVE",
        listing_id=listing_id,
        decision=Decision.APPROVE,
    )
    await reviewer.do(
        publish_listing,
        "EXCHANGE_OPERATOR",
        about=listing_id,
        attempted="LST.LIST",
        listing_id=listing_id,
    )
