"""The query of a slice, `Q(x,y) :- R(x),S(x,y),T(y)`, and the data it is asked of.

Read strictly: one head, one body of atoms, names of letters, digits and underscores; a variable begins with a
letter, a constant stands in single quotes. Columns bind by position; what stands in a column lies in its
domain, which everybody knows. `Q(x,count(y)) :- …` counts, and is no conjunctive query.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Final

from pricing.errors import QueryMalformed, TooMuchToPrice
from pricing.facts import Facts

MAX_VALUES: Final = 2000  # of a domain
MAX_TUPLES: Final = 20_000  # of all relations
MAX_ATOMS: Final = 12
_MAX_TEXT: Final = 2000
_MAX_SHOWN: Final = 80
_NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,63}"
_TERM: Final = rf"(?:{_NAME}|'[^'\r\n]{{1,200}}')"
_ATOM: Final = rf"{_NAME}\s*\(\s*{_TERM}(?:\s*,\s*{_TERM})*\s*\)"
_COUNT: Final = rf"count\(\s*{_NAME}\s*\)"
_OF_HEAD: Final = rf"(?:{_COUNT}|{_NAME})"
_HEAD: Final = rf"{_NAME}\s*\(\s*(?P<head>(?:{_OF_HEAD}(?:\s*,\s*{_OF_HEAD})*)?)\s*\)"
_QUERY: Final = re.compile(rf"\s*{_HEAD}\s*:-\s*(?P<body>{_ATOM}(?:\s*,\s*{_ATOM})*)\s*\.?\s*", re.ASCII)

Tuple = tuple[str, ...]
View = tuple[str, str, str]  # relation, column, value


@dataclass(frozen=True, slots=True)
class Relation:
    """Its columns by position, each with its domain, and the tuples that it holds."""

    name: str
    columns: tuple[str, ...]
    domains: tuple[tuple[str, ...], ...]
    rows: frozenset[Tuple]

    def views(self, row: Tuple) -> Iterator[View]:
        """The selections that say whether the relation holds a row."""
        for column, value in zip(self.columns, row, strict=True):
            yield self.name, column, value


@dataclass(frozen=True, slots=True)
class Atom:
    """A relation with a term for each column: a variable, or a constant in its quotes."""

    relation: Relation
    terms: tuple[str, ...]

    def row(self, binding: Mapping[str, str]) -> Tuple:
        return tuple(term[1:-1] if constant(term) else binding[term] for term in self.terms)


@dataclass(frozen=True, slots=True)
class Query:
    """A conjunctive query; `counted` are head variables of which only the number is asked."""

    head: tuple[str, ...]
    counted: tuple[str, ...]
    atoms: tuple[Atom, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Those of the body, as they come."""
        return tuple(dict.fromkeys(t for atom in self.atoms for t in atom.terms if not constant(t)))

    def domains(self) -> dict[str, tuple[str, ...]]:
        """What each variable can be: a value of every column it stands in."""
        found: dict[str, tuple[str, ...]] = {}
        for atom in self.atoms:
            for term, domain in zip(atom.terms, atom.relation.domains, strict=True):
                if not constant(term):
                    inside = set(domain)
                    found[term] = tuple(v for v in found.get(term, domain) if v in inside)
        return found

    def bindings(self, *, most: int) -> Iterator[dict[str, str]]:
        """Every assignment of values to the variables. Raises TooMuchToPrice above so many."""
        domains = self.domains()
        if prod(map(len, domains.values())) > most:
            raise TooMuchToPrice("the query has too many possible answers", limit=most)
        names = list(domains)
        for values in product(*domains.values()):
            yield dict(zip(names, values, strict=True))

    def answers(self, held: Mapping[str, frozenset[Tuple]]) -> frozenset[Any]:
        """What it gives on relations that hold these rows: head tuples, with numbers where it counts."""
        bindings: list[dict[str, str]] = [{}]
        for atom in self.atoms:
            bindings = [
                grown
                for binding in bindings
                for row in held[atom.relation.name]
                if (grown := _bound(binding, atom.terms, row)) is not None
            ]
            if len(bindings) > MAX_TUPLES:
                raise TooMuchToPrice("the query has too many answers", limit=MAX_TUPLES)
        plain = [name for name in self.head if name not in self.counted]
        groups: dict[Tuple, list[set[str]]] = {}
        for binding in bindings:
            sets = groups.setdefault(tuple(binding[n] for n in plain), [set() for _ in self.counted])
            for seen, name in zip(sets, self.counted, strict=True):
                seen.add(binding[name])
        return frozenset((key, *map(len, sets)) for key, sets in groups.items())


