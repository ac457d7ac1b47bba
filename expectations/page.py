"""The steward's quality page: one self-contained Chinese HTML file.

Belongs here: how a ``Scorecard`` looks. Everything that came from a provider passes through ``element``,
which escapes it. No script, no external asset; it prints.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from expectations.scorecard import Card, CheckLine, Provider, Scorecard

DATA_DOCS: Final = "datadocs"
"""Folder of the Data Docs, beside the page."""

_STYLE: Final = """
body{font:15px/1.6 "Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif;color:#1f2933;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.25rem;margin:2rem 0 .5rem;border-bottom:2px solid #33658a}h3{font-size:1rem;margin:0}
p{margin:.3rem 0}.note{color:#52606d}table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{border:1px solid #cbd2d9;padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f0f4f8;white-space:nowrap}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.bad{color:#b42318;font-weight:600}.good{color:#1b7f4b}section.feed{margin:1rem 0 1.5rem;padding-left:.8rem;border-left:3px solid #cbd2d9}
section.fail{border-left-color:#b42318}summary{cursor:pointer;color:#33658a}
@media print{body{margin:0;max-width:none;font-size:11px}h2,h3{break-after:avoid}tr{break-inside:avoid}a{color:inherit}}
"""


class Html(str):
    """Markup that is safe already."""

    __slots__ = ()


def element(tag: str, *content: str | Html, **attributes: str) -> Html:
    """One element; plain text and attribute values are escaped.

    Args:
        tag: Element name.
        content: Text, or ``Html`` made by this function.
        attributes: Attributes; ``class_`` stands for ``class``.
    """
    inside = "".join(part if isinstance(part, Html) else html.escape(part) for part in content)
    shown = "".join(f' {name.rstrip("_")}="{html.escape(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{shown}>{inside}</{tag}>")


def render(scorecard: Scorecard) -> str:
    """The whole page.

    Args:
        scorecard: The model.

    Returns:
        An HTML document.
    """
    span = (
        f"{scorecard.first}"
        if scorecard.first == scorecard.last
        else f"{scorecard.first} 至 {scorecard.last}"
    )
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        element("title", f"数据质量报告 {span}"),
        element("style", Html(_STYLE)),
    )
    body = element(
        "body",
        element("h1", "数据质量报告"),
        element("p", f"到达日期：{span}", class_="note"),
        element(
            "p",
            "“合格率”是符合数据合同的行所占比例；“期望通过率”是合同之外的合理性检查的通过比例，只作提示，不影响发布。",
            class_="note",
        ),
        element("p", element("a", "期望检查明细（最近一晚）", href=f"{DATA_DOCS}/index.html")),
        element("h2", "要处理"),
        _to_do(scorecard.providers),
        element("h2", "全部送达"),
        _overview(scorecard.providers),
        *(_provider(provider) for provider in scorecard.providers),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='zh-CN')}\n"


def _to_do(providers: Iterable[Provider]) -> Html:
    """What somebody must act on, worst first: files refused, feeds missing, rows held back, checks failed."""
    rows = [
        (0, provider, "文件", f"拒收或缺失 {len(provider.refused)} 个")
        for provider in providers
        if provider.refused
    ]
    for provider in providers:
        rows += [(1, provider, card.label, "未送达") for card in provider.cards if card.overdue]
        rows += [
            (2 if card.quarantined else 3, provider, card.label, _state(card))
            for card in provider.cards
            if not card.overdue and not _fine(card)
        ]
    if not rows:
        return element("p", "没有要处理的事项。", class_="good")
    lines = [
        element(
            "tr",
            element("td", element("a", provider.label, href=f"#{provider.name}")),
            element("td", subject),
            element("td", text, class_="bad" if rank < 3 else ""),
        )
        for rank, provider, subject, text in sorted(rows, key=lambda row: row[0])
    ]
    return _table(("提供方", "数据", "情况"), lines)


def _overview(providers: Iterable[Provider]) -> Html:
    """One line per provider and feed, with links to the details."""
    rows = []
    for provider in providers:
        for card in provider.cards:
            state = (
                element("td", "未送达", class_="bad")
                if card.overdue
                else element("td", _state(card), class_="bad" if card.quarantined else "")
            )
            link = element("a", provider.label, href=f"#{provider.name}")
            rows.append(element("tr", element("td", link), element("td", card.label), *_numbers(card), state))
        if not provider.cards or provider.refused:
            link = element("a", provider.label, href=f"#{provider.name}")
            text = f"拒收或缺失文件 {len(provider.refused)} 个" if provider.refused else "无送达"
            rows.append(
                element(
                    "tr",
                    element("td", link),
                    element("td", text, colspan="9", class_="bad" if provider.refused else "note"),
                )
            )
    return _table(("提供方", "数据", *_NUMBERS, "结论"), rows)


_NUMBERS: Final = ("文件", "合格", "隔离", "重复", "被取代", "合格率", "期望通过率")


def _numbers(card: Card) -> list[Html]:
    counts = (card.files, card.accepted, card.quarantined, card.duplicate, card.superseded)
    return [
        *(element("td", f"{count:,}", class_="n") for count in counts),
        element("td", _share(card.acceptance), class_="n"),
        element("td", _share(card.score), class_="n"),
    ]


def _provider(provider: Provider) -> Html:
    parts = [element("h2", provider.label, id=provider.name)]
    if provider.refused:
        rows = [
            element("tr", element("td", line.file), element("td", f"{line.arrival}"), element("td", line.why))
            for line in provider.refused
        ]
        parts += [element("h3", "拒收或缺失的文件", class_="bad"), _table(("文件", "到达日期", "原因"), rows)]
    if provider.repeated_files:
        parts.append(
            element(
                "p", f"另有 {provider.repeated_files} 个文件与以前送达的内容相同，未重复计入。", class_="note"
            )
        )
    parts += [
        _card(card) for card in provider.cards if card.overdue or card.rules or card.checks or card.files
    ]
    if len(parts) == 1:
        parts.append(element("p", "本期无送达。", class_="note"))
    return element("section", *parts)


def _card(card: Card) -> Html:
    parts = [element("h3", card.label)]
    if card.overdue:
        parts.append(element("p", "应送未送：本期没有收到任何文件，请提供方补送。", class_="bad"))
    if card.rules:
        rows = [
            element(
                "tr",
                element("td", line.field),
                element("td", line.what),
                element("td", f"{line.rows:,}", class_="n"),
                element("td", line.remedy),
            )
            for line in card.rules
        ]
        parts += [element("p", "违反最多的合同规则"), _table(("字段", "问题", "行数", "怎么办"), rows)]
    failing = [check for check in card.checks if not check.passed]
    passing = [check for check in card.checks if check.passed]
    if failing:
        parts += [element("p", "未通过的期望", class_="bad"), _checks(failing)]
    if passing:
        parts.append(
            element("details", element("summary", f"已通过的期望 {len(passing)} 项"), _checks(passing))
        )
    return element("section", *parts, class_="feed" if _fine(card) else "feed fail")


def _checks(checks: Iterable[CheckLine]) -> Html:
    rows = [
        element(
            "tr",
            element("td", check.label),
            element("td", f"{check.failed} / {check.nights}", class_="n"),
            element("td", f"{check.unexpected:,} / {check.checked:,}", class_="n"),
            element("td", check.observed),
        )
        for check in checks
    ]
    return _table(("期望", "未通过晚数", "不符 / 检查", "观察到的值（举例）"), rows)


def _table(titles: Iterable[str], rows: Iterable[Html]) -> Html:
    head = element("tr", *(element("th", title) for title in titles))
    return element("table", element("thead", head), element("tbody", *rows))


def _fine(card: Card) -> bool:
    return not (card.overdue or card.quarantined) and all(check.passed for check in card.checks)


def _state(card: Card) -> str:
    failing = sum(not check.passed for check in card.checks)
    remarks = [f"隔离 {card.quarantined:,} 行"] if card.quarantined else []
    remarks += [f"{failing} 项期望未通过"] if failing else []
    return "；".join(remarks) or "正常"


def _share(value: Decimal | None) -> str:
    return "—" if value is None else f"{value}%"
