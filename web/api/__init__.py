"""`/api/v1`: the same acts and the same data as the pages, for machines."""

from typing import Any, Final

from fastapi import FastAPI

from web.api import (
    access_keys,
    accounts,
    agencies,
    assessments,
    auctions,
    bank,
    brokers,
    bulletins,
    case_acts,
    case_papers,
    cases,
    catalogue,
    certification,
    chiefs,
    conduct,
    confidential,
    contracts,
    contributions,
    credentials,
    customs,
    dcat,
    deals,
    deliveries,
    disputes,
    entitlements,
    erasures,
    evaluations,
    files,
    filing,
    gradings,
    grants,
    guides,
    held_quotes,
    house,
    incidents,
    interfaces,
    items,
    ledger,
    list_files,
    listings,
    lists,
    log,
    mandated,
    marks,
    measuring,
    mediation,
    negotiations,
    odcs,
    openings,
    operations,
    organisations,
    own_account,
    packages,
    persons,
    practice,
    prepared,
    procurements,
    provenance,
    queries,
    refunds,
    register,
    registrars,
    registrations,
    requests,
    rewards,
    rights,
    rulings,
    sales,
    shared_files,
    shares,
    sharing,
    sign_in,
    statistics,
    status,
    surveys,
    trades,
    usage,
    uses,
    vouchers,
    watching,
    witness,
)
from web.branching import branched
from web.problems import MEDIA_TYPE, Problem

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    wrong: {
        "description": what,
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
    for wrong, what in (
        ("4XX", "A problem document; `code` is stable"),
        ("5XX", "A problem document that says nothing of our inside"),
    )
}


def install(app: FastAPI) -> None:
    """Add every route of the API."""
    parts = (
        sign_in,
        own_account,
        organisations,
        prepared,
        catalogue,
        listings,
        interfaces,
        guides,
        gradings,
        assessments,
        confidential,
        rights,
        registrars,
        registrations,
        items,
        shares,
        list_files,
        lists,
        customs,
        chiefs,
        agencies,
        measuring,
        evaluations,
        grants,
        provenance,
        files,
        register,
        brokers,
        mandated,
        conduct,
        certification,
        practice,
        credentials,
        requests,
        auctions,
        held_quotes,
        mediation,
        deals,
        rewards,
        trades,
        contributions,
        procurements,
        negotiations,
        contracts,
        deliveries,
        disputes,
        rulings,
        refunds,
        entitlements,
        packages,
        access_keys,
        shared_files,
        uses,
        usage,
        vouchers,
        queries,
        marks,
        odcs,
        openings,
        filing,
        surveys,
        statistics,
        bank,
        accounts,
        sales,
        operations,
        persons,
        cases,
        case_acts,
        case_papers,
        house,
        incidents,
        bulletins,
        erasures,
        ledger,
        watching,
        witness,
    )
    v1 = branched("/api/v1", (part.router for part in parts), responses=PROBLEMS)
    app.include_router(v1, prefix="/api/v1")
    app.include_router(status.alive)
    app.include_router(status.router)
    app.include_router(witness.desk, responses=PROBLEMS)
    app.include_router(credentials.public, responses=PROBLEMS)
    app.include_router(dcat.router, responses=PROBLEMS)
    app.include_router(vouchers.public, responses=PROBLEMS)
    app.include_router(log.log, responses=PROBLEMS)
    app.include_router(shared_files.files)  # before the door, which answers whatever else there is
    app.include_router(sharing.door)


def install_witness(app: FastAPI) -> None:
    """Add what a witness that is no exchange answers."""
    app.include_router(status.alive)
    app.include_router(witness.desk, responses=PROBLEMS)
