"""Every text of the pages, gathered for translation: `python -m web.pages.extraction` renews the catalogue.

Texts stand in templates (`_`, `trans`), in the pages' code (`N_`, `say`), and as the titles of errors in
every room; what an error says in particular has a catalogue of its own. A renewed catalogue keeps what was
translated, forgets what is no longer said, and guesses nothing: what is new stands there empty, and a test
fails until it is translated.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from web.pages.languages import CATALOGUE, DETAILS

ROOT: Final = Path(__file__).resolve().parent.parent.parent
ROOMS: Final = (
    "base",
    "brokers",
    "cases",
    "identity",
    "ledger",
    "market",
    "pricing",
    "registry",
    "supervision",
    "web",
)
_KEYWORDS: Final = {"_": None, "N_": None, "say": None, "gettext": None, "ngettext": (1, 2)}
_SAYING: Final = re.compile(rb"\b(?:%s)\(" % "|".join(_KEYWORDS).encode())
_TEMPLATE_OPTIONS: Final = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}


def titles(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The line and text of every `title = "…"` in a class: what an error is called on a page."""
    for node in ast.walk(ast.parse(file.read())):
        if not isinstance(node, ast.ClassDef):
            continue
        for statement in node.body:
            targets: Iterable[Any] = ()
            if isinstance(statement, ast.Assign):
                targets = statement.targets
            elif isinstance(statement, ast.AnnAssign):
                targets = (statement.target,)
            value = getattr(statement, "value", None)
            named = any(isinstance(target, ast.Name) and target.id == "title" for target in targets)
            if named and isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield statement.lineno, value.value


def texts() -> Catalog:
    """A catalogue of everything that is said, without a translation."""
    catalogue = Catalog(project="databourse", charset="utf-8")
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            raw = path.read_bytes()
            for line, text in titles(BytesIO(raw)) if b"title" in raw else ():
                catalogue.add(text, locations=[(str(path.relative_to(ROOT)), line)])
    for path in sorted((ROOT / "web").rglob("*.py")):
        raw = path.read_bytes()
        if _SAYING.search(raw):
            _add(catalogue, path, extract_python(BytesIO(raw), _KEYWORDS, (), {}))
    for path in sorted((ROOT / "web" / "templates").rglob("*.html")):
        with path.open("rb") as file:
            _add(catalogue, path, babel_extract(file, list(_KEYWORDS), (), _TEMPLATE_OPTIONS))
    return catalogue


def particulars() -> Catalog:
    """What every room's errors say in particular: what they are raised with, `{0}` for what is filled in."""
    trees = [ast.parse(path.read_bytes()) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    bases = {
        node.name: {_called(base) for base in node.bases} for node in nodes if isinstance(node, ast.ClassDef)
    }
    errors, more = set[str](), {"DomainError"}
    while more:
        errors |= more
        more = {name for name, above in bases.items() if above & errors} - errors
    catalogue = Catalog(project="databourse", charset="utf-8")
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and _called(node.func) in errors:
            for text in _written(node.args[0]):
                if re.search(r"[a-z]", text):  # else there is only what is filled in
                    catalogue.add(text)
    return catalogue


def _called(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _written(node: ast.expr) -> list[str]:
    """The texts that an expression stands for, if they can be read in it."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp():
            return [*_written(node.body), *_written(node.orelse)]
        case ast.JoinedStr():
            places = iter(range(len(node.values)))
            parts = (
                str(one.value) if isinstance(one, ast.Constant) else f"{{{next(places)}}}"
                for one in node.values
            )
            return ["".join(parts)]
        case _:
            return []


def _add(catalogue: Catalog, path: Path, found: Iterable[Any]) -> None:
    for line, function, message, _ in found:
        parts = message if isinstance(message, tuple) else (message,)
        said = tuple(part for part in parts if isinstance(part, str))
        if not said:
            continue
        plural = function == "ngettext" and len(said) > 1
        catalogue.add(said[:2] if plural else said[0], locations=[(str(path.relative_to(ROOT)), line)])


def renewed(said: Catalog | None = None, path: Path = CATALOGUE) -> Catalog:
    """A Chinese catalogue with everything that is `said` now, in the order of the texts."""
    with path.open("rb") as file:
        known = read_po(file, locale="zh_CN")
    known.update(said or texts(), no_fuzzy_matching=True, update_creation_date=False)
    known.obsolete.clear()
    return known


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts that have no translation, or one that nobody has confirmed."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue
        if message.id and (message.fuzzy or not _is_whole(message.string))
    ]


def _is_whole(translation: Any) -> bool:
    return bool(translation) if isinstance(translation, str) else bool(translation) and all(translation)


def main() -> int:
    """Renew the catalogue files; answers how many texts wait to be translated."""
    waiting: list[str] = []
    for path, said in ((CATALOGUE, texts()), (DETAILS, particulars())):
        catalogue = renewed(said, path)
        whole = path.with_suffix(".new")  # nobody reads half of it, and it is never empty
        with whole.open("wb") as file:
            write_po(file, catalogue, width=100, no_location=True, sort_output=True)
        whole.replace(path)
        waiting += untranslated(catalogue)
    for text in waiting:
        sys.stdout.write(f"to be translated: {text}\n")
    return len(waiting)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
