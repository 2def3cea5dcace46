"""Every text of the pages, gathered for translation: `python -m web.pages.extraction` renews the catalogue.

Texts stand in templates (`_`, `trans`), in the pages' code (`N_`, `say`), and as the titles of errors in
every room. A renewed catalogue keeps what was translated, forgets what is no longer said, and guesses
nothing: what is new stands there empty, and a test fails until it is translated.
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

from web.pages.languages import CATALOGUE

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


def _add(catalogue: Catalog, path: Path, found: Iterable[Any]) -> None:
    for line, function, message, _ in found:
        parts = message if isinstance(message, tuple) else (message,)
        said = tuple(part for part in parts if isinstance(part, str))
        if not said:
            continue
        plural = function == "ngettext" and len(said) > 1
        catalogue.add(said[:2] if plural else said[0], locations=[(str(path.relative_to(ROOT)), line)])


def renewed(said: Catalog | None = None) -> Catalog:
    """The Chinese catalogue with everything that is `said` now, in the order of the texts."""
    with CATALOGUE.open("rb") as file:
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
    """Renew the catalogue file; answers how many texts wait to be translated."""
    catalogue = renewed()
    whole = CATALOGUE.with_suffix(".new")  # nobody reads half of it, and it is never empty
    with whole.open("wb") as file:
        write_po(file, catalogue, width=100, no_location=True, sort_output=True)
    whole.replace(CATALOGUE)
    for text in untranslated(catalogue):
        sys.stdout.write(f"to be translated: {text}\n")
    return len(untranslated(catalogue))


if __name__ == "__main__":
    sys.exit(min(main(), 1))
