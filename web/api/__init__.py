"""`/api/v1`: the same acts and the same data as the pages, for machines."""

from fastapi import APIRouter, FastAPI

from web.api import (
    bank,
    brokers,
    catalogue,
    entitlements,
    ledger,
    listings,
    organisations,
    prepared,
    sign_in,
    status,
    trades,
)


def install(app: FastAPI) -> None:
    """Add every route of the API."""
    v1 = APIRouter(prefix="/api/v1")
    for part in (
        sign_in,
        organisations,
        prepared,
        listings,
        catalogue,
        brokers,
        trades,
        entitlements,
        bank,
        ledger,
    ):
        v1.include_router(part.router)
    app.include_router(v1)
    app.include_router(status.router)
    app.include_router(ledger.log)
