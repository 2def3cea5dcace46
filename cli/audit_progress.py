"""How far an audit is, where somebody looks on: a bar on a terminal's standard error, else nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from supervision.audit_case import Progress


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """What an audit tells how many entries of how many are done; None where nobody looks on."""
    if not sys.stderr.isatty():
        yield None
        return
    bar: list[_Bar] = []

    def tell(done: int, total: int) -> None:
        if not bar:
            bar.append(_Bar(total, done))
        bar[0].tell(done)

    try:
        yield tell
    finally:
        for shown in bar:
            shown.end()


class _Bar:
    def __init__(self, total: int, done: int) -> None:
        self._began, self._from, self._done = time.monotonic(), done, done
        self._bar = typer.progressbar(
            length=total,
            label="auditing",
            file=sys.stderr,
            show_eta=True,
            show_pos=True,
            item_show_func=self._rate,
            update_min_steps=max(total // 500, 1),
        )
        self._bar.__enter__()
        self._bar.update(done)

    def tell(self, done: int) -> None:
        if done < self._done:  # from the beginning again
            self._bar.pos, self._done = 0, 0
        self._bar.update(done - self._done)
        self._done = done

    def end(self) -> None:
        self._bar.__exit__(None, None, None)

    def _rate(self, _: object) -> str:
        seconds = time.monotonic() - self._began
        return f"{(self._done - self._from) / seconds:,.0f} entries/s" if seconds else ""
