"""The figures in the order in which they are measured, with their goals for ours / floor."""

from importlib import import_module
from typing import Final

from tests.bench.ground import Ground
from tests.bench.measuring import Figure, Measured


def _figure(name: str, goal: str, module: str) -> Figure:
    """A figure by the name of its function; what it needs is imported when it is measured."""

    async def measure(ground: Ground) -> Measured:
        measured: Measured = await getattr(import_module(f"tests.bench.{module}"), name)(ground)
        return measured

    return Figure(name, goal, measure)


FIGURES: Final[tuple[Figure, ...]] = (
    _figure("settle", ">= 0.60", "settlements"),
    _figure("settle_batch", ">= 1.0", "settlements"),
    _figure("settle_wait", "<= 5", "settlements"),
    _figure("settle_sqlite", ">= 0.35", "settlements"),
    _figure("http_settle", "<= 4", "over_http"),
    _figure("settle_flat", "<= 3", "over_http"),
    _figure("meter", ">= 0.60", "metered"),
    _figure("seal", ">= 0.75", "settlements"),
    _figure("seal_flush", ">= 0.75", "settlements"),
    _figure("proof", "<= 10", "log_figures"),
    _figure("growth", "<= 1.5", "log_figures"),
    _figure("catalog", "<= 5", "catalogue"),
    _figure("first_paint", "<= 2", "first_paint"),
    _figure("audit", "<= 1.5", "offline"),
    _figure("audit_signed", "<= 1.2", "offline"),
    _figure("supervise", "<= 100", "offline"),
    _figure("supervise_day", "<= 0.33", "offline"),
    _figure("file", ">= 0.5", "files"),
    _figure("tiers", ">= 0.5", "tier_quotes"),
    _figure("knn", "<= 1.3", "mechanisms"),
    _figure("shapley", "<= 4", "mechanisms"),
)
