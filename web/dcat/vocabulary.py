"""Our words in the vocabularies that harvesters know: EU authority tables, IANA, SPDX, ODRL. Pure.

Each concept is described in the document that uses it, with its scheme, so that a reader needs no network.
"""

from collections.abc import Mapping
from typing import Final

from market.listings.categories import CATEGORY_LABELS, Category
from registry.lists.rules import normal
from registry.registration.rules import Update
from web.dcat.terms import Iri, Text, Thing, both, said

EU: Final = "http://publications.europa.eu/resource/authority/"
IANA: Final = "http://www.iana.org/assignments/media-types/"
SHA256: Final = "https://spdx.org/rdf/terms#checksumAlgorithm_sha256"
_SHA256_AS_IN_SPDX: Final = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
LICENCE_TYPE: Final = "http://purl.org/adms/licencetype/"
PUBLISHER_TYPE: Final = "http://purl.org/adms/publishertype/"

_THEMES: Final[Mapping[str, tuple[str, str]]] = {
    "AGRI": ("农业、渔业、林业和食品", "Agriculture, fisheries, forestry and food"),
    "ECON": ("经济和金融", "Economy and finance"),
    "EDUC": ("教育、文化和体育", "Education, culture and sport"),
    "ENER": ("能源", "Energy"),
    "ENVI": ("环境", "Environment"),
    "GOVE": ("政府和公共部门", "Government and public sector"),
    "HEAL": ("健康", "Health"),
    "REGI": ("地区和城市", "Regions and cities"),
    "SOCI": ("人口和社会", "Population and society"),
    "TECH": ("科学和技术", "Science and technology"),
    "TRAN": ("交通", "Transport"),
}
_THEME_OF: Final[Mapping[Category, str]] = {
    Category.AGRICULTURE: "AGRI",
    Category.COMMERCE: "ECON",
    Category.CULTURE_TOURISM: "EDUC",
    Category.E_COMMERCE: "ECON",
    Category.EDUCATION: "EDUC",
    Category.ENERGY: "ENER",
    Category.ENVIRONMENT: "ENVI",
    Category.EQUIPMENT: "TECH",
    Category.FINANCE: "ECON",
    Category.GEOGRAPHY: "REGI",
    Category.HEALTH: "HEAL",
    Category.INDUSTRY: "ECON",
    Category.LOGISTICS: "TRAN",
    Category.METEOROLOGY: "ENVI",
    Category.POPULATION: "SOCI",
    Category.TELECOM: "TECH",
    Category.TRANSPORT: "TRAN",
}
_FREQUENCY: Final[Mapping[Update, tuple[str, str, str]]] = {
    Update.NEVER: ("NEVER", "从不", "never"),
    Update.REAL_TIME: ("UPDATE_CONT", "持续更新", "continuously updated"),
    Update.DAILY: ("DAILY", "每日", "daily"),
    Update.WEEKLY: ("WEEKLY", "每周", "weekly"),
    Update.MONTHLY: ("MONTHLY", "每月", "monthly"),
    Update.QUARTERLY: ("QUARTERLY", "每季", "quarterly"),
    Update.YEARLY: ("ANNUAL", "每年", "annual"),
    Update.IRREGULAR: ("IRREG", "不定期", "irregular"),
}
_ACCESS: Final[Mapping[str, tuple[str, str]]] = {
    "PUBLIC": ("公开", "public"),
    "RESTRICTED": ("受限", "restricted"),
    "NON_PUBLIC": ("非公开", "non-public"),
}
# What the media type of a file is called in the EU's table of file types.
_FORMATS: Final[Mapping[str, str]] = {
    "text/csv": "CSV",
    "application/json": "JSON",
    "application/geo+json": "GEOJSON",
    "application/xml": "XML",
    "text/xml": "XML",
    "text/plain": "TXT",
    "application/pdf": "PDF",
    "application/zip": "ZIP",
    "application/vnd.apache.parquet": "PARQUET",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
}
_UNKNOWN_FORMAT: Final = "OCTET"
_CHINESE: Final = ("language/ZHO", "中文", "Chinese")
_ENGLISH: Final = ("language/ENG", "英文", "English")
_CHINA: Final = ("country/CHN", "中国", "China")


def concept(path: str, zh: str, en: str, *types: str) -> Thing:
    """A concept of an EU authority table (`access-right/PUBLIC`), described."""
    scheme = path.partition("/")[0]
    pairs = said(("skos:inScheme", Iri(EU + scheme)), ("skos:prefLabel", both(zh, en)))
    return Thing(EU + path, ("skos:Concept", *types), pairs)


def scheme(path: str, zh: str, en: str) -> Thing:
    """An EU authority table itself."""
    return Thing(EU + path, ("skos:ConceptScheme",), said(("dct:title", both(zh, en))))


def eu_theme(category: Category | None) -> Thing:
    """The EU theme of a category; of none, the public sector's."""
    code = "GOVE" if category is None else _THEME_OF[category]
    return concept(f"data-theme/{code}", *_THEMES[code])


def frequency(update: Update) -> Thing:
    """How often a data set is renewed."""
    code, zh, en = _FREQUENCY[update]
    return concept(f"frequency/{code}", zh, en, "dct:Frequency")


def access_right(code: str) -> Thing:
    """PUBLIC, RESTRICTED or NON_PUBLIC."""
    return concept(f"access-right/{code}", *_ACCESS[code], "dct:RightsStatement")


def languages() -> tuple[Thing, Thing]:
    """The languages of the catalogue."""
    return tuple(concept(*one, "dct:LinguisticSystem") for one in (_CHINESE, _ENGLISH))  # type: ignore[return-value]


def country() -> Thing:
    """The country that every data set is of."""
    return concept(*_CHINA, "dct:Location")


def availability() -> Thing:
    """As long as an entry stands its file stays."""
    return concept("planned-availability/STABLE", "稳定", "stable")


def media_type(name: str) -> Thing:
    """A media type by its IANA name."""
    return Thing(IANA + name, ("dct:MediaType",), said(("skos:prefLabel", Text(name))))


def file_type(media: str) -> Thing:
    """The EU's name of a media type."""
    code = _FORMATS.get(media, _UNKNOWN_FORMAT)
    return concept(f"file-type/{code}", code, code, "dct:MediaTypeOrExtent")


def sha256() -> Thing:
    """The checksum algorithm: the IRI that the published shapes ask for, with SPDX's own beside it."""
    return Thing(SHA256, ("spdx:ChecksumAlgorithm",), said(("skos:exactMatch", Iri(_SHA256_AS_IN_SPDX))))


def category_of(theme: str) -> Category | None:
    """The category that a free theme names, by its code or by its label in either language."""
    return _BY_NAME.get(normal(theme))


_BY_NAME: Final[Mapping[str, Category]] = {
    normal(name): category
    for category, label in CATEGORY_LABELS.items()
    for name in (category.value, label.zh, label.en)
}
