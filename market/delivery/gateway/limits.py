"""How often a key may call, and how many calls wait for one provider. Counts are this process's own.

They protect; they decide nothing that is charged, and stand on no ledger. What a right has left is counted
under its lock (`market.delivery.meter`), and here only held back, so that no provider works for nothing.
"""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from market.delivery.gateway.errors import ProviderBusy, QuotaUnderWay, TooManyCalls

CAPACITY: Final = 10_000
BURST_S: Final = 10.0  # of its rate a key may use at once
AT_ONCE: Final = 256
AT_ONE_PROVIDER: Final = 64


class Rates:
    """A bucket for each key: it fills at the interface's rate. The keys heard of longest ago leave first."""

    def __init__(
        self,
        *,
        share: int = 1,
        capacity: int = CAPACITY,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share, self._capacity, self._now_s = share, capacity, now_s
        self._of: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is in it, as of when

    def take(self, key_id: str, per_minute: int) -> None:
        """One call. Raises TooManyCalls, with the seconds after which the next one is let in."""
        rate = per_minute / 60 / self._share
        most, now_s = max(rate * BURST_S, 1.0), self._now_s()
        left, since = self._of.get(key_id, (most, now_s))
        left = min(left + (now_s - since) * rate, most)
        if left < 1:
            wait = math.ceil((1 - left) / rate)
            raise TooManyCalls("this key calls too often", per_minute=per_minute, retry_after_s=wait)
        self._of[key_id] = (left - 1, now_s)
        self._of.move_to_end(key_id)
        while len(self._of) > self._capacity:
            self._of.popitem(last=False)


class UnderWay:
    """Calls that are being answered: of one provider, of one right, and all of them."""

    def __init__(self, *, at_once: int = AT_ONCE, at_one: int = AT_ONE_PROVIDER) -> None:
        self._at_once, self._at_one = at_once, at_one
        self._providers: Counter[str] = Counter()
        self._rights: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def one(self, *, provider_id: str, entitlement_id: str, left: int) -> Iterator[None]:
        """A call until it is answered; `left` are the uses that its right had when that was asked last.

        Raises ProviderBusy, QuotaUnderWay.
        """
        if self._all >= self._at_once or self._providers[provider_id] >= self._at_one:
            raise ProviderBusy("others wait for the same provider", retry_after_s=1)
        if self._rights[entitlement_id] >= left:
            raise QuotaUnderWay("calls under way have the rest", left=left, retry_after_s=1)
        counted = ((self._providers, provider_id), (self._rights, entitlement_id))
        self._all += 1
        for counter, name in counted:
            counter[name] += 1
        try:
            yield
        finally:
            self._all -= 1
            for counter, name in counted:
                counter[name] -= 1
                if not counter[name]:
                    del counter[name]

    def __len__(self) -> int:
        return self._all
