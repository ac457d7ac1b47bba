"""Sentences of a bulletin, clause by clause: names with their prices, then how they changed.

Belongs here: what a price, a change and a figure of the week before look like, what a clause leaves out
because the one before it says it, and typing errors that leave one reading only. Does not belong here:
names (``bulletin_names``), whether lists count out (``bulletin_pairs``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ingest import bulletin_names, bulletin_pairs
from ingest.bulletin_names import AND, VERSUS
from ingest.bulletin_pairs import Block, Change, Moves, Quote, Unpaired

_NUM: Final = r"\d+(?:\.\d+)?"
_UNIT: Final = r"公斤|千克|kg|斤|500克|公升|升|L|个|枚|桶|袋|盒|瓶"
PRICES: Final = re.compile(
    rf"(?P<list>{_NUM}(?:(?:元/(?:{_UNIT}))?{AND}{_NUM}(?![\d.%年月日种吨头]))*)元/(?P<unit>{_UNIT})"
    rf"|每(?P<unit2>{_UNIT})(?P<one>{_NUM})元"
)
_UP: Final = "上涨|上升|上扬|增长|提高|涨"
_DOWN: Final = "下降|下跌|回落|下滑|降低|降|跌"
_FLAT: Final = "持平|相等"
_ITEM: Final = rf"(?:(?:小幅|大幅|略微|略|微|涨幅|降幅)?(?:{_UP}|{_DOWN})(?:了|约|为)?)?{_NUM}(?![\d.元年月日种吨头])%?|{_FLAT}"
_CHANGE: Final = re.compile(
    rf"(?P<how>分别|(?<!平)均|各|都)?(?:{VERSUS})?(?=(?:小幅|大幅|略微|略|微)?(?:{_UP}|{_DOWN}|{_FLAT}))(?P<list>(?:{_ITEM})(?:{AND}*(?:{_ITEM}))*)"
)
_ONE_CHANGE: Final = re.compile(rf"(?P<up>{_UP})|(?P<down>{_DOWN})|(?P<flat>{_FLAT})|(?P<number>{_NUM})")
_BETWEEN: Final = re.compile(rf"[,、]*(?:{VERSUS}[,、]*)*")
_VERSUS_LAST: Final = re.compile(rf"[,、]*(?:{VERSUS}[,、]*)*$")
_YEAR_AGO: Final = re.compile(r"(?:同比|[较比与](?:去年|上年)同期(?:相比)?)[,、]*$")
_WEEK_AGO: Final = re.compile(
    r"[,、]*(?:[上前]一?周|上期|前一日|昨日|前日)的?(?:均价|价格|价)?(?:分别)?(?:为|是|约)?"
)
_KINDS: Final = ("批发", "零售")
_PRICED_BRACKET: Final = re.compile(r"\(([^()]*元/[^()]*)\)")
_HEADING: Final = re.compile(r"^[一二三四五六七八九十]+[、.]")
_POINTS: Final = re.compile(r"样本点(?P<place>.{2,40}?)的?(?:监测|数据|均价|显示)")


def read(content: str) -> list[Quote | Unpaired]:
    """Every quote of a bulletin and every list of it that is refused.

    Args:
        content: Text with half-width signs and no blanks.
    """
    said: set[str] = set()
    for one in _Reader(bulletin_names.KNOWN_NAMES).read(content):
        if isinstance(one, Quote):
            said.add(one.name)
        elif isinstance(one, Moves) and one.paired()[1] is None:
            said.update(named.name for named in one.named if bulletin_names.is_name(named.name))
    return bulletin_pairs.told(list(_Reader(bulletin_names.learned(said)).read(content)))


@dataclass
class _Reader:
    """Reads a text with names that are known.

    Attributes:
        known: The names.
        subject: What a clause is about that names nothing: the only item of the clause before it.
    """

    known: frozenset[str]
    subject: Quote | None = None

    def read(self, content: str) -> Iterator[Quote | Unpaired | Moves]:
        heading = lead_in = ""
        for line in self._mended(content).split("\n"):
            if _HEADING.match(line):
                heading, lead_in = line, ""
            place: str | None = None
            for sentence in _HEADING.sub("", line).split("。"):
                points = _POINTS.search(sentence)
                place = points["place"] if points else place
                yield from self._sentence(sentence, place, (lead_in, heading))
            # "各品种零售价格如下：" governs the lines after it.
            if line.endswith(":"):
                lead_in = line.split("。")[-1]

    def _mended(self, content: str) -> str:
        """The text with wholesale prices whose words were turned round ("猪肉价格批。23.4元/公斤") put right."""
        names = "|".join(map(re.escape, sorted(self.known)))
        return re.sub(rf"(?<=[、,。;:\n])({names})价格批。(?={_NUM}元/)", r"\1批发价格", content)

    def _sentence(
        self, sentence: str, place: str | None, before: tuple[str, str]
    ) -> Iterator[Quote | Unpaired | Moves]:
        """What a sentence says; ``;`` and brackets part what belongs together."""
        container = ""
        self.subject = outside = None
        for part, inside in _parts(sentence):
            if not inside:
                self.subject = outside
            contexts = (container, part, *before) if inside else (part, *before)
            for found in self._part(part, place, contexts):
                if isinstance(found, Quote) and not inside:
                    container = found.kind or ""
                yield found
            if not inside:
                outside = self.subject

    def _part(
        self, part: str, place: str | None, contexts: tuple[str, ...]
    ) -> Iterator[Quote | Unpaired | Moves]:
        """Prices up to the next ones after a change form a block; the change says how each moved."""
        block = Block(0, 0)
        position = 0
        clause: list[Quote] = []
        tokens = [*PRICES.finditer(part), *_CHANGE.finditer(part)]
        for token in sorted(tokens, key=lambda found: found.start()):
            if token.start() < position:
                continue
            label = part[position : token.start()]
            position = token.end()
            waits = bool(block.quotes or block.doubt)
            if token.re is _CHANGE:
                change = Change(token["how"], _values(token["list"]))
                if waits and block.change is None and _BETWEEN.fullmatch(label):
                    block.change, block.end = change, position
                    self.subject = None if block.doubt else _only(block.quotes)
                    continue
                yield from block.settled(part, place)
                block = Block(position, position)
                yield from self._moves(label, change, token.group(), place)
            elif waits and block.before is None and _WEEK_AGO.fullmatch(label):
                block.before, block.end = _prices(token), position
            else:
                if block.change or block.before:
                    yield from block.settled(part, place)
                    block = Block(block.end, position)
                quotes, doubt = self._quotes(label, token, place, contexts)
                clause = quotes if label.startswith(",") else [*clause, *quotes]
                self.subject = None if doubt else _only(clause)
                block.quotes += quotes
                block.doubt, block.end = block.doubt or doubt, position
        yield from block.settled(part, place)
        if part and not position:  # a clause without figures is about something else
            self.subject = None

    def _moves(self, label: str, change: Change, said: str, place: str | None) -> Iterator[Moves]:
        """``A、B价格分别上涨 1%、2%``: a list of foods without prices; of anything else, nothing."""
        if _YEAR_AGO.search(label):
            return
        listed = bulletin_names.words(_VERSUS_LAST.sub("", label))
        if listed:
            self.subject = None
        named = bulletin_names.named(listed, self.known)
        if "价" in listed or any(one.name in self.known for one in named):
            yield Moves(named, change, f"{bulletin_names.words(label)}{said}", place)

    def _quotes(
        self, label: str, token: re.Match[str], place: str | None, contexts: tuple[str, ...]
    ) -> tuple[list[Quote], str | None]:
        """The quotes of one price or list of prices after its label, and why they are in doubt."""
        prices, unit = _prices(token)
        words = bulletin_names.words(label)
        named = bulletin_names.named(words, self.known)
        if len(named) != len(prices):
            return [], f"{len(named)} 个品名对 {len(prices)} 个价格"
        subject = self.subject if words == label.strip(",、") else None
        found: list[Quote] = []
        for one, price in zip(named, prices, strict=True):
            kind = one.kind or _kind_of(contexts)
            # Left out is a name only before another price of the same thing: wholesale, then retail.
            goes_on = subject is not None and one.priced and kind not in (None, subject.kind)
            name = subject.name if subject is not None and goes_on and not one.name else one.name
            if not bulletin_names.is_name(name):
                return found, f"“{words[-20:]}”不是品名"
            subject = Quote(name, kind, price, unit, place)
            found.append(subject)
        return found, None


def _only(quotes: list[Quote]) -> Quote | None:
    """The last quote, if all are of one item."""
    return quotes[-1] if len({one.name for one in quotes}) == 1 else None


def _parts(sentence: str) -> Iterator[tuple[str, bool]]:
    """Pieces between ``;``, and whether they stand in brackets that hold prices."""
    position = 0
    for bracket in _PRICED_BRACKET.finditer(sentence):
        yield from ((piece, False) for piece in sentence[position : bracket.start()].split(";"))
        yield from ((piece, True) for piece in bracket.group(1).split(";"))
        position = bracket.end()
    yield from ((piece, False) for piece in sentence[position:].split(";"))


def _prices(token: re.Match[str]) -> tuple[list[str], str]:
    """Digits of one price or a list of prices, and their unit."""
    digits = re.findall(_NUM, token["one"] or re.sub(rf"元/(?:{_UNIT})", "", token["list"]))
    return digits, token["unit"] or token["unit2"]


def _values(changes: str) -> list[str]:
    """Signed percentages of a list; a direction holds until another is named."""
    sign = ""
    values = []
    for found in _ONE_CHANGE.finditer(changes):
        if found["flat"]:
            values.append("0")
        elif found["number"]:
            values.append(f"{sign}{found['number']}")
        else:
            sign = "-" if found["down"] else ""
    return values


def _kind_of(contexts: tuple[str, ...]) -> str | None:
    """Wholesale or retail by the nearest text that names exactly one of them."""
    for context in contexts:
        kinds = [kind for kind in _KINDS if kind in context]
        if kinds:
            return kinds[0] if len(kinds) == 1 else None
    return None
