"""What is traded, in the words of the catalogue: categories (level 2) and product types, zh-CN and en.

A category times a region is a relevant market, so a category is never renamed, only added to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Label:
    """A name on pages, in both languages."""

    zh: str
    en: str


class Category(StrEnum):
    AGRICULTURE = "agriculture"
    COMMERCE = "commerce"
    CULTURE_TOURISM = "culture-tourism"
    E_COMMERCE = "e-commerce"
    EDUCATION = "education"
    ENERGY = "energy"
    ENVIRONMENT = "environment"
    EQUIPMENT = "equipment"
    FINANCE = "finance"
    GEOGRAPHY = "geography"
    HEALTH = "health"
    INDUSTRY = "industry"
    LOGISTICS = "logistics"
    METEOROLOGY = "meteorology"
    POPULATION = "population"
    TELECOM = "telecom"
    TRANSPORT = "transport"


CATEGORY_LABELS: Final[Mapping[Category, Label]] = {
    Category.AGRICULTURE: Label("农业农村", "Agriculture"),
    Category.COMMERCE: Label("商贸", "Commerce"),
    Category.CULTURE_TOURISM: Label("文化旅游", "Culture and tourism"),
    Category.E_COMMERCE: Label("电子商务", "E-commerce"),
    Category.EDUCATION: Label("教育", "Education"),
    Category.ENERGY: Label("能源", "Energy"),
    Category.ENVIRONMENT: Label("生态环境", "Environment"),
    Category.EQUIPMENT: Label("装备", "Equipment"),
    Category.FINANCE: Label("金融", "Finance"),
    Category.GEOGRAPHY: Label("地理", "Geography"),
    Category.HEALTH: Label("医疗健康", "Health"),
    Category.INDUSTRY: Label("工业", "Industry"),
    Category.LOGISTICS: Label("物流", "Logistics"),
    Category.METEOROLOGY: Label("气象", "Meteorology"),
    Category.POPULATION: Label("人口统计", "Population"),
    Category.TELECOM: Label("通信", "Telecommunications"),
    Category.TRANSPORT: Label("交通运输", "Transport"),
}


class ProductType(StrEnum):
    DATASET = "DATASET"
    API = "API"
    REPORT = "REPORT"
    SERVICE = "SERVICE"
    TOOL = "TOOL"
    PRIVACY = "PRIVACY"
    COMPUTE = "COMPUTE"
    CERT = "CERT"

    @property
    def by_call(self) -> bool:
        """Whether it is used call by call or over time: its acceptance takes ten working days, not five."""
        return self in {
            ProductType.API,
            ProductType.SERVICE,
            ProductType.PRIVACY,
            ProductType.COMPUTE,
        }


PRODUCT_TYPE_LABELS: Final[Mapping[ProductType, Label]] = {
    ProductType.DATASET: Label("数据集", "Data set"),
    ProductType.API: Label("数据接口", "API"),
    ProductType.REPORT: Label("数据报告", "Report"),
    ProductType.SERVICE: Label("数据服务", "Data service"),
    ProductType.TOOL: Label("数据工具/模型", "Tool or model"),
    ProductType.PRIVACY: Label("隐私计算产品", "Privacy-computing product"),
    ProductType.COMPUTE: Label("算力", "Computing power"),
    ProductType.CERT: Label("凭证核验", "Certificate verification"),
}
