"""The report as one HTML page that needs nothing else: tables, and SVG bars beside them. Printable."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from base.money import yuan
from supervision.finding import Words
from supervision.statistics.sheets import Kind, Table, Value, Withheld

_BARS: Final = 15
_ROW: Final = 22
_LABEL: Final = 220
_WIDTH: Final = 720
_STYLE: Final = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;max-width:60rem;
padding:0 1rem;color:#111;background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;font-weight:600}
th,td{border-bottom:1px solid #bbb;padding:.25rem .5rem;text-align:left}td.n,th.n{text-align:right;
font-variant-numeric:tabular-nums}.bad{color:#8a0000;font-weight:600}svg{max-width:100%;height:auto}
section{break-inside:auto}tr{break-inside:avoid}@media print{body{margin:0;max-width:none}}
"""
_SAID: Final = {
    "title": Words("数据要素市场统计月报", "Monthly statistics of the data market"),
    "regulator": Words("监管版（含全部数据，注意保密）", "Regulator's edition: all figures, confidential"),
    "public": Words("公开版", "Public edition"),
    "withheld": Words("（保密）", "withheld"),
    "secrecy": Words(
        "“（保密）”：涉及单位不足三个，或一个单位占比超过85%，或为防止推算而一并隐去（统计法）。",
        "“Withheld”: fewer than three units stand behind a figure, or one has more than 85 % of it, "
        "or it would let such a one be computed (Statistics Law).",
    ),
    "ties": Words("勾稽核对", "Tie-out"),
    "hold": Words("项核对全部一致", "comparisons, all of them hold"),
    "fail": Words("项核对不一致", "comparisons do not hold"),
    "what": Words("核对项", "Comparison"),
    "here": Words("本表", "Here"),
    "there": Words("对方", "There"),
    "without": Words("缺少的表", "Tables that were not there"),
    "nothing": Words("无", "Nothing"),
    "bars": Words("条形图，数据见下表", "Bars; the figures are in the table below"),
}


def page(head: dict[str, Any], tables: Sequence[Table], language: str) -> str:
    """The whole report in `zh` or `en`. `head` is what `report.document` says beside the tables."""
    zh = language == "zh"

    def say(words: Words) -> str:
        return escape(words.zh if zh else words.en)

    title = f"{say(_SAID['title'])} {escape(head['month'])}"
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if zh else "en"}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>",
        f"<p>{say(_SAID[head['edition']])}</p>",
    ]
    if head["edition"] == "public":
        parts.append(f"<p>{say(_SAID['secrecy'])}</p>")
    if head["without"]:
        parts.append(f"<p>{say(_SAID['without'])}: {escape(', '.join(head['without']))}</p>")
    for table in tables:
        parts.append(f'<section><h2 id="{table.name}">{say(table.words)}</h2>')
        if table.note:
            parts.append(f"<p>{say(table.note)}</p>")
        parts += [_bars(table, zh=zh), _table(table, zh=zh), "</section>"]
    parts += [_ties(head, zh=zh), "</main></body></html>\n"]
    return "".join(parts)


def _ties(head: dict[str, Any], *, zh: bool) -> str:
    def say(name: str) -> str:
        return escape(_SAID[name].zh if zh else _SAID[name].en)

    made, failed = head["ties"], head["ties_failed"]
    said = f'<section><h2 id="ties">{say("ties")}</h2>'
    if not failed:
        return f"{said}<p>{made} {say('hold')}</p></section>"
    rows = "".join(
        f'<tr><td>{escape(one["name"])}</td><td class="n">{escape(one["here"])}</td>'
        f'<td class="n">{escape(one["there"])}</td></tr>'
        for one in failed
    )
    heads = f'<th scope="col">{say("what")}</th>'
    heads += "".join(f'<th scope="col" class="n">{say(name)}</th>' for name in ("here", "there"))
    return (
        f'{said}<p class="bad">{len(failed)} {say("fail")}</p>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def shown(value: Value, kind: Kind, *, zh: bool) -> str:
    """A cell as people read it: fen as yuan."""
    if value is None:
        return ""
    if isinstance(value, Withheld):
        return _SAID["withheld"].zh if zh else _SAID["withheld"].en
    if isinstance(value, Words):
        return value.zh if zh else value.en
    if isinstance(value, int):
        return f"¥{yuan(value)}" if kind is Kind.FEN else f"{value:,}"
    return value


def _table(table: Table, *, zh: bool) -> str:
    if not table.rows:
        return f"<p>{escape(_SAID['nothing'].zh if zh else _SAID['nothing'].en)}</p>"
    right = [
        ' class="n"' if column.kind in {Kind.COUNT, Kind.FEN, Kind.NUMBER} else "" for column in table.columns
    ]
    head = "".join(
        f'<th scope="col"{side}>{escape(column.words.zh if zh else column.words.en)}</th>'
        for column, side in zip(table.columns, right, strict=True)
    )
    rows = []
    for row in table.rows:
        cells = zip(row, table.columns, right, strict=True)
        told = (f"<td{side}>{escape(shown(value, c.kind, zh=zh))}</td>" for value, c, side in cells)
        rows.append(f"<tr>{''.join(told)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _bars(table: Table, *, zh: bool) -> str:
    """Bars of the drawn column, the longest first; what is withheld has none."""
    place = next((n for n, column in enumerate(table.columns) if column.name == table.drawn), None)
    if place is None:
        return ""
    found = [(row, value) for row in table.rows if isinstance(value := row[place], int) and value > 0]
    found = sorted(found, key=lambda item: (-item[1], str(item[0][0])))[:_BARS]
    if not found:
        return ""
    most, room = found[0][1], _WIDTH - _LABEL - 150
    title, about = (table.words.zh, _SAID["bars"].zh) if zh else (table.words.en, _SAID["bars"].en)
    drawn = []
    for n, (row, value) in enumerate(found):
        label = next((one for one in row if isinstance(one, Words)), Words("", ""))
        y, length = n * _ROW, max(value * room // most, 1)
        name, told = shown(label, Kind.CODE, zh=zh), shown(value, table.columns[place].kind, zh=zh)
        drawn.append(
            f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(name[:28])}</text>'
            f'<rect x="{_LABEL}" y="{y + 3}" width="{length}" height="{_ROW - 7}" fill="#1f5fa8"/>'
            f'<text x="{_LABEL + length + 6}" y="{y + 15}">{escape(told)}</text>'
        )
    height = len(found) * _ROW + 4
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" font-size="13" '
        f'aria-labelledby="svg-{table.name}-t svg-{table.name}-d">'
        f'<title id="svg-{table.name}-t">{escape(title)}</title>'
        f'<desc id="svg-{table.name}-d">{escape(about)}</desc>{"".join(drawn)}</svg>'
    )
