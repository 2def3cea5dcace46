"""Under which licences the dependencies stand, as their installed metadata says it."""

from importlib.metadata import PackageNotFoundError, metadata
from typing import Final

PERMISSIVE: Final = frozenset(
    {
        *("MIT", "MIT-0", "MIT-CMU", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib"),
        *("PSF-2.0", "CC0-1.0", "Unlicense"),
    }
)
# Not permissive, and why they may be here all the same. Nothing of them is changed or copied into our files.
EXCEPTED: Final = {
    "certifi": ("MPL-2.0", "a list of certificates; the licence ends at its own file"),
    "orjson": ("MPL-2.0 AND (Apache-2.0 OR MIT)", "likewise, of its own files"),
    "pathspec": ("MPL-2.0", "of hatchling, which builds the package; not loaded by a running exchange"),
    "pylopdf-fonts-zh-cn": ("OFL-1.1", "fonts; embedded in papers, as the licence allows"),
}
_SAID: Final = {  # older metadata, in the words that stand there
    "apache 2.0": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD-3-Clause",
    "cc0": "CC0-1.0",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "sil open font license 1.1 (ofl-1.1)": "OFL-1.1",
    "the unlicense (unlicense)": "Unlicense",
    "zero-clause bsd (0bsd)": "0BSD",
}


def licence_of(name: str) -> str | None:
    """The SPDX expression of an installed package; None if it is not installed, "" if nothing is said."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    if expression := told.get("License-Expression"):
        return str(expression)
    classes = [
        one.rpartition("::")[2].strip()
        for one in told.get_all("Classifier") or ()
        if one.startswith("License ::")
    ]
    known = [_SAID[one.lower()] for one in classes if one.lower() in _SAID]
    if known:
        return " AND ".join(sorted(set(known)))  # nobody says that one may choose: all of them hold
    text = (told.get("License") or "").strip()
    return _SAID.get(text.lower(), text if text in PERMISSIVE else "")


def is_permissive(expression: str) -> bool:
    """Whether one may use it under permissive terms alone: of an OR one side, of an AND every side."""
    alternatives = _split(expression, " OR ")
    if len(alternatives) > 1:
        return any(is_permissive(one) for one in alternatives)
    parts = _split(expression, " AND ")
    if len(parts) > 1:
        return all(is_permissive(one) for one in parts)
    bare = expression.strip()
    if bare.startswith("(") and bare.endswith(")"):
        return is_permissive(bare[1:-1])
    return bare in PERMISSIVE


def _split(expression: str, by: str) -> list[str]:
    """At the top level alone."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(expression):
        depth += (char == "(") - (char == ")")
        if depth == 0 and expression.startswith(by, at):
            parts.append(expression[start:at])
            start = at + len(by)
    return [*parts, expression[start:]]
