"""A new clone is compiled once, by all workers together: each of them would compile all of it otherwise.

Every worker takes its share before it collects, and finds those of the others when it comes to them.
"""

import compileall
import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import (
    PYC_TAIL,
    _read_pyc,
    _rewrite_test,
    _write_pyc,
    assertstate_key,
    get_cache_dir,
)


def compile_share(config: pytest.Config, *, number: int, of: int) -> None:
    """Compile every `of`-th module, beginning at `number`: tests with the asserts that pytest writes."""
    if sys.dont_write_bytecode:
        return
    packages = [init.parent for init in config.rootpath.glob("*/__init__.py")]
    modules = sorted(path for package in packages for path in package.rglob("*.py"))
    for path in modules[number::of]:
        if path.name == "conftest.py" or path.name.startswith("test_"):
            _rewrite(config, path)
        else:
            compileall.compile_file(path, quiet=2)


def _rewrite(config: pytest.Config, path: Path) -> None:
    """What pytest's import hook does before it runs a module of tests."""
    state = config.stash[assertstate_key]
    compiled = get_cache_dir(path) / f"{path.stem}{PYC_TAIL}"
    if _read_pyc(path, compiled, state.trace) is None:
        compiled.parent.mkdir(exist_ok=True)
        source, code = _rewrite_test(path, config)
        _write_pyc(state, code, source, compiled)
