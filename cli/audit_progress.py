"""How far an audit is: a bar on a terminal's standard error, or lines there where they are asked for."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from supervision.audit_case import Progress

_LINES: Final = 200  # at most, of an audit


@contextmanager
def progress_bar(*, lines: bool = False) -> Iterator[Progress | None]:
    """What an audit tells how many entries of how many are done; None where nobody looks on.

    With `lines`, for a program that looks on: `progress DONE TOTAL`, a line each time.
    """
    if lines:
        yield _lines()
        return
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


def _lines() -> Progress:
    said = -1

    def tell(done: int, total: int) -> None:
        nonlocal said
        share = done * _LINES // max(total, 1)
        if share != said:
            said = share
            typer.echo(f"progress {done} {total}", err=True)

    return tell


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
