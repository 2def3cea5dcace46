"""The way of one call: who asks, what it may, who answers, what it is counted as. Only `web` knows its HTTP.

A call holds no lock and no place at the door while its provider works. Nothing of an answer leaves before
its use is committed: a right that was revoked, frozen or used up meanwhile is answered with the refusal, on
whichever process it happened.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from base.errors import Refusal
from base.files import FileStore, StoredFile
from base.settings import Settings, hosts_of
from identity.safe import Safe
from ledger.acts import House, perform
from ledger.batch import BatchWriter
from ledger.recording import Act, Actor
from market.customs.networks import ASKED_FROM, place_asked_from
from market.delivery.access import Declared
from market.delivery.errors import AccessKeyRefused, EntitlementUsedUp, UseKeyReused
from market.delivery.gateway.answering import TableDesk
from market.delivery.gateway.counting import (
    EVENT,
    MOST_REPEATS,
    Charged,
    Counting,
    Failed,
    count_command,
    failed_command,
)
from market.delivery.gateway.errors import AnswerGone, ProviderFailed, ProviderTooSlow
from market.delivery.gateway.leaving import goes_abroad, let_out_uncharged
from market.delivery.gateway.limits import Rates, UnderWay
from market.delivery.gateway.repository import call_of_use, get_secret, interface_of
from market.delivery.gateway.rules import OF_TABLE, AnsweredBy, Interface, require_offered
from market.delivery.gateway.service import open_secret
from market.delivery.gateway.upstream import Answer, Asked, Providers
from market.delivery.keys import declared_by, key_of, lives
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.repository import use_by_key
from market.delivery.meter.service import Metered, authorise_use, use_act
from market.delivery.repository import standing, stored_file
from market.delivery.tables import AccessKey, Entitlement
from market.delivery.tabular import table_of
from market.orders.tables import Trade

FRESH_S: Final = 5.0
KNOWN: Final = 2_000
KEPT_BYTES: Final = 8 * 2**20
KEPT_S: Final = 600.0
LOOKS_PER_MINUTE: Final = 600
REPEATED_WITHIN: Final = timedelta(days=1)
_ROLE: Final = frozenset({"BUYER"})


@dataclass(frozen=True, slots=True)
class Opened:
    """What a key opens, as it was when that was asked last."""

    key: AccessKey
    trade: Trade
    entitlement: Entitlement
    declared: Declared
    interface: Interface
    secret: tuple[str, str] | None
    at_s: float
    abroad: bool = False
    from_abroad: bool = False

    @property
    def left(self) -> int:
        return self.entitlement.max_downloads - self.entitlement.used


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back: the answer, and the use that it was charged as (None: not charged at all)."""

    answer: Answer
    charged: Charged | None
    trade_id: str


@dataclass(slots=True)
class _Kept:
    """Answers to calls that carried a key of the caller's: so many bytes, for so long, in this process."""

    most: int = KEPT_BYTES
    bytes: int = 0
    of: OrderedDict[tuple[str, str], tuple[float, Answer]] = field(default_factory=OrderedDict)

    def put(self, name: tuple[str, str], answer: Answer, now_s: float) -> None:
        whole = answer.spool.whole
        if whole is None or name in self.of:
            return
        self.of[name] = (now_s, answer)
        self.bytes += len(whole)
        while self.bytes > self.most:
            self._drop(next(iter(self.of)))

    def get(self, name: tuple[str, str], now_s: float) -> Answer | None:
        for old in list(self.of):
            if self.of[old][0] > now_s - KEPT_S:
                break
            self._drop(old)
        found = self.of.get(name)
        return None if found is None else found[1]

    def _drop(self, name: tuple[str, str]) -> None:
        self.bytes -= self.of.pop(name)[1].spool.bytes


