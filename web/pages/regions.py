"""Names of the regions that markets are cut by: country, provinces, Guangdong's cities (GB/T 2260)."""

from collections.abc import Mapping
from typing import Final

from market.listings.categories import Label

REGIONS: Final[Mapping[str, Label]] = {
    "CN": Label("全国", "Nationwide"),
    "110000": Label("北京", "Beijing"),
    "120000": Label("天津", "Tianjin"),
    "130000": Label("河北", "Hebei"),
    "140000": Label("山西", "Shanxi"),
    "150000": Label("内蒙古", "Inner Mongolia"),
    "210000": Label("辽宁", "Liaoning"),
    "220000": Label("吉林", "Jilin"),
    "230000": Label("黑龙江", "Heilongjiang"),
    "310000": Label("上海", "Shanghai"),
    "320000": Label("江苏", "Jiangsu"),
    "330000": Label("浙江", "Zhejiang"),
    "340000": Label("安徽", "Anhui"),
    "350000": Label("福建", "Fujian"),
    "360000": Label("江西", "Jiangxi"),
    "370000": Label("山东", "Shandong"),
    "410000": Label("河南", "Henan"),
    "420000": Label("湖北", "Hubei"),
    "430000": Label("湖南", "Hunan"),
    "440000": Label("广东", "Guangdong"),
    "440100": Label("广州", "Guangzhou"),
    "440200": Label("韶关", "Shaoguan"),
    "440300": Label("深圳", "Shenzhen"),
    "440400": Label("珠海", "Zhuhai"),
    "440500": Label("汕头", "Shantou"),
    "440600": Label("佛山", "Foshan"),
    "440700": Label("江门", "Jiangmen"),
    "440800": Label("湛江", "Zhanjiang"),
    "440900": Label("茂名", "Maoming"),
    "441200": Label("肇庆", "Zhaoqing"),
    "441300": Label("惠州", "Huizhou"),
    "441400": Label("梅州", "Meizhou"),
    "441500": Label("汕尾", "Shanwei"),
    "441600": Label("河源", "Heyuan"),
    "441700": Label("阳江", "Yangjiang"),
    "441800": Label("清远", "Qingyuan"),
    "441900": Label("东莞", "Dongguan"),
    "442000": Label("中山", "Zhongshan"),
    "445100": Label("潮州", "Chaozhou"),
    "445200": Label("揭阳", "Jieyang"),
    "445300": Label("云浮", "Yunfu"),
    "450000": Label("广西", "Guangxi"),
    "460000": Label("海南", "Hainan"),
    "500000": Label("重庆", "Chongqing"),
    "510000": Label("四川", "Sichuan"),
    "520000": Label("贵州", "Guizhou"),
    "530000": Label("云南", "Yunnan"),
    "540000": Label("西藏", "Tibet"),
    "610000": Label("陕西", "Shaanxi"),
    "620000": Label("甘肃", "Gansu"),
    "630000": Label("青海", "Qinghai"),
    "640000": Label("宁夏", "Ningxia"),
    "650000": Label("新疆", "Xinjiang"),
    "710000": Label("台湾", "Taiwan"),
    "810000": Label("香港", "Hong Kong"),
    "820000": Label("澳门", "Macao"),
}


def region(code: str) -> Label:
    """A region's name; the code itself where none is known."""
    return REGIONS.get(code, Label(code, code))
