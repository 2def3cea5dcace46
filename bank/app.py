"""The bank over HTTP. A handler's transaction is on disk before its answer leaves."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import JSONResponse

from bank import accounts, problems, statements, transfers
from bank.accounts import ESCROW_HOLDER
from bank.control import books
from bank.control_routes import control_router
from bank.forms import AccountForm, TransferForm
from bank.instructions import receive
from bank.limits import BodyLimit
from bank.link import MEDIA_TYPE
from bank.messages.writing import BANK_NAME
from bank.opening import Bank
from base.errors import Unauthenticated

_BEARER = HTTPBearer(auto_error=False)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


async def _raw(request: Request) -> bytes:
    return await request.body()


def create_app(bank: Bank) -> FastAPI:
    """The application of an open bank; it carries messages while it runs and closes the bank at its end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        bank.courier.start()
        yield
        bank.close()

    app = FastAPI(title=BANK_NAME, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit)
    problems.install(app)
    _public(app, bank)
    _customers(app, bank)
    _exchange(app, bank)
    if bank.control_token is not None:
        app.include_router(control_router(bank, bank.control_token))
    return app


def _token(credentials: Bearer) -> str:
    if credentials is None:
        raise Unauthenticated("an account's token is asked for")
    return credentials.credentials


Token = Annotated[str, Depends(_token)]


def _public(app: FastAPI, bank: Bank) -> None:
    desk = bank.desk

    @app.get("/key")
    def key() -> dict[str, str]:
        """Who the bank is: its public key, and the accounts the exchange works with."""
        return {
            "name": BANK_NAME,
            "keyid": desk.key.keyid,
            "public_key": b64encode(desk.key.public).decode(),
            "escrow_account": desk.house.escrow,
            "escrow_holder": ESCROW_HOLDER,
            "fee_account": desk.house.fee,
            "clock": "simulated" if desk.clock.simulated else "system",
        }

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the bank's file answers."""
        with desk.store.read() as db:
            db.execute("SELECT 1 FROM accounts LIMIT 1").fetchone()
        return {"status": "ok"}

    @app.get("/books")
    def totals() -> dict[str, Any]:
        """Totals of the books; `sum_of_legs_minor` and `unbalanced_movements` are always 0."""
        with desk.store.read() as db:
            return books(db)


def _customers(app: FastAPI, bank: Bank) -> None:
    desk = bank.desk

    @app.post("/accounts", status_code=201)
    def open_account(form: AccountForm) -> dict[str, str]:
        """Open an account; the token is told this once."""
        with desk.store.write() as db:
            opened = accounts.open_account(
                db, desk.house, desk.clock, holder=form.holder, opening_minor=form.opening_minor
            )
        return {"account": opened.number, "token": opened.token}

    @app.get("/accounts/{number}")
    def account(number: str, token: Token) -> dict[str, str | int]:
        """Holder and balance."""
        with desk.store.read() as db:
            accounts.authorise(db, number, token)
            return accounts.balance(db, number)

    @app.post("/transfers")
    def transfer(form: TransferForm, token: Token, response: Response) -> dict[str, Any]:
        """Move money into escrow: `booked`, `returned` (200) or `pending` (202)."""
        order = transfers.Order(**form.model_dump())
        with desk.store.write() as db:
            accounts.authorise(db, order.from_account, token)
            transfer_id = transfers.start(db, desk.house, desk.clock, desk.key, order)
            begun = transfers.view(db, transfer_id)
        if begun["status"] == "pending":
            bank.courier.deliver(begun["message_id"])
        with desk.store.read() as db:
            answer = transfers.view(db, transfer_id)
        response.status_code = 202 if answer["status"] == "pending" else 200
        return answer

    @app.get("/transfers/{transfer_id}")
    def transfer_state(transfer_id: str, token: Token) -> dict[str, Any]:
        """What became of a transfer."""
        with desk.store.read() as db:
            answer = transfers.view(db, transfer_id)
            accounts.authorise(db, answer["from_account"], token)
        return answer


def _exchange(app: FastAPI, bank: Bank) -> None:
    desk = bank.desk

    @app.post("/instructions")
    def instruct(body: Annotated[bytes, Depends(_raw)], after: BackgroundTasks) -> Response:
        """A signed pain.001 in, a signed pain.002 out; the notification follows the answer."""
        answer = receive(desk, body)
        after.add_task(bank.courier.wake)
        return Response(answer, media_type=MEDIA_TYPE)

    @app.get("/statements/{on}")
    def statement(on: date) -> JSONResponse:
        """The signed camt.053 of the escrow account for a day in Shanghai."""
        with desk.store.write() as db:
            document = statements.statement_of(db, desk.house, desk.clock, desk.key, on)
        return JSONResponse(document, media_type=MEDIA_TYPE)