class Gateway:
    """All calls of one process."""

    def __init__(
        self,
        house: House,
        safe: Safe,
        batch: BatchWriter,
        providers: Providers,
        tables: TableDesk,
        *,
        workers: int = 1,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._house, self._safe, self._batch = house, safe, batch
        self._providers, self._tables = providers, tables
        self._now_s = now_s
        self._rates = Rates(share=workers, now_s=now_s)
        self._looks = Rates(now_s=now_s)
        self.under_way = UnderWay()
        self._known: OrderedDict[bytes, Opened] = OrderedDict()
        self._looking: dict[bytes, asyncio.Task[Opened]] = {}
        self._kept = _Kept()

    async def aclose(self) -> None:
        await self._providers.close()
        await self._tables.close()

    async def open(self, token: str, *, entitlement_id: str) -> Opened:
        """What a key opens now. Raises AccessKeyRefused, also for another right's key, what `authorise_use`
        raises (on record), InterfaceErased and TooManyCalls.

        Asked anew after `FRESH_S`: until then a call that may not be any more costs work, and gets no answer.
        """
        name = hashlib.sha256(f"{entitlement_id} {token} {ASKED_FROM.get()}".encode()).digest()
        known = self._known.get(name)
        now, now_s = self._house.clock.now(), self._now_s()
        if known is None or now_s - known.at_s > FRESH_S or not lives(known.key, now):
            known = await self._looked(name, token, entitlement_id)
        self._rates.take(known.key.key_id, known.interface.per_minute)
        return known

    async def _looked(self, name: bytes, token: str, entitlement_id: str) -> Opened:
        """What a key opens, asked once for all who want to know it at this moment."""
        looking = self._looking.get(name)
        if looking is None:
            looking = self._looking[name] = asyncio.create_task(self._look(token, entitlement_id))
            looking.add_done_callback(lambda done: self._remember(name, done))
        return await asyncio.shield(looking)

    def _remember(self, name: bytes, done: asyncio.Task[Opened]) -> None:
        del self._looking[name]
        self._known.pop(name, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._known[name] = done.result()
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)

    async def _look(self, token: str, entitlement_id: str) -> Opened:
        now, refused = self._house.clock.now(), None
        async with self._house.database.read() as s:
            key = await key_of(s, master=self._safe.master, token=token, now=now)
            if key.entitlement_id != entitlement_id:
                raise AccessKeyRefused("no such access key")
            self._looks.take(key.key_id, LOOKS_PER_MINUTE)
            declared = declared_by(key)
            try:
                trade, entitlement = await self._stands(s, key)
            except Refusal as refusal:
                refused = refusal
            if refused is None:
                interface = await interface_of(s, listing_id=trade.listing_id)
                secret = await self._secret(s, trade, interface)
                leaves = await goes_abroad(s, key.org_id, declared)
                asked_from = await place_asked_from(s)
        if refused is not None:
            await self._record(key, refused)
            raise refused
        at_s, outside = self._now_s(), asked_from is not None
        return Opened(key, trade, entitlement, declared, interface, secret, at_s, leaves, outside)

    async def _stands(self, s: ReadSession, key: AccessKey) -> tuple[Trade, Entitlement]:
        try:
            trade, entitlement, _ = await authorise_use(
                s,
                entitlement_id=key.entitlement_id,
                kind=DeliveryKind.API,
                by=key.org_id,
                declared=declared_by(key),
                now=self._house.clock.now(),
            )
        except EntitlementUsedUp:  # what was counted before is still answered
            trade, entitlement, _ = await standing(s, entitlement_id=key.entitlement_id)
        return trade, entitlement

    async def _require_standing(self, opened: Opened) -> None:
        """That what leaves uncharged leaves under a right that stands too. Raises as `open` does."""
        try:
            async with self._house.database.read() as s:
                key = await s.get(AccessKey, opened.key.key_id, populate_existing=True)
                if key is None or not lives(key, self._house.clock.now()):
                    raise AccessKeyRefused("no such access key")
                await self._stands(s, key)
        except Refusal as refused:
            await self._record(opened.key, refused)
            raise

    async def _secret(self, s: ReadSession, trade: Trade, interface: Interface) -> tuple[str, str] | None:
        if interface.secret_id is None:
            return None
        row = await get_secret(s, secret_id=interface.secret_id, owner_id=trade.seller_id)
        return open_secret(row, master=self._safe.master)

    async def _record(self, key: AccessKey, refused: Refusal) -> None:
        async def refuse(_: WriteSession, __: Act) -> None:
            raise refused

        try:
            await perform(self._house, self._act(key), refuse, attempted=EVENT, object_id=key.entitlement_id)
        except Refusal:
            return

    def _act(self, key: AccessKey) -> Act:
        return use_act(self._house, Actor(key.org_id, _ROLE))

    async def call(self, opened: Opened, asked: Asked, *, key: str | None = None) -> Answered:
        """Have a call answered, and counted before its answer is handed over; close the answer's spool.

        `key` is the caller's own: a call repeated under it is one use. Raises what `open` raises for a right
        that has fallen since, UseKeyReused, NotOffered, ProviderBusy, QuotaUnderWay, ProviderFailed,
        ProviderTooSlow, QueryMalformed and AnswerGone.
        """
        interface = opened.interface
        if interface.answered_by is AnsweredBy.PROVIDER:
            require_offered(interface, asked.method, asked.target.path)
        request_sha256 = sha256_hex(
            b"%b %b\n%b" % (*map(str.encode, (asked.method, asked.target.text)), asked.body)
        )
        name = f"{opened.key.key_id}:{key}" if key is not None else f":{secrets.token_hex(16)}"
        known = key is not None and await self._is_known(opened, name, request_sha256)
        if opened.left <= 0 and not known:
            spent = EntitlementUsedUp("every use was made", max_downloads=opened.entitlement.max_downloads)
            await self._record(opened.key, spent)
            raise spent
        right = (opened.entitlement.entitlement_id, name)
        kept = self._kept.get(right, self._now_s()) if known else None
        if kept is not None:
            charged = await self._count(opened, kept, name, request_sha256, known=True)
            return Answered(kept, charged, opened.trade.trade_id)
        self._batch.require_room()
        with self.under_way.one(
            provider_id=opened.trade.seller_id, entitlement_id=right[0], left=opened.left + known
        ):
            answer, latency_ms = await self._ask(opened, asked)
            try:
                if not answer.good:
                    await self._note(opened, ok=True, outcome=str(answer.status), latency_ms=latency_ms)
                    await self._require_standing(opened)
                    if opened.abroad:
                        await let_out_uncharged(
                            self._house,
                            self._act(opened.key),
                            entitlement_id=right[0],
                            declared=opened.declared,
                            volume_bytes=answer.spool.bytes,
                        )
                    return Answered(answer, None, opened.trade.trade_id)
                charged = await self._count(
                    opened, answer, name, request_sha256, latency_ms, known=known, repeated=known
                )
            except BaseException:
                answer.spool.close()
                raise
            used = opened.entitlement
            used.used = max(used.used, charged.use.number)
        if key is not None and charged.use.answer_sha256 == answer.spool.sha256:  # what its receipt says
            self._kept.put(right, answer, self._now_s())
        return Answered(answer, charged, opened.trade.trade_id)

    async def _is_known(self, opened: Opened, name: str, request_sha256: str) -> bool:
        """Whether a call with this key was counted before. Raises UseKeyReused, AnswerGone."""
        async with self._house.database.read() as s:
            use = await use_by_key(s, entitlement_id=opened.entitlement.entitlement_id, key=name)
            call = None if use is None else await call_of_use(s, use_id=use.use_id)
        if use is None:
            return False
        if use.request_sha256 != request_sha256:
            raise UseKeyReused("this key was another use's", use_id=use.use_id)
        late = self._house.clock.now() - use.used_at > REPEATED_WITHIN
        if late or call is None or call.repeats >= MOST_REPEATS:
            raise AnswerGone("it was given as often and as long as it is", use_id=use.use_id)
        return True

    async def _ask(self, opened: Opened, asked: Asked) -> tuple[Answer, int]:
        """The answer, good or a mistake of the caller's; what fails is kept for the level of service.

        A table is answered by the exchange, and what fails there is no fault of its seller's.
        """
        began_s, owner = self._now_s(), opened.trade.seller_id
        by_table = opened.interface.answered_by is AnsweredBy.TABLE
        try:
            if by_table:
                file = stored_file(opened.entitlement)
                answer = await self._tables.ask(file, asked, opened.interface, owner=owner)
            else:
                answer = await self._providers.ask(opened.interface, asked, opened.secret, owner=owner)
        except (ProviderFailed, ProviderTooSlow) as failed:
            reason = str(failed.facts.get("reason", failed.code))
            outcome = f"{OF_TABLE}{reason}" if by_table else reason
            await self._note(opened, ok=False, outcome=outcome, latency_ms=self._passed(began_s))
            raise
        return answer, self._passed(began_s)

    def _passed(self, began_s: float) -> int:
        return max(round(1000 * (self._now_s() - began_s)), 0)

    async def _note(self, opened: Opened, *, ok: bool, outcome: str, latency_ms: int) -> None:
        said = Failed(
            entitlement_id=opened.entitlement.entitlement_id, ok=ok, outcome=outcome, latency_ms=latency_ms
        )
        await asyncio.shield(self._batch.submit(failed_command(self._act(opened.key), said)))

    async def _count(
        self,
        opened: Opened,
        answer: Answer,
        name: str,
        request_sha256: str,
        latency_ms: int = 0,
        *,
        known: bool = False,
        repeated: bool = False,
    ) -> Charged:
        said = Counting(
            entitlement_id=opened.entitlement.entitlement_id,
            trade_id=opened.trade.trade_id,
            listing_id=opened.trade.listing_id,
            key_id=opened.key.key_id,
            metered=Metered(
                key=name,
                request_sha256=request_sha256,
                answer_sha256=answer.spool.sha256,
                bytes=answer.spool.bytes,
            ),
            declared=opened.declared,
            latency_ms=latency_ms,
            outcome=str(answer.status),
            known=known,
            repeated=repeated,
            asked_from=ASKED_FROM.get(),
            from_abroad=opened.from_abroad,
        )
        charged: Charged = await self._batch.submit(count_command(self._act(opened.key), said))
        return charged


def open_gateway(
    settings: Settings, house: House, safe: Safe, batch: BatchWriter, files: FileStore
) -> Gateway:
    """The gateway of a node; close it (`aclose`)."""
    providers = Providers(hosts=hosts_of(settings.gateway_hosts), folder=settings.scratch())

    async def table(file: StoredFile) -> StoredFile:
        return await table_of(house.database, files, file, scratch=settings.scratch())

    tables = TableDesk(files, table, settings.scratch)
    return Gateway(house, safe, batch, providers, tables, workers=settings.workers)
