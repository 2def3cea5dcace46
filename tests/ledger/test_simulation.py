"""The log under fire: whatever fails, and wherever the process dies, nothing answered is lost or changed."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.ledger.faults import Kind
from tests.ledger.simulation import Simulation, make_template

SEEDS = range(28, 33)
STEPS = 40


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulation") / "template.db"
    asyncio.run(make_template(path))
    return path


async def run(seed: int, template: Path, folder: Path, steps: int) -> tuple[str, list[str]]:
    folder.mkdir(parents=True)
    simulation = Simulation(seed, template, folder)
    try:
        return await simulation.run(steps), simulation.trace
    except BaseException:
        print(f"seed {seed}, step by step:", *simulation.trace, sep="\n  ")  # noqa: T201 - to replay it
        raise


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_answered_is_lost_whatever_fails(seed: int, template: Path, tmp_path: Path) -> None:
    await run(seed, template, tmp_path / "run", STEPS)


async def test_a_seed_replays_a_run_exactly(template: Path, tmp_path: Path) -> None:
    first = await run(7, template, tmp_path / "one", 20)
    assert first == await run(7, template, tmp_path / "two", 20)
    assert first != await run(8, template, tmp_path / "three", 20)


async def with_fault(kind: Kind, after: int, template: Path, folder: Path) -> int:
    folder.mkdir(parents=True)
    simulation = Simulation(1, template, folder)
    try:
        return await simulation.run_with(kind, after)
    except BaseException:
        print(f"{kind} at {after}:", *simulation.trace, sep="\n  ")  # noqa: T201 - to replay it
        raise


@pytest.mark.parametrize("kind", Kind)
async def test_a_fault_at_some_statements_commits_flushes_and_renames(
    kind: Kind, template: Path, tmp_path: Path
) -> None:
    count = await with_fault(kind, 0, template, tmp_path / "none")
    assert count > 150
    for after in range(5 if kind is Kind.FAIL else 1, count, 29):
        await with_fault(kind, after, template, tmp_path / str(after))


@pytest.mark.soak
@pytest.mark.parametrize("kind", Kind)
async def test_a_fault_at_every_statement_commit_flush_and_rename(
    kind: Kind, template: Path, tmp_path: Path
) -> None:
    count = await with_fault(kind, 0, template, tmp_path / "none")
    for after in range(1, count + 1):
        await with_fault(kind, after, template, tmp_path / str(after))


@pytest.mark.soak
@pytest.mark.parametrize("first", range(0, 4000, 100))
async def test_thousands_of_seeds(first: int, template: Path, tmp_path: Path) -> None:
    for seed in range(first, first + 100):
        await run(seed, template, tmp_path / str(seed), STEPS)
        shutil.rmtree(tmp_path / str(seed))
