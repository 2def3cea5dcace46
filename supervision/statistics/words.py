"""What figures are called, in both languages. Names of places and categories come from outside."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from supervision.finding import Words

Namer = Callable[[str, str], Words | None]
"""The words of a code of a vocabulary (`region`, `category`, …); None where none are known."""

NOT_STATED: Final = Words("未填报", "Not stated")
_SECTIONS: Final = (
    "A 农、林、牧、渔业|Agriculture, forestry, husbandry and fishery",
    "B 采矿业|Mining",
    "C 制造业|Manufacturing",
    "D 电力、热力、燃气及水生产和供应业|Electricity, heat, gas and water",
    "E 建筑业|Construction",
    "F 批发和零售业|Wholesale and retail trade",
    "G 交通运输、仓储和邮政业|Transport, storage and post",
    "H 住宿和餐饮业|Accommodation and catering",
    "I 信息传输、软件和信息技术服务业|Information transmission, software and IT services",
    "J 金融业|Finance",
    "K 房地产业|Real estate",
    "L 租赁和商务服务业|Leasing and business services",
    "M 科学研究和技术服务业|Scientific research and technical services",
    "N 水利、环境和公共设施管理业|Water, environment and public facilities",
    "O 居民服务、修理和其他服务业|Resident services, repair and other services",
    "P 教育|Education",
    "Q 卫生和社会工作|Health and social work",
    "R 文化、体育和娱乐业|Culture, sports and entertainment",
    "S 公共管理、社会保障和社会组织|Public administration and social organisations",
    "T 国际组织|International organisations",
)


def _pairs(text: str) -> dict[str, Words]:
    """`code 中文|English` lines as words by code."""
    found = {}
    for line in text.strip().splitlines():
        code, _, both = line.strip().partition(" ")
        zh, _, en = both.partition("|")
        found[code] = Words(zh, en)
    return found


CODES: Final[Mapping[str, Mapping[str, Words]]] = MappingProxyType(
    {
        "section": _pairs("\n".join(_SECTIONS)),
        "zone": _pairs("""
            gba 珠三角九市|Greater Bay Area, nine cities
            hk-macao 港澳|Hong Kong and Macao
            east 粤东|East Guangdong
            west 粤西|West Guangdong
            north 粤北|North Guangdong
            guangdong 广东（未分市）|Guangdong, city not stated
            other 省外|Other provinces
            unknown 未填报|Not stated"""),
        "right": _pairs("""
            HOLD 数据持有权|Right to hold
            USE 数据使用权|Right to use
            OPERATE 数据经营权|Right to operate
            HOLD+USE 持有权、使用权|Hold, use
            HOLD+OPERATE 持有权、经营权|Hold, operate
            USE+OPERATE 使用权、经营权|Use, operate
            HOLD+USE+OPERATE 持有权、使用权、经营权|Hold, use, operate"""),
        "channel": _pairs("""
            direct 直接交易|Direct
            mediated 经纪交易|Mediated by a broker"""),
        "public": _pairs("""
            public 公共数据产品|Public-data products
            other 其他产品|Other products"""),
        "source": _pairs("""
            public 公共数据|Public
            enterprise 企业数据|Enterprise
            personal 个人数据|Personal"""),
        "form": _pairs("""
            structured 结构化|Structured
            semi-structured 半结构化|Semi-structured
            text 文本|Text
            image 图像|Image
            audio-video 音视频|Audio and video
            model 模型与算法|Model and algorithm
            other 其他|Other"""),
        "stage": _pairs("""
            resource 数据资源|Resource
            product 数据产品|Product
            asset 数据资产|Asset"""),
        "yes": _pairs("""
            True 跨境|Cross-border
            False 境内|Domestic"""),
        "item": _pairs("""
            collection 采集|Collection
            purchase 购买|Purchase
            cleaning 清洗标注|Cleaning and labelling
            storage 存储|Storage
            analysis 分析|Analysis
            security 安全|Security
            circulation 流通|Circulation"""),
        "variant": _pairs("""
            active 积极口径（存储支出资本化）|Active (storage capitalised)
            cautious 审慎口径（存储支出不资本化）|Cautious (storage not capitalised)"""),
        "standing": _pairs("""
            counted 计入统计|Counted
            flagged 因涉嫌虚假交易标记而剔除|Left out: flagged as suspected of washing
            undone 因退款、作废而剔除|Left out: refunded or void since
            unknown 无对应交易的付款|Payments of no settled trade"""),
    }
)
"""Codes that statistics have of their own."""


def word(namer: Namer, vocabulary: str, code: str) -> Words:
    """What a code is called; the code itself where nobody knows."""
    if not code:
        return NOT_STATED
    found = CODES.get(vocabulary, {}).get(code) or namer(vocabulary, code)
    return found or Words(code, code)
