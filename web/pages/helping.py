"""Help: the five-minute job of each persona as steps with links; and how accessible these pages are.

The English steps stand in `docs/howto/` too, word for word (a test compares).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from web.pages.languages import N_
from web.pages.visiting import VisitorDep

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Job:
    """What a persona does in five minutes: each step with the page where it is done."""

    title: str
    says: str
    steps: tuple[tuple[str, str], ...]


JOBS: Final[Mapping[str, Job]] = {
    "provider": Job(
        N_("For a provider"),
        N_("List a file, table or interface, see its quality and a guide price, sell, be paid."),
        (
            (N_("Register a key, and name the account that you are paid to."), "/account"),
            (N_("Upload the file, describe it, and have its quality measured."), "/sell/new"),
            (
                N_("Look at the quality report and the guide price, then submit the listing for review."),
                "/sell/products",
            ),
            (N_("Answer inquiries with an offer, and sign the contract."), "/sell/requests"),
            (
                N_("Deliver once the escrow is funded; the bank pays on the working day after acceptance."),
                "/sell/sales",
            ),
        ),
    ),
    "buyer": Job(
        N_("For a buyer"),
        N_("Find, compare, ask, negotiate, sign, pay into escrow, load the data, dispute."),
        (
            (N_("Find a product: sample, measured quality, price and terms stand on its page."), "/products"),
            (N_("Calculate your price on the product's page, and inquire with your purpose."), "/products"),
            (N_("Accept the offer or answer with your own, and sign the contract."), "/trades"),
            (N_("Pay the exact price into escrow, with the trade's payment reference."), "/buy"),
            (
                N_("Load the data with your own tools, check its digest; accept it, or dispute it."),
                "/buy/data",
            ),
        ),
    ),
    "broker": Job(
        N_("For a broker"),
        N_("Be certified, hold mandates, match, negotiate for a client, earn a disclosed commission."),
        (
            (N_("Apply for the certificate; it is laid open before it is issued."), "/certificates"),
            (N_("Agree a mandate with each client: scope, fee, end."), "/mandates"),
            (N_("Match requests with products, and send what fits."), "/matching"),
            (N_("Carry deals through their stages, and negotiate in the trade's room."), "/broker/deals"),
            (N_("See what you earned, trade by trade, signed by the exchange."), "/broker/commission"),
        ),
    ),
    "regulator": Job(
        N_("For a regulator"),
        N_("See concentration, verify any entry without trusting the operator, open a case, act."),
        (
            (N_("See how concentrated the markets are, and what the rules found."), "/reg"),
            (N_("Look up any object, organisation or hash in the log."), "/ledger"),
            (N_("Verify an entry in your own browser, or with the offline auditor."), "/ledger"),
            (
                N_("Open a case on a finding, a complaint or a report; its deadlines run by themselves."),
                "/reg/cases",
            ),
            (N_("Freeze, suspend, decide and publish; each act is on the ledger."), "/reg/cases"),
        ),
    ),
    "operator": Job(
        N_("For the operator"),
        N_("Review, register, publish, reconcile."),
        (
            (N_("Admit a member, and enrol its people."), "/ops/members"),
            (N_("Review listings, two people each."), "/ops/reviews"),
            (N_("Close the work items, and see that every bank day was reconciled."), "/ops"),
            (N_("Mediate disputes; where the sides do not agree, a panel rules."), "/disputes"),
            (N_("Watch the log's keys, checkpoints and witnesses."), "/ops/keys"),
        ),
    ),
}


@router.get("/help")
async def contents(visitor: VisitorDep) -> Response:
    """Help for every persona."""
    return visitor.render("help.html", jobs=JOBS)


@router.get("/help/{persona}")
async def job(visitor: VisitorDep, persona: str) -> Response:
    """One persona's five minutes."""
    if persona not in JOBS:
        raise NotFound("no such help page", known=sorted(JOBS))
    return visitor.render("help_job.html", persona=persona, job=JOBS[persona], jobs=JOBS)


@router.get("/accessibility")
async def accessibility(visitor: VisitorDep) -> Response:
    """How these pages can be used by everyone, and where to say that they cannot."""
    return visitor.render("accessibility.html")
