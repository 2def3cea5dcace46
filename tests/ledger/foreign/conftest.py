from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.foreign.program import Verifier, running
from tests.ledger.foreign.published import Published, published


@pytest.fixture(scope="session")
def log(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Six hundred signed statements, published by our own code for programs that are not ours."""
    return published(sqlite_template, tmp_path_factory.mktemp("published") / "log")


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    """The Go program, running."""
    with running(tmp_path_factory.mktemp("go")) as program:
        yield program
