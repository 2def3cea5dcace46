"""Help: the five-minute job of each persona as steps with links; and how accessible these pages are.

The English steps stand in `docs/howto/` too, word for word (a test compares).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from web.pages.keys import AREAS, KEYS
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
            (N_("Match requests with products, and send what fits."), "/requests"),
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
            (
                N_("Review listings: one reviewer, three for public data and from general-3 on."),
                "/ops/reviews",
            ),
            (N_("Close the work items, and see that every bank day was reconciled."), "/ops"),
            (N_("Mediate disputes; where the sides do not agree, a panel rules."), "/disputes"),
            (N_("Watch the log's keys, checkpoints and witnesses."), "/ops/keys"),
        ),
    ),
    "agency": Job(
        N_("For a public agency"),
        N_("List your data, name one source for each number, open it, share it, let it be operated."),
        (
            (
                N_("Appoint the chief data officer, whose signature opening and operation need."),
                "/registry/agencies",
            ),
            (N_("List systems, data and demands, by hand or from a CSV or XLSX file."), "/registry/lists"),
            (N_("Have each entry graded: the level decides where it may go."), "/registry/grading"),
            (N_("Open what may be open, and see the open list held against reality."), "/registry/open"),
            (
                N_("Answer share requests in time, and see your yearly evaluation with its records."),
                "/registry/evaluation",
            ),
        ),
    ),
    "registrar": Job(
        N_("For a registrar"),
        N_("Accept, review, lay open, decide on objections, give numbers that everybody can look up."),
        (
            (N_("Take up an application, or say once what is missing."), "/registry/registrations"),
            (
                N_("Review the rights and what they rest on; nobody registers its own data."),
                "/registry/registrations",
            ),
            (N_("Lay the registration open; anybody may object within the notice."), "/notices"),
            (
                N_("Decide on objections, and issue the number when the notice is over."),
                "/registry/registrations",
            ),
            (
                N_("Enter transfers, pledges, renewals and disputes; listings fall with what they rest on."),
                "/registry/registrations",
            ),
        ),
    ),
    "exporter": Job(
        N_("For an exporter"),
        N_("Declare what goes abroad, learn the route and its reasons, show evidence, be cleared, deliver."),
        (
            (N_("Declare the flow: recipient, fields, persons, volume, place, period."), "/customs/declare"),
            (N_("Read the route: each rule that was asked, with its reason and legal basis."), "/customs"),
            (N_("Attach contract, assessment and consent; they are held against the register."), "/customs"),
            (
                N_("Deliver while the clearance lives; what leaves is held against what was declared."),
                "/sell/sales",
            ),
            (N_("Renew in time: a clearance ends with its document, its volume or the year."), "/customs"),
        ),
    ),
    "customs": Job(
        N_("For a customs officer"),
        N_("Enter documents, take up declarations, clear or refuse with reasons, halt what goes wrong."),
        (
            (
                N_("Enter filings, certificates, assessments and the zones' negative lists."),
                "/customs/register",
            ),
            (N_("Take up a declaration: its trace, its count by group, its risk."), "/customs"),
            (N_("Clear, return, reject or send it another way, and say why."), "/customs"),
            (N_("Halt a clearance; every delivery under it stops at its next access."), "/customs"),
            (N_("Hold the egress log against the declarations; supervision reads both."), "/reg"),
        ),
    ),
    "person": Job(
        N_("For a person whose data it is"),
        N_("See who has your data and for what, consent to one thing, take it back, ask, complain."),
        (
            (N_("Answer the invitation of whoever holds your data, and keep the code you get."), "/my-data"),
            (N_("Read what is asked, one thing at a time; give it, or less, or nothing."), "/my-data"),
            (N_("Take a consent back with one click: what rests on it stops."), "/my-data"),
            (
                N_("Ask for access, a copy, correction, deletion or an explanation; the time runs."),
                "/my-data",
            ),
            (N_("Complain to the authority when no answer comes."), "/my-data"),
        ),
    ),
    "security": Job(
        N_("For a security team"),
        N_("Assess, review, watch, report in time, contain, tell persons, close."),
        (
            (
                N_("Write the impact assessment that a listing or an export rests on."),
                "/security",
            ),
            (N_("See which control each level wants, and what is missing."), "/security/duties"),
            (N_("Look at warnings and take them up; each has its numbers."), "/incidents"),
            (
                N_("Tell of an incident, grade it by its facts, report before the clock runs out."),
                "/incidents",
            ),
            (N_("Answer bulletins; your receipt is on the ledger."), "/bulletins"),
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
    return visitor.render("accessibility.html", keys=KEYS, areas=AREAS)
