"""Templates by sector: which classes data of a sector has, and the least level of each; pure.

Sources: 工业数据分类分级指南（试行） 2020 (domains of industrial enterprises and platforms); JR/T 0197-2020
(finance); GB/T 39725-2020 (health); GB/T 43697-2024 §5 (what every sector has). The least levels are this
project's defaults. Base libraries and sensed data: R40, R43.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from registry.grading.errors import BaseLibraryRaw, GradingMalformed
from registry.rules import Level, highest


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of a template: its names, and below which level it is never graded."""

    zh: str
    en: str
    floor: Level


_1, _2, _3, _4 = Level.GENERAL_1, Level.GENERAL_2, Level.GENERAL_3, Level.GENERAL_4
INDUSTRIAL: Final[Mapping[str, DataClass]] = {
    "research": DataClass("研发数据域", "Research and design", _3),
    "production": DataClass("生产数据域", "Production", _2),
    "control": DataClass("生产控制数据", "Process control", _3),
    "operation-maintenance": DataClass("运维数据域", "Operation and maintenance", _2),
    "management": DataClass("管理数据域", "Management", _2),
    "external": DataClass("外部数据域", "From and for outside", _1),
    "platform-operation": DataClass("平台运营数据域", "Operation of a platform", _2),
    "platform-management": DataClass("平台企业管理数据域", "Management of a platform", _2),
}
_FINANCE: Final[Mapping[str, DataClass]] = {
    "customer": DataClass("客户数据", "Customers", _3),
    "business": DataClass("业务数据", "Business", _2),
    "management": DataClass("经营管理数据", "Management", _2),
    "supervision": DataClass("监管数据", "Supervision", _3),
}
_HEALTH: Final[Mapping[str, DataClass]] = {
    "personal-attribute": DataClass("个人属性数据", "Personal attributes", _3),
    "health-status": DataClass("健康状况数据", "State of health", _4),
    "medical-application": DataClass("医疗应用数据", "Medical care", _4),
    "payment": DataClass("医疗支付数据", "Payment of care", _3),
    "resource": DataClass("卫生资源数据", "Health resources", _1),
    "public-health": DataClass("公共卫生数据", "Public health", _2),
}
ANY: Final[Mapping[str, DataClass]] = {
    "business": DataClass("业务数据", "Business", _1),
    "user": DataClass("用户数据", "Users", _3),
    "management": DataClass("经营管理数据", "Management", _1),
    "operation-security": DataClass("系统运维数据", "Operation and security of systems", _2),
}
TEMPLATES: Final[Mapping[str, Mapping[str, DataClass]]] = {
    **dict.fromkeys("BCD", INDUSTRIAL),  # GB/T 4754: mining, manufacturing, energy and water
    "J": _FINANCE,
    "Q": _HEALTH,
}
SECTORS: Final[Mapping[str, str]] = {
    "A": "农、林、牧、渔业",
    "B": "采矿业",
    "C": "制造业",
    "D": "电力、热力、燃气及水生产和供应业",
    "E": "建筑业",
    "F": "批发和零售业",
    "G": "交通运输、仓储和邮政业",
    "H": "住宿和餐饮业",
    "I": "信息传输、软件和信息技术服务业",
    "J": "金融业",
    "K": "房地产业",
    "L": "租赁和商务服务业",
    "M": "科学研究和技术服务业",
    "N": "水利、环境和公共设施管理业",
    "O": "居民服务、修理和其他服务业",
    "P": "教育",
    "Q": "卫生和社会工作",
    "R": "文化、体育和娱乐业",
    "S": "公共管理、社会保障和社会组织",
    "T": "国际组织",
}
"""GB/T 4754-2017, its sections."""
_OF_PERSONS: Final = frozenset({"population", "licence"})
_SENSED: Final = frozenset({"VIDEO", "IOT"})


def template_of(sector: str) -> Mapping[str, DataClass]:
    """The classes that data of a sector (GB/T 4754 section, with or without division) has."""
    return TEMPLATES.get(sector[:1], ANY)


def class_of(sector: str, name: str) -> DataClass:
    """A class of the sector's template. Raises GradingMalformed, naming those there are."""
    if sector[:1] not in SECTORS:
        raise GradingMalformed("a section of GB/T 4754", fields=["sector"])
    found = template_of(sector).get(name)
    if found is None:
        raise GradingMalformed(
            "a class of the sector's template", fields=["data_class"], known=sorted(template_of(sector))
        )
    return found


def floor_of(*, kind: str | None, base_library: str | None) -> Level:
    """The least level of an entry of the data lists, by what it is.

    City video and sensors: general-4 until somebody decides on the real data (R43). Population and licences:
    general-4, the other base libraries general-3 (R40).
    """
    floors = [Level.GENERAL_1]
    if kind in _SENSED or base_library in _OF_PERSONS:
        floors.append(Level.GENERAL_4)
    if base_library is not None:
        floors.append(Level.GENERAL_3)
    return highest(floors)


def is_sensed(kind: str | None) -> bool:
    """Video and sensors: opened only with the chief data officer's signature and a security review."""
    return kind in _SENSED


@dataclass(frozen=True, slots=True)
class Made:
    """What a product says of how it was made from an entry of a base library, and what its file shows.

    `transformed`: it states a substantial change, or authorised operation. `fields` are the file's columns.
    """

    transformed: bool
    file_sha256: str
    fields: frozenset[str]


def check_not_raw(
    made: Made, *, base_library: str | None, data_id: str, resource_sha256: str | None, fields: frozenset[str]
) -> None:
    """A product of a base library is not the library itself (R40). Raises BaseLibraryRaw, saying why.

    It is raw when its bytes are those of the entry, when it states no substantial change, or when its columns
    still hold every field of the entry.
    """
    if base_library is None:
        return
    why = None
    if resource_sha256 is not None and made.file_sha256 == resource_sha256:
        why = "same-bytes"
    elif not made.transformed:
        why = "no-substantial-change"
    elif fields and fields <= made.fields:
        why = "all-fields-kept"
    if why is not None:
        raise BaseLibraryRaw(
            "a base library is not listed raw", base_library=base_library, data_id=data_id, why=why
        )