def constant(term: str) -> bool:
    """Whether a term stands in quotes."""
    return term.startswith("'")


def _bound(binding: dict[str, str], terms: Sequence[str], row: Tuple) -> dict[str, str] | None:
    grown = dict(binding)
    for term, value in zip(terms, row, strict=True):
        if (term[1:-1] if constant(term) else grown.setdefault(term, value)) != value:
            return None
    return grown


def read_relations(read: Facts) -> dict[str, Relation]:
    """The relations of the facts `columns` (column → domain) and `relations` (name → columns, rows)."""
    domains = _domains(read)
    relations = {
        name: _relation(name, Facts(told, where=f"relations.{name}"), domains)
        for name, told in read.mapping("relations").items()
    }
    if sum(len(relation.rows) for relation in relations.values()) > MAX_TUPLES:
        raise TooMuchToPrice("the relations hold too many rows", limit=MAX_TUPLES)
    return relations


def _domains(read: Facts) -> dict[str, tuple[str, ...]]:
    domains: dict[str, tuple[str, ...]] = {}
    for column, values in read.mapping("columns").items():
        if not isinstance(values, list | tuple) or not all(_is_text(value) for value in values):
            raise read.bad("columns", "for each column its values, which are texts")
        if len(values) > MAX_VALUES:
            raise TooMuchToPrice("a column has too many values", column=column, limit=MAX_VALUES)
        if len(set(values)) != len(values) or not values:
            raise read.bad("columns", "for each column its values, each once")
        domains[column] = tuple(values)
    return domains


def _relation(name: str, told: Facts, domains: Mapping[str, tuple[str, ...]]) -> Relation:
    columns = tuple(told.sequence("columns", most=MAX_ATOMS))
    if not all(_is_text(column) and column in domains for column in columns):
        raise told.bad("columns", "names of the columns whose domains are told")
    if len(set(columns)) != len(columns):
        raise told.bad("columns", "each once")
    rows = told.sequence("rows", most=MAX_TUPLES, least=0)
    inside = [set(domains[column]) for column in columns]
    for row in rows:
        fits = isinstance(row, list | tuple) and len(row) == len(columns)
        if not fits or not all(_is_text(v) and v in values for v, values in zip(row, inside, strict=True)):
            raise told.bad("rows", "a value of its column in each place")
    told.close()
    held = frozenset(map(tuple, rows))
    return Relation(name, columns, tuple(domains[column] for column in columns), held)


def _is_text(value: Any) -> bool:
    return type(value) is str and "'" not in value


def parse_query(text: Any, relations: Mapping[str, Relation]) -> Query:
    """A query over these relations. Raises QueryMalformed."""
    match = _QUERY.fullmatch(text) if type(text) is str and len(text) <= _MAX_TEXT else None
    if match is None:
        raise QueryMalformed("a query is written as Q(x,y) :- R(x),S(x,y),T(y)")
    atoms = []
    for written in re.findall(_ATOM, match["body"], re.ASCII):
        name, _, inside = written.partition("(")
        relation = relations.get(name.strip())
        terms = tuple(re.findall(_TERM, inside, re.ASCII))
        if relation is None or len(terms) != len(relation.columns):
            raise QueryMalformed("no relation of that name and width", atom=written[:_MAX_SHOWN])
        atoms.append(Atom(relation, terms))
    if len(atoms) > MAX_ATOMS:
        raise TooMuchToPrice("the query has too many atoms", limit=MAX_ATOMS)
    asked = re.findall(_OF_HEAD, match["head"], re.ASCII)
    counted = tuple(one[len("count(") : -1].strip() for one in asked if one.startswith("count("))
    head = tuple(one[len("count(") : -1].strip() if one.startswith("count(") else one for one in asked)
    query = Query(head, counted, tuple(atoms))
    if not set(head) <= set(query.variables) or len(set(head)) != len(head):
        raise QueryMalformed("the head names variables of the body, each once", head=list(head))
    return query
