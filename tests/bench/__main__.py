"""`python -m tests.bench [--only NAME]… [--seconds S]`: one JSON line a figure on the standard output.

{"name", "ours", "floor", "ratio", "unit", "goal"}; beside a commit rate a line of the fsync probe. What
cannot be measured says why in `why`, what came out wrong in `broken`: only that makes the exit code 1.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

import orjson

from cli.running import complete
from tests.bench.figures import FIGURES
from tests.bench.ground import Ground, ground
from tests.bench.measuring import DEFAULT_S, Broken, Budget, CannotRun, Figure, Measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code: a missed goal is no failure, a wrong result is."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [figure.name for figure in FIGURES]
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        help="this figure, however long it takes (may be given again)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=DEFAULT_S,
        help=f"no figure begins later ({DEFAULT_S:.0f}); sizes and rounds go with it",
    )
    given = parser.parse_args(arguments)
    chosen = [figure for figure in FIGURES if not given.only or figure.name in given.only]
    return complete(_run(chosen, Budget(given.seconds), by_name=bool(given.only)))  # on the loop that serves


async def _run(figures: Sequence[Figure], budget: Budget, *, by_name: bool) -> int:
    began, broken = time.monotonic(), False
    async with ground(budget, _say) as standing:
        for figure in figures:
            passed = time.monotonic() - began
            if passed > budget.seconds and not by_name:
                _print({"name": figure.name, "why": f"{passed:.0f} s are over; --seconds gives more"})
                continue
            _say(f"{figure.name} ({passed:.0f} s)")
            broken |= await _one(figure, standing)
    _say(f"done ({time.monotonic() - began:.0f} s)")
    return int(broken)


async def _one(figure: Figure, standing: Ground) -> bool:
    """Measure one figure and print its lines; whether something is wrong with what was measured."""
    try:
        measured = await figure.measure(standing)
    except CannotRun as error:
        _print({"name": figure.name, "why": str(error)})
    except Broken as error:
        _print({"name": figure.name, "broken": str(error)})
        return True
    except Exception as error:  # noqa: BLE001 - the figures behind this one are wanted all the same
        traceback.print_exc()
        _print({"name": figure.name, "broken": f"{type(error).__name__}: {error}"[:500]})
        return True
    else:
        for line in (_line(figure, measured), *measured.beside):
            _print(line)
    return False


def _line(figure: Figure, measured: Measured) -> dict[str, Any]:
    return {
        "name": figure.name,
        "ours": _short(measured.ours),
        "floor": _short(measured.floor),
        "ratio": _short(measured.ours / measured.floor),
        "unit": measured.unit,
        "goal": figure.goal,
    }


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
