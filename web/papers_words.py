"""The words of a contract on paper, in both languages. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from base.money import yuan
from market.listings.categories import Label
from market.listings.plans import PLAN_LABELS, plan_from, rows_of, yuan_rate

LANGUAGES: Final = ("zh", "en")

WORDS: Final[Mapping[str, Label]] = {
    "contract": Label("数据交易合同", "Data trade contract"),
    "terms": Label("条款表", "Terms Sheet"),
    "duties": Label(
        "数据主体、数据控制方、数据使用方的权利与义务",
        "Rights and duties of data subject, controller and user",
    ),
    "SUBJECT": Label("数据主体", "Data subject"),
    "CONTROLLER": Label("数据控制方", "Controller"),
    "ENTRUSTING": Label("委托方", "Entrusting party"),
    "ENTRUSTED": Label("受托方", "Entrusted party"),
    "USER": Label("数据使用方", "User"),
    "signatures": Label("电子签名", "Electronic signatures"),
    "annex": Label("附件", "Annex"),
    "concluded": Label(
        "本合同已由各方签署。扫描二维码可在交易场所核对其账本记录与收据。",
        "All parties have signed. The code leads to the contract's entry in the ledger and its receipt.",
    ),
    "pending": Label(
        "尚未由各方签署完毕，不发生效力。", "Not all parties have signed: this contract is not concluded."
    ),
    "print_note": Label(
        "本纸面由所签署的文件生成；以摘要所指的文件为准。",
        "Drawn from the document that was signed. The document of this digest is what binds.",
    ),
    "digest": Label("合同文件摘要", "Digest of the document"),
    "page": Label("第 {page} 页，共 {pages} 页", "Page {page} of {pages}"),
    "trade_id": Label("合同编号", "Contract"),
    "model": Label("示范条款", "Model clauses"),
    "model_named": Label("{label}，第 {version} 版", "{label}, version {version}"),
    "dated_at": Label("订立文本日期", "Dated"),
    "parties": Label("当事人", "Parties"),
    "PROVIDER": Label("供方", "Provider"),
    "BUYER": Label("需方", "Buyer"),
    "BROKER": Label("经纪方", "Broker"),
    "goods": Label("标的", "Goods"),
    "product_type": Label("产品类型", "Type"),
    "file": Label("文件", "File"),
    "bytes": Label("{bytes} 字节", "{bytes} bytes"),
    "quality_report_sha256": Label("质量报告摘要", "Quality report"),
    "quantity": Label("数量", "Quantity"),
    "price": Label("含税总价", "Whole price"),
    "price_plan": Label("价格方案", "Price plan"),
    "vat": Label("其中增值税", "of it VAT"),
    "commission": Label("其中经纪佣金", "of it commission"),
    "platform_fee": Label("其中平台服务费", "of it platform fee"),
    "seller_receives": Label("供方所得", "The Provider receives"),
    "quote": Label("报价依据", "Quote"),
    "fund_within": Label("付款期限", "Time to pay"),
    "fund_within_wd": Label("合同成立后 {days} 个工作日内", "{days} working days after conclusion"),
    "late_payment": Label("逾期付款", "Late payment"),
    "late_payment_said": Label("每日按应付未付金额的 {rate}", "{rate} a day of the sum that is unpaid"),
    "licence": Label("许可类别", "Licence"),
    "purposes": Label("许可用途", "Purposes"),
    "purpose": Label("用途说明", "Purpose in words"),
    "scenario": Label("使用场景", "Scenario of use"),
    "territory": Label("地域", "Territory"),
    "term": Label("许可期限", "Term"),
    "term_months": Label(
        "自交付开通之日起 {months} 个月", "{months} months from the opening of the delivery"
    ),
    "recipients": Label("其他接收方", "Other recipients"),
    "none": Label("无", "none"),
    "derivatives": Label("衍生产品", "Derived products"),
    "resale": Label("转售与转许可", "Resale, sub-licence"),
    "allowed": Label("允许", "allowed"),
    "forbidden": Label("禁止", "forbidden"),
    "count": Label("使用次数", "Uses"),
    "count_said": Label("最多 {count} 次完整取用", "at most {count} in full"),
    "delete": Label("删除义务", "Duty to delete"),
    "delete_within_wd": Label(
        "许可终止后 {days} 个工作日内销毁并提交证明",
        "within {days} working days after the licence's end, with proof",
    ),
    "policy": Label("使用策略（ODRL）摘要", "Usage policy (ODRL)"),
    "delivery": Label("交付方式与期限", "Delivery"),
    "delivery_within_wd": Label(
        "{mode}；付款后 {days} 个工作日内", "{mode}; within {days} working days after funding"
    ),
    "marking": Label("需方副本带溯源标记的列", "Columns in which the buyer's copy is marked"),
    "acceptance": Label("验收方法", "Acceptance test"),
    "bounds": Label("验收指标", "Bounds of the acceptance"),
    "window": Label("验收期", "Acceptance window"),
    "window_wd": Label(
        "交付后 {days} 个工作日，期满未提异议视为合格",
        "{days} working days after delivery; silence accepts at its end",
    ),
    "dispute": Label("争议调解", "Mediation"),
    "dispute_wd": Label("{days} 个工作日内", "within {days} working days"),
    "annex_named": Label("附件（委托书 {mandate}）", "Annex (mandate {mandate})"),
    "signed_at": Label("签署时间 {at}", "signed {at}"),
    "unsigned": Label("尚未签署", "not signed yet"),
    "envelope": Label("签名封装摘要", "envelope"),
}

MODES: Final[Mapping[str, Label]] = {
    "download": Label("经交易场所加密存储并下载", "download through the Exchange, stored encrypted"),
    "credential": Label("开通凭证与调用配额", "credential and quota"),
    "milestone": Label("按里程碑交付", "milestones"),
    "sandbox": Label("隔离环境运算，仅交付结果", "computation in isolation, the result alone"),
    "lease": Label("算力租用", "lease of computing power"),
    "verification": Label("凭证核验", "verification"),
}

TESTS: Final[Mapping[str, Label]] = {
    "digest": Label("核对文件摘要", "digest"),
    "schema": Label("核对结构", "schema"),
    "rows": Label("核对行数", "number of rows"),
    "quality": Label("重测质量", "quality measured again"),
    "calls": Label("成功调用次数", "successful calls"),
    "latency": Label("响应时延与服务水平", "latency and service level"),
    "availability": Label("可用率", "availability"),
    "contents": Label("内容范围清单", "list of contents"),
    "milestone": Label("里程碑签收", "milestone sign-off"),
    "test-set": Label("在测试集上运行", "run on the test set"),
    "task-receipt": Label("任务回执", "task receipt"),
    "result-digest": Label("结果摘要", "digest of the result"),
    "budget": Label("隐私预算消耗", "privacy budget spent"),
    "card-hours": Label("实际卡时", "card-hours delivered"),
    "signature": Label("核验签名", "valid signature"),
}

BOUNDS: Final[Mapping[str, Label]] = {
    "successful_calls": Label("成功调用不少于 {bound} 次", "at least {bound} successful calls"),
    "latency_p95_ms": Label(
        "第 95 百分位时延不超过 {bound} 毫秒", "95th percentile of the latency at most {bound} ms"
    ),
    "available_bp": Label("可用率不低于 {bound} %", "at least {bound} % of the calls answered"),
    "measured_days": Label("调用测量期不少于 {bound} 天", "calls made over at least {bound} days"),
    "test_set_sha256": Label("测试集 SHA-256 {bound}", "test set SHA-256 {bound}"),
    "test_result_sha256": Label("测试结果 SHA-256 {bound}", "result of the test SHA-256 {bound}"),
    "score_micro": Label("测试集指标不低于 {bound}", "score on the test set at least {bound}"),
    "tasks": Label("完成任务不少于 {bound} 个，各有回执", "at least {bound} tasks, each with its receipt"),
    "spent_micro": Label("隐私预算 ε 消耗不超过 {bound}", "at most {bound} of epsilon spent"),
    "took_days": Label("交付后 {bound} 天内全部提供", "all of it there within {bound} days"),
    "card_hours_milli": Label("实际卡时不少于 {bound}", "at least {bound} card-hours"),
}
_SCALES: Final[Mapping[str, int]] = {"_bp": 2, "_milli": 3, "_micro": 6}


def bounds_said(bounds: Mapping[str, int | str], language: str) -> list[str]:
    """Each bound of an acceptance in words, in the order of the table; one without words as it stands."""
    known = [name for name in BOUNDS if name in bounds]
    others = [f"{name}: {bounds[name]}" for name in sorted(bounds.keys() - BOUNDS.keys())]
    return [
        *(said(BOUNDS[name], language).format(bound=_scaled(name, bounds[name])) for name in known),
        *others,
    ]


def plan_said(document: Mapping[str, Any], unit: str, language: str) -> str:
    """The price plan that made a contract's price, a line for each of its terms."""
    plan = plan_from(document)
    lines = [said(PLAN_LABELS[plan.method], language)]
    for first, last, rate in rows_of(plan):
        until = "" if last is None else f"{last:,}"
        lines.append(f"{first:,}–{until}: {yuan_rate(rate)} / {unit}")
    if "rate_minor" in plan.terms:
        lines.append(f"{yuan_rate(str(plan.terms['rate_minor']))} / {unit}")
    for name, sign in (("fee_minor", ""), ("commit_minor", "≥ "), ("cap_minor", "≤ ")):
        if name in plan.terms:
            lines.append(f"{sign}¥{yuan(plan.terms[name])}")
    return "\n".join(lines)


def _scaled(name: str, bound: int | str) -> str:
    """A whole number of hundredths, thousandths or millionths as a decimal; others as they are."""
    places = next((places for suffix, places in _SCALES.items() if name.endswith(suffix)), 0)
    if isinstance(bound, str) or places == 0:
        return str(bound)
    whole, rest = divmod(bound, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")


def word(name: str, language: str, **parts: object) -> str:
    """One of these words; its parts put in."""
    return said(WORDS[name], language).format(**parts)


def said(label: Label, language: str) -> str:
    """A label in one language."""
    return label.zh if language == "zh" else label.en
