"""What belongs together in a bulletin: prices with their changes, or one refusal of what does not count out.

Belongs here: quotes, changes and the figures of the week before, paired by number or refused whole with
what was seen. Does not belong here: finding them in sentences (``bulletin_clauses``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from ingest.bulletin_names import Named

_SEEN: Final = 300
_ALL: Final = ("均", "各", "都")
_COARSEST: Final = Decimal("0.05")  # yuan: "20" is 20.0, not anything from 19.5 on


@dataclass(frozen=True)
class Quote:
    """One price as a sentence gives it.

    Attributes:
        name: Item.
        kind: ``批发`` or ``零售``; ``None`` when the text does not say.
        price: Digits as written.
        unit: Unit as written.
        place: Sample point, ``None`` for the city.
        change: Change on the week or day before in percent, ``None`` when not said.
    """

    name: str
    kind: str | None
    price: str
    unit: str
    place: str | None
    change: str | None = None


@dataclass(frozen=True)
class Unpaired:
    """A list that does not count out.

    Attributes:
        seen: What stands there and why it is not taken.
        place: Sample point, ``None`` for the city.
    """

    seen: str
    place: str | None


@dataclass(frozen=True)
class Change:
    """How several prices, or one, moved.

    Attributes:
        how: ``分别``, a word for "all of them", or ``None``.
        values: Signed percentages.
    """

    how: str | None
    values: list[str]

    def among(self, count: int, things: str) -> tuple[list[str], str | None]:
        """One percentage for each of ``count`` things, and why that is in doubt."""
        if self.how in _ALL and len(self.values) == 1:
            return self.values * count, None
        if self.how is None and len(self.values) == 1 < count:
            return [], f"{count} 个{things}只有 1 个涨跌幅，不知属于哪一个"
        if self.how in _ALL or len(self.values) != count:
            return [], f"{count} 个{things}对 {len(self.values)} 个涨跌幅"
        return self.values, None


@dataclass(frozen=True)
class Moves:
    """Changes of items whose prices stand elsewhere in the bulletin.

    Attributes:
        named: Items with wholesale or retail where said.
        change: How they moved.
        seen: The text.
        place: Sample point, ``None`` for the city.
    """

    named: list[Named]
    change: Change
    seen: str
    place: str | None

    def paired(self) -> tuple[list[str], str | None]:
        """One percentage for each name, and why that is in doubt.

        "A和B价格与上周持平" says so of both; "A和B价格上涨1%" does not.
        """
        change = self.change
        if change.how is None and change.values == ["0"]:
            change = Change(_ALL[0], change.values)
        return change.among(len(self.named), "品名")


@dataclass
class Block:
    """Quotes in a row, with their changes and their prices of the week before where these were said.

    Attributes:
        start: Where it starts in the text.
        end: Where it ends.
        quotes: The prices.
        doubt: Why they are not taken.
        change: How they moved.
        before: Prices of the week before, with their unit.
    """

    start: int
    end: int
    quotes: list[Quote] = field(default_factory=list)
    doubt: str | None = None
    change: Change | None = None
    before: tuple[list[str], str] | None = None

    def settled(self, text: str, place: str | None) -> Iterator[Quote | Unpaired]:
        """The quotes with their changes, or one refusal of them all."""
        changes: list[str] = []
        doubt = self.doubt
        if doubt is None and self.change:
            changes, doubt = self.change.among(len(self.quotes), "价格")
        if doubt is None and self.before:
            doubt = self._contradiction(changes, *self.before)
        if doubt is not None:
            yield Unpaired(f"{text[self.start : self.end][:_SEEN]}（{doubt}）", place)
        elif changes:
            yield from (replace(one, change=told) for one, told in zip(self.quotes, changes, strict=True))
        else:
            yield from self.quotes

    def _contradiction(self, changes: list[str], before: list[str], unit: str) -> str | None:
        """Where the prices of the week before do not fit the prices and changes of this one."""
        if len(before) != len(self.quotes):
            return f"{len(self.quotes)} 个价格对 {len(before)} 个上周价格"
        if any(quote.unit != unit for quote in self.quotes):
            return "上周价格的单位不同"
        for quote, earlier, change in zip(self.quotes, before, changes, strict=False):
            if not _fits(Decimal(quote.price), Decimal(earlier), Decimal(change)):
                return f"上周 {earlier}、本周 {quote.price} 与涨跌幅 {change}% 不符"
        return None


def _fits(price: Decimal, before: Decimal, change: Decimal) -> bool:
    """Whether a change may be the one between two prices, each rounded as finely as the finer is printed."""
    half = min(_half(price), _half(before), _COARSEST)
    low = (before - half) * (1 + (change - _half(change)) / 100)
    high = (before + half) * (1 + (change + _half(change)) / 100)
    return low <= price + half and price - half <= high


def _half(value: Decimal) -> Decimal:
    """Half of the last printed digit."""
    return Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)


def told(read: list[Quote | Unpaired | Moves]) -> list[Quote | Unpaired]:
    """Quotes and refusals, with each list of changes given to the quotes that it names."""
    found = [one for one in read if not isinstance(one, Moves)]
    for moves in read:
        if isinstance(moves, Moves):
            changes, doubt = _given(found, moves)
            for number, quote in changes.items():
                found[number] = quote
            if doubt is not None:
                found.append(Unpaired(f"{moves.seen[:_SEEN]}（{doubt}）", moves.place))
    return found


def _given(found: list[Quote | Unpaired], moves: Moves) -> tuple[dict[int, Quote], str | None]:
    """The quotes that a list of changes is about, changed, by where they stand; or why it is refused whole."""
    values, doubt = moves.paired()
    if doubt is not None:
        return {}, doubt
    changed: dict[int, Quote] = {}
    for named, value in zip(moves.named, values, strict=True):
        fits = {
            number: one
            for number, one in enumerate(found)
            if isinstance(one, Quote)
            and (one.name, one.place) == (named.name, moves.place)
            and named.kind in (None, one.kind)
        }
        if len(fits) != 1:
            why = "有几个价格，不知属于哪一个" if fits else "没有对应的价格"
            return {}, f"“{named.name}”{why}"
        ((number, quote),) = fits.items()
        if number in changed or (quote.change is not None and Decimal(quote.change) != Decimal(value)):
            return {}, f"“{named.name}”另有涨跌幅"
        changed[number] = replace(quote, change=value)
    return changed, None
