"""The model contracts: clauses that stand in files of this folder, by type, version and language.

Their types are those of the national model contracts for data of 2025; the words are our own. A file is
never changed once a contract named its digest: a change is a new version. The Chinese text is binding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from base.canonical import sha256_hex
from market.listings.categories import Label, ProductType
from market.orders.errors import ModelUnknown

_FOLDER: Final = Path(__file__).parent / "models"
LANGUAGES: Final = ("zh", "en")
BINDING: Final = "zh"


class ModelType(StrEnum):
    """The four types of contract."""

    PROVISION = "PROVISION"
    PROCESSING = "PROCESSING"
    FUSION = "FUSION"
    INTERMEDIARY = "INTERMEDIARY"


MODEL_LABELS: Final[Mapping[ModelType, Label]] = {
    ModelType.PROVISION: Label("数据提供合同", "Contract of data provision"),
    ModelType.PROCESSING: Label("数据委托处理服务合同", "Contract of entrusted data processing"),
    ModelType.FUSION: Label("数据融合开发合同", "Contract of joint data development"),
    ModelType.INTERMEDIARY: Label("数据中介服务合同", "Contract of data intermediary service"),
}
CURRENT: Final[Mapping[ModelType, int]] = dict.fromkeys(ModelType, 1)
"""The version that a new contract is made with."""

_BY_PRODUCT: Final[Mapping[ProductType, ModelType]] = {
    ProductType.DATASET: ModelType.PROVISION,
    ProductType.API: ModelType.PROVISION,
    ProductType.REPORT: ModelType.PROVISION,
    ProductType.CERT: ModelType.PROVISION,
    ProductType.SERVICE: ModelType.PROCESSING,
    ProductType.PRIVACY: ModelType.PROCESSING,
    ProductType.COMPUTE: ModelType.PROCESSING,
    ProductType.TOOL: ModelType.FUSION,
}


@dataclass(frozen=True, slots=True)
class Model:
    """A version of a model contract; `digests` are those of its files, by language."""

    id: ModelType
    version: int
    digests: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """As a contract names it: the digest of the binding text, and those of its translations."""
        others = {lang: digest for lang, digest in self.digests.items() if lang != BINDING}
        return {
            "id": self.id.value,
            "version": self.version,
            "sha256": self.digests[BINDING],
            "translations": others,
        }

    def text(self, language: str) -> str:
        """Its clauses."""
        return _read(self.id, self.version, language).decode()


def model_for(product_type: ProductType) -> Model:
    """The model of a trade, by what is traded."""
    kind = _BY_PRODUCT[product_type]
    return model(kind, CURRENT[kind])


def model(kind: str, version: int) -> Model:
    """One version of a model. Raises ModelUnknown."""
    if kind not in set(ModelType) or not 1 <= version <= CURRENT[ModelType(kind)]:
        raise ModelUnknown("no such model contract", id=kind[:40], version=version)
    return _model(ModelType(kind), version)


def models() -> list[Model]:
    """Every version of every model, first to last."""
    return [_model(kind, version) for kind in ModelType for version in range(1, CURRENT[kind] + 1)]


@cache
def _model(kind: ModelType, version: int) -> Model:
    return Model(kind, version, {lang: sha256_hex(_read(kind, version, lang)) for lang in LANGUAGES})


@cache
def _read(kind: ModelType, version: int, language: str) -> bytes:
    return (_FOLDER / f"{kind.value}-{version}.{language}.md").read_bytes()
