"""Messages that are not what ISO publishes are refused: by us the bank's, by the bank ours,
and by the exchange what it would say itself."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from bank.messages import pain001
from base.errors import Malformed
from market.settlement.facets import CHOICES, FORMS, IN_CURRENCY, MANY
from market.settlement.messages import INSTRUCTION
from market.settlement.structure import STRUCTURES, check_structure
from tests.market.settlement.test_structure import READERS, WRITTEN

BOTH_WAYS: list[tuple[str, Callable[[bytes], Any]]] = [*READERS.items(), (INSTRUCTION, pain001.read)]
Element = Any


def local(element: Element) -> str:
    return etree.QName(element).localname


def order_of(message: str, element: Element) -> tuple[str, ...]:
    parent = element.getparent()
    above = "" if parent is None else local(parent)
    known = STRUCTURES[message]
    return known.get(f"{above}/{local(element)}") or known.get(local(element)) or ()


def is_required(message: str, element: Element) -> bool:
    parent = element.getparent()
    if parent is None:
        return False
    alone = sum(child.tag == element.tag for child in parent) == 1
    return alone and f"{local(element)}!" in order_of(message, parent)


def delete(message: str, element: Element) -> bool:
    """Something that is required is not there."""
    if not is_required(message, element):
        return False
    element.getparent().remove(element)
    return True


def double(_: str, element: Element) -> bool:
    """Something that is there once is there twice."""
    parent = element.getparent()
    if parent is None or local(element) in MANY:
        return False
    element.addnext(etree.fromstring(etree.tostring(element)))
    return True


def swap(message: str, element: Element) -> bool:
    """Two elements change their places."""
    later = element.getnext()
    if later is None or later.tag == element.tag or not order_of(message, element.getparent()):
        return False
    later.addnext(element)
    return True


def move_abroad(_: str, element: Element) -> bool:
    """An element of the same name in another schema."""
    element.tag = f"{{urn:another}}{local(element)}"
    return True


def say_beside(message: str, element: Element) -> bool:
    """Words between elements."""
    if not order_of(message, element):
        return False
    element.text = "words"
    return True


def decorate(_: str, element: Element) -> bool:
    element.set("colour", "blue")
    return True


def nest(message: str, element: Element) -> bool:
    """An element within a value."""
    if order_of(message, element):
        return False
    etree.SubElement(element, element.tag)
    return True


def lose_the_currency(_: str, element: Element) -> bool:
    return element.attrib.pop("Ccy", None) is not None


def empty(message: str, element: Element) -> bool:
    if order_of(message, element):
        return False
    element.text = " "
    return True


def overstate(message: str, element: Element) -> bool:
    """A value longer than any, and of no form."""
    if order_of(message, element):
        return False
    element.text = "x" * 141
    return True


MUTATIONS = [
    delete,
    double,
    swap,
    move_abroad,
    say_beside,
    decorate,
    nest,
    lose_the_currency,
    empty,
    overstate,
]


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(way=st.sampled_from(BOTH_WAYS), mutate=st.sampled_from(MUTATIONS), at=st.integers(0, 200))
def test_a_message_that_is_bent_anywhere_is_refused_both_ways(way: Any, mutate: Any, at: int) -> None:
    message, read = way
    root = etree.fromstring(WRITTEN[message])
    elements = list(root.iter())
    element = elements[at % len(elements)]
    assume(mutate(message, element))
    bent = etree.tostring(root)
    with pytest.raises(Malformed):
        read(bent)


def places() -> Iterator[tuple[str, str]]:
    """Every kind of value that stands in one of our messages."""
    for message, xml in WRITTEN.items():
        seen = set()
        for element in etree.fromstring(xml).iter():
            above = element.getparent()
            if above is None or len(element):
                continue
            path = f"{local(above)}/{local(element)}"
            if path not in seen:
                seen.add(path)
                yield message, path


@pytest.mark.parametrize(("message", "path"), list(places()))
def test_every_value_that_we_write_or_read_has_a_published_form(message: str, path: str) -> None:
    assert path in FORMS or path.partition("/")[2] in FORMS, (message, path)


WRONG = {
    "CreDtTm": ["2026-11-17", "2026-11-17T25:00:00Z", "tomorrow", "2026-13-17T01:00:00Z"],
    "Dt": ["2026-11-32", "17.11.2026", "2026-11-17T00:00:00Z"],
    "Amt": ["-1.00", "1,00", "1e5", "1.000000", "1234567890123456789", "", "NaN"],
    "CdtDbtInd": ["CREDIT", "crdt"],
    "NbOfTxs": ["1.0", "-1", "1" * 16],
    "EndToEndId": ["e" * 36],
    "MsgId": ["m" * 36],
    "Othr/Id": ["1" * 35],
    "Nm": ["n" * 141],
    "Cd": ["BOOKED"],
    "PmtMtd": ["CASH"],
    "InstdAmt": ["-0.01", "1.123456"],
    "CtrlSum": ["many"],
    "GrpSts": ["ACCEPTED"],
    "RvslInd": ["yes"],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_of_another_form_is_refused(name: str) -> None:
    tried = 0
    for message, xml in WRITTEN.items():
        for wrong in WRONG[name]:
            root = etree.fromstring(xml)
            found = root.find(".//{*}" + name.replace("/", "/{*}"))
            if found is None or len(found):
                continue
            found.text = wrong
            with pytest.raises(Malformed):
                check_structure(root, message)
            tried += 1
    assert tried or name == "RvslInd"


def test_of_a_choice_there_is_exactly_one() -> None:
    tried = 0
    for message, xml in WRITTEN.items():
        for at, element in enumerate(etree.fromstring(xml).iter()):
            above = element.getparent()
            path = f"{'' if above is None else local(above)}/{local(element)}"
            choice = CHOICES.get(path) or CHOICES.get(local(element))
            if choice is None:
                continue
            others = sorted(choice - {local(child) for child in element})
            for names in ([], ["Neither"], [local(element[0]), *others]):
                root = etree.fromstring(xml)
                bent = list(root.iter())[at]
                kept = {local(child): child for child in bent}
                for child in list(bent):
                    bent.remove(child)
                for name in names:
                    new = kept.get(name)
                    bent.append(new if new is not None else bent.makeelement(f"{{{root.nsmap[None]}}}{name}"))
                with pytest.raises(Malformed):
                    check_structure(root, message)
                tried += 1
    assert tried > 20


def test_a_document_may_say_where_its_schema_lies() -> None:
    for message, xml in WRITTEN.items():
        root = etree.fromstring(xml)
        root.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "urn:x y.xsd")
        check_structure(root, message)
    assert {"Amt", "InstdAmt"} == IN_CURRENCY
