"""What speaks for two events being one transaction: numbers, parties, kinds and words.

Belongs here: weighing pairs of events. Does not belong here: finding pairs (``candidates``), spelling
(``names``) and choosing (``links``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.reconcile import names
from pipelines.reconcile.candidates import WINDOW

_REF: Final = 4.0
_WHO: Final = 2.0
_KIND: Final = 1.0
_TEXT: Final = 3.0
_OFTEN: Final = 3
_UNKNOWN: Final = 0.4
"""What an unknown party is worth: nearer to the same than to another, so that silence alone decides nothing."""
MARGIN: Final = 1.5
"""How much more must speak for a pair than for any other that it could be confused with."""


@dataclass(frozen=True)
class Evidence:
    """What the events say.

    Attributes:
        events: Prepared events.
        other_names: Pairs of parties that look different and may be one: ``canteen``, ``a``, ``b``.
    """

    events: pl.DataFrame
    other_names: pl.DataFrame

    @classmethod
    def of(cls, events: pl.DataFrame) -> Evidence:
        """Before anything is learned."""
        return cls(events, pl.DataFrame(schema={"canteen": pl.Int64, "a": pl.String, "b": pl.String}))

    def weighed(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Pairs with what speaks for them.

        Pairs that are not ``open`` are looked at less closely: only numbers and parties are compared.

        Args:
            pairs: ``l``, ``r`` (rows), ``lag``, ``open`` and others.

        Returns:
            The pairs with ``ref``, ``who``, ``kind``, ``text`` (see ``names``) and ``score``, their weighted sum.
        """
        pairs = pairs.with_columns(self.numbers(pairs))
        compared = pairs.select("l", "r", "open").filter(pl.col("open") | (pairs["lag"] <= WINDOW))
        close = compared.filter("open").drop("open")
        for judged in (self._parties(compared.drop("open")), self._words(close)):
            pairs = pairs.join(judged, on=["l", "r"], how="left", maintain_order="left")
        return self.renamed(pairs.with_columns(pl.col("kind", "who", "text").fill_null(0.0)))

    def compared(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Pairs with ``ref``, ``who``, ``kind`` and ``text`` and no score; the two may be of one flow.

        Args:
            pairs: ``l``, ``r`` and others, each pair once.
        """
        pairs = pairs.with_columns(self.numbers(pairs))
        ends = pairs.select("l", "r")
        for judged in (self._parties(ends), self._words(ends)):
            pairs = pairs.join(judged, on=["l", "r"], how="left", maintain_order="left")
        return pairs

    def learned(self, pairs: pl.DataFrame) -> Evidence:
        """The same, knowing the other names of parties.

        A payment channel or a supplier's owner goes by another name in every flow: such names stand together
        on several amounts that leave no choice. Two strangers with one amount by chance do not meet again; masked
        persons may, so they are left out. What is learned of a canteen rests on its own events, so that its
        result is the same whichever others are compared with it.

        Args:
            pairs: From ``weighed``.
        """
        strangers = pairs.filter(pl.col("who") < 0, ~pl.col("open"), pl.col("lag") <= WINDOW)
        named = strangers.select(
            "block",
            canteen=self.events["canteen"][strangers["l"]],
            a=self.events["party_key"][strangers["l"]],
            b=self.events["party_key"][strangers["r"]],
        )
        persons = pl.any_horizontal(pl.col("a", "b").str.contains("*", literal=True))
        often = named.filter(~persons).group_by("canteen", "a", "b").agg(amounts=pl.col("block").n_unique())
        known = often.filter(pl.col("amounts") >= _OFTEN).select("canteen", "a", "b")
        return Evidence(self.events, pl.concat([known, known.select("canteen", a="b", b="a")]).unique())

    def renamed(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Weighed pairs in which parties that may be one under other names count as unknown; with ``score``."""
        return pairs.with_columns(self._allowing_other_names(pairs)).with_columns(
            score=_REF * pl.col("ref")
            + _WHO * pl.col("who")
            + _KIND * pl.col("kind")
            + _TEXT * pl.col("text")
        )

    def identified(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Pairs with ``ref`` and ``who`` alone, other names counting as unknown.

        Args:
            pairs: ``l``, ``r`` and others, each pair once.
        """
        pairs = self._parties(pairs.with_columns(self.numbers(pairs)))
        return pairs.with_columns(self._allowing_other_names(pairs))

    def _allowing_other_names(self, pairs: pl.DataFrame) -> pl.Series:
        party = {side: self.events["party_key"][pairs[row]] for side, row in (("a", "l"), ("b", "r"))}
        other = self.other_names.with_columns(other=pl.lit(True))
        mine = pairs.select("who", canteen=self.events["canteen"][pairs["l"]], **party)
        known = mine.join(other, on=["canteen", "a", "b"], how="left", maintain_order="left")
        unknown = pl.col("other").is_not_null() & (pl.col("who") < 0)
        return known.select(who=pl.when(unknown).then(0.0).otherwise("who"))["who"]

    def _side(self, rows: pl.Series, *columns: str) -> list[pl.Series]:
        return self.events.select(columns)[rows].get_columns()

    def numbers(self, pairs: pl.DataFrame) -> pl.Series:
        """How surely ``l`` and ``r`` of each pair quote each other's number, see ``names.quoted``."""
        left, right = (self.events.select(names.NUMBERS)[pairs[side]] for side in ("l", "r"))
        return names.quoted(left, right)

    def _parties(self, pairs: pl.DataFrame) -> pl.DataFrame:
        (a, text_a), (b, text_b) = (self._side(pairs[side], "party_key", "text_key") for side in ("l", "r"))
        return pairs.with_columns(who=pl.Series(names.parties(a, b, text_a, text_b)))

    def _words(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Likeness of summaries; and 1 where both flows know the kind and agree, -1 where they do not, else 0."""
        (kind_a, text_a), (kind_b, text_b) = (
            self._side(pairs[side], "kind", "text_key") for side in ("l", "r")
        )
        a, b = pl.col("a"), pl.col("b")
        silent = a.is_null() | b.is_null() | (a == "other") | (b == "other")
        agree = pl.when(silent).then(0.0).when(a == b).then(1.0).otherwise(-1.0)
        kinds = pl.DataFrame({"a": kind_a, "b": kind_b}).select(kind=agree)["kind"]
        return pairs.with_columns(kinds, text=pl.Series(names.texts(text_a, text_b)))
