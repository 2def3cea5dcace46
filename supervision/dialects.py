"""The engines' SQL: what `ibis` writes, but for what the engines would understand differently."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlglot.expressions as sge
from ibis.backends.sql.compilers import DuckDBCompiler, PySparkCompiler
from ibis.expr import operations as ops

_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"


class _DuckDB(DuckDBCompiler):  # type: ignore[misc]
    """DuckDB's own."""

    __slots__ = ()

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802 - named by ibis
        """A sum of widened whole numbers: it is 128 bits wide of itself, and made a decimal by `portable`."""
        widened = isinstance(op.arg, ops.Cast) and op.arg.arg.dtype.is_integer() and op.dtype.is_decimal()
        if not widened or not isinstance(arg, sge.Cast):
            return super().visit_Sum(op, arg=arg, where=where)
        return self.agg.sum(arg.this, where=where)

    def visit_Uppercase(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802 - named by ibis
        return _folded(self, arg, "upper", self.f.anon.strlen(arg), self.f.anon.length(arg))

    def visit_Lowercase(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802
        return _folded(self, arg, "lower", self.f.anon.strlen(arg), self.f.anon.length(arg))


class _Spark(PySparkCompiler):  # type: ignore[misc]
    """Spark's own; no column has NaN. By 0 a quotient is null: some are of rows that are sifted out later."""

    __slots__ = ()

    def visit_Field(self, op: Any, *, rel: Any, name: str) -> Any:  # noqa: N802
        return super(PySparkCompiler, self).visit_Field(op, rel=rel, name=name)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802
        if dtype.is_floating():
            return super(PySparkCompiler, self).visit_NonNullLiteral(op, value=value, dtype=dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_Divide(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return super().visit_Divide(op, left=left, right=self._not_zero(op.right, right))

    def visit_Modulus(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return super().visit_Modulus(op, left=left, right=self._not_zero(op.right, right))

    def _not_zero(self, divisor: Any, written: Any) -> Any:
        return written if isinstance(divisor, ops.Literal) else self.f.nullif(written, 0)

    def visit_Uppercase(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802
        return _folded(self, arg, "upper", self.f.anon.octet_length(arg), self.f.anon.char_length(arg))

    def visit_Lowercase(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802
        return _folded(self, arg, "lower", self.f.anon.octet_length(arg), self.f.anon.char_length(arg))


def _folded(compiler: Any, text: Any, to: str, of_bytes: Any, of_signs: Any) -> Any:
    """A text in one case. Only A to Z have cases here: engines differ about ß, İ and all that."""
    pair = (_LOWER, _LOWER.upper()) if to == "upper" else (_LOWER.upper(), _LOWER)
    other = compiler.f.anon.translate(text, *(sge.convert(letters) for letters in pair))
    return compiler.if_(sge.EQ(this=of_bytes, expression=of_signs), compiler.f[to](text), other)


COMPILERS: Final[Mapping[str, Any]] = MappingProxyType({"duckdb": _DuckDB(), "pyspark": _Spark()})


def as_sql(expression: Any, dialect: str) -> str:
    """An expression as a query of a dialect. Neither engine need be there."""
    compiler = COMPILERS[dialect]
    return str(compiler.to_sqlglot(expression).sql(dialect=compiler.dialect))
