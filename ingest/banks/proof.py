"""The proof of every sign by the balance.

Belongs here: in which order the lines follow each other, whether each balance is the one before it plus
the line, and what a file declares of itself (opening, closing, totals, counts). A file that contradicts
itself is refused; nothing is taken with a guessed sign. Does not belong here: how a format is read.

A file may be ascending or descending, lines of one instant may stand in any order, and an amount below
zero may be a reversal or an outflow written with its sign: each such reading is a hypothesis, and only
one under which every balance fits is taken. Where two fit and disagree on a line, that line is unproved;
so is a line whose sign would fit the other way round because the order is not known and amounts repeat.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from ingest.banks.statement import Facts, Statement, yuan
from warehouse.errors import Refused

BALANCE: Final = "balance"
TOTAL: Final = "statement"
EXPLICIT: Final = "explicit"
UNPROVED: Final = "unproved"
_ENOUGH: Final = 3
_TRIED: Final = 8
"""Lines of one instant whose signs are tried out, all of them."""

_Edge = tuple[int, int, int]
"""Balance before a line, balance after it, and the line's place in the file."""
"""Codes of ``vocabulary.BANK_PROOFS``."""


@dataclass(frozen=True)
class Proved:
    """The lines of one account after the proof.

    Attributes:
        lines: Columns of ``LINES`` plus ``effect`` (cents; positive is money in; null where the file does
            not say), ``is_reversal`` and ``proof``, in the order in which the balance runs.
        opening: Balance before the first line, cents.
        closing: Balance after the last line, cents.
        notes: What a person should know.
    """

    lines: pl.DataFrame
    opening: int | None
    closing: int | None
    notes: list[str]


@dataclass(frozen=True)
class _Reading:
    """One hypothesis that fits: the effects and the order in which the balance runs."""

    name: str
    effect: pl.Series
    order: pl.Series
    is_turned: bool = False
    """Whether 借 and 贷 are the other way round."""
    doubtful: pl.Series | None = None
    """Lines that could have the other sign in another order that the file allows as well."""


def prove(statement: Statement) -> list[Proved]:
    """Prove a statement, account by account.

    Raises:
        Refused: ``unproved``: the balances or what the file declares contradict its lines.
    """
    accounts = statement.lines.partition_by("account_no", "currency", maintain_order=True)
    if len(accounts) > 1:
        # What a file declares is then about all its accounts together.
        bare = replace(statement.facts, opening=None, closing=None)
        proved = [_account(replace(statement, facts=bare), lines) for lines in accounts]
    else:
        proved = [_account(statement, lines) for lines in accounts]
    empty = statement.lines.with_columns(effect=pl.lit(None, pl.Int64))
    lines = pl.concat([one.lines.select(empty.columns) for one in proved]) if proved else empty
    contradiction = _declared(statement.facts, lines)
    if contradiction is not None:
        if not statement.is_edited:
            raise Refused("unproved", f"{statement.label}：{contradiction}")
        statement.notes.append(contradiction)
    return proved


def _account(statement: Statement, lines: pl.DataFrame) -> Proved:
    silent = lines.filter(pl.col("side").is_null() & (pl.col("value") != 0))
    if silent.height and not statement.is_edited:
        raise Refused(
            "unproved",
            f"{statement.label}：第 {silent['line'][0]} 行没有可识别的收支方向，共 {silent.height} 行",
        )
    readings = list(_hypotheses(statement, lines))
    facts = statement.facts
    if (
        statement.semantics == "standard"
        or not statement.has_balance
        or lines["balance"].null_count() == lines.height
    ):
        return _without_balance(statement, lines, readings)
    fitting = [found for name, effect in readings if (found := _fit(name, effect, lines, facts)) is not None]
    turned = _turned(statement, lines, readings)
    notes: list[str] = []
    if fitting:
        fitting += turned
    elif turned and _overrules(turned[0], lines, facts):
        fitting = turned
        notes.append("按余额证明：本文件的借方为收入、贷方为支出（单位记账口径）")
    elif statement.is_edited:
        return _with_breaks(statement, lines, readings[0][1])
    else:
        raise Refused("unproved", f"{statement.label}：{_first_break(lines, readings[0][1], facts)}")
    return _proved(statement, lines, fitting, notes)


def _hypotheses(statement: Statement, lines: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """What the lines may mean, the plainest first; later ones only where they differ."""
    value, side = lines["value"], lines["side"]
    plain = value * side
    yield "plain", plain
    if statement.semantics == "standard":
        return
    signed = value.abs() * side
    if not signed.equals(plain):
        yield "signed", signed
    turn = lines.select(
        pl.when(pl.col("is_flagged") & (pl.col("value") > 0)).then(-1).otherwise(1)
    ).to_series()
    flagged = plain * turn
    if not flagged.equals(plain):
        yield "flagged", flagged


def _orders(lines: pl.DataFrame) -> list[pl.Series]:
    """Orders in which the balance may run, as places of lines: the file's, or the reverse of it.

    Days and times say which; where they do not run one way, neither.
    """
    place = pl.int_range(lines.height, eager=True)
    for key in _keys(lines):
        ascending, descending = key.is_sorted(), key.is_sorted(descending=True)
        if ascending or descending:
            return [place] * ascending + [place.reverse()] * descending
    return []


def _keys(lines: pl.DataFrame) -> list[pl.Series]:
    """What says the order, the finest first."""
    day = lines["day"]
    return [day] if lines["time"].null_count() else [day + " " + lines["time"], day]


def _fit(name: str, effect: pl.Series, lines: pl.DataFrame, facts: Facts) -> _Reading | None:
    """The first order in which every balance fits."""
    orders = _orders(lines)
    for order in orders:
        if not _breaks(effect[order], lines["balance"][order], facts.opening).any():
            other = _other_way(lines, effect, order.reverse(), facts.opening) if len(orders) > 1 else None
            return _Reading(name, effect, order, doubtful=other)
    if lines["balance"].null_count() or effect.null_count():
        return None
    return _in_time(name, lines, effect, facts.opening)


def _other_way(
    lines: pl.DataFrame, effect: pl.Series, way: pl.Series, opening: int | None
) -> pl.Series | None:
    """Lines whose sign would be the other one if the balance ran the other way; ``None`` if it cannot."""
    balance = lines["balance"][way]
    implied = balance - balance.shift(1, fill_value=opening)
    if lines.height < 2 or (implied.abs() != effect[way].abs()).any():
        return None
    return (implied != effect[way]).fill_null(value=True)[way.arg_sort()]


def _turned(
    statement: Statement, lines: pl.DataFrame, readings: list[tuple[str, pl.Series]]
) -> list[_Reading]:
    """Fitting readings with 借 and 贷 the other way round; reviewed layouts have none."""
    if statement.semantics != "ledger" or statement.is_reviewed:
        return []
    found = []
    for name, effect in readings:
        for order in _orders(lines):
            balance = lines["balance"][order]
            linked = _linked(balance, statement.facts.opening)
            if linked.any() and not _breaks(-effect[order], balance, statement.facts.opening).any():
                found.append(_Reading(name, -effect, order, is_turned=True))
                break
    return found


def _overrules(turned: _Reading, lines: pl.DataFrame, facts: Facts) -> bool:
    """Whether enough balances say that 借 and 贷 are the other way round: lines of both kinds, three at least."""
    linked = _linked(lines["balance"][turned.order], facts.opening)
    proved = turned.effect[turned.order].filter(linked)
    return proved.len() >= _ENOUGH and bool((proved > 0).any()) and bool((proved < 0).any())


def _base(effect: pl.Series, balance: pl.Series) -> pl.Series:
    """Balance before the first line, as each line's balance implies it: equal for all if all fit."""
    return balance - effect.fill_null(0).cum_sum()


def _before(base: pl.Series, opening: int | None) -> pl.Series:
    """What the lines before each line imply."""
    return pl.concat([pl.Series([opening], dtype=pl.Int64), base]).forward_fill()[:-1]


def _breaks(effect: pl.Series, balance: pl.Series, opening: int | None) -> pl.Series:
    """Lines whose balance is not the one before it plus their effect."""
    base = _base(effect, balance)
    return (base != _before(base, opening)).fill_null(value=False)


def _linked(balance: pl.Series, opening: int | None) -> pl.Series:
    """Lines whose own balance and the one directly before it are known."""
    known = balance.is_not_null()
    return known & known.shift(1, fill_value=opening is not None)


def _in_time(name: str, lines: pl.DataFrame, effect: pl.Series, opening: int | None) -> _Reading | None:
    """The reading in the order of time in which every balance fits, lines of one instant in any order.

    Each line leads from the balance before it to the one after it; lines of one instant fit if there is
    a walk over all of them (Hierholzer).
    """
    key = _keys(lines)[0]
    table = lines.select("balance", key=key, effect=effect, place=pl.int_range(pl.len()))
    order: list[int] = []
    doubtful: set[int] = set()
    at = opening
    for group in table.sort("key", maintain_order=True).partition_by("key", maintain_order=True):
        edges = [
            (after - moved, after, place)
            for after, moved, place in group.select("balance", "effect", "place").iter_rows()
        ]
        walked = _walk(edges, at)
        if walked is None:
            return None
        doubtful |= _ambiguous(edges, at, walked[-1][1])
        order += [place for _, _, place in walked]
        at = walked[-1][1]
    unsure = pl.int_range(lines.height, eager=True).is_in(list(doubtful))
    return _Reading(name, effect, pl.Series(order, dtype=pl.Int64), doubtful=unsure)


def _ambiguous(edges: list[_Edge], start: int | None, end: int) -> set[int]:
    """Places of lines of one instant that could have the other sign, the balance running all the same."""
    if len(edges) < 2:
        return set()
    if len(edges) > _TRIED:
        amounts = [abs(after - before) for before, after, _ in edges]
        return {place for before, after, place in edges if amounts.count(abs(after - before)) > 1}
    found: set[int] = set()
    for signs in itertools.product((1, -1), repeat=len(edges)):
        turned = [
            (after - sign * (after - before), after, place)
            for sign, (before, after, place) in zip(signs, edges, strict=True)
        ]
        walked = _walk(turned, start)
        if walked is not None and walked[-1][1] == end:
            found.update(place for sign, (_, _, place) in zip(signs, edges, strict=True) if sign < 0)
    return found


def _walk(edges: list[_Edge], start: int | None) -> list[_Edge] | None:
    """All edges in one walk from a balance; without one, from where the walk must begin."""
    leaving: dict[int, list[_Edge]] = {}
    surplus: dict[int, int] = {}
    for edge in reversed(edges):
        leaving.setdefault(edge[0], []).append(edge)
        surplus[edge[0]] = surplus.get(edge[0], 0) + 1
        surplus[edge[1]] = surplus.get(edge[1], 0) - 1
    if start is None:
        start = next((node for node, count in surplus.items() if count > 0), edges[0][0])
    stack: list[tuple[int, _Edge | None]] = [(start, None)]
    walked: list[_Edge] = []
    while stack:
        node, arrived_by = stack[-1]
        if leaving.get(node):
            edge = leaving[node].pop()
            stack.append((edge[1], edge))
        else:
            stack.pop()
            if arrived_by is not None:
                walked.append(arrived_by)
    walked.reverse()
    at = start
    for edge in walked:
        if edge[0] != at:
            return None
        at = edge[1]
    return walked if len(walked) == len(edges) else None


def _proved(statement: Statement, lines: pl.DataFrame, fitting: list[_Reading], notes: list[str]) -> Proved:
    """The lines under the plainest fitting reading; unproved where another one says otherwise."""
    chosen = fitting[0]
    doubtful = pl.repeat(value=False, n=lines.height, eager=True)
    for other in fitting[1:]:
        doubtful = doubtful | (chosen.effect != other.effect).fill_null(value=True)
    if chosen.doubtful is not None:
        doubtful = doubtful | chosen.doubtful
    ordered = lines.with_columns(effect=chosen.effect, doubtful=doubtful)[chosen.order]
    opening = statement.facts.opening
    linked = _linked(ordered["balance"], opening)
    rests_on_words = statement.semantics == "explicit" or statement.is_reviewed
    rests_on_words = rests_on_words or (statement.semantics == "ledger" and bool(linked.any()))
    # Words that the balance has overruled say nothing of the first line.
    rests_on_words = rests_on_words and not chosen.is_turned
    # Below zero before any balance: a reversal or a sign, unless all outflows are written with theirs.
    signed_out = pl.lit(chosen.name == "signed") & (pl.col("side") < 0)
    odd = (pl.col("value") < 0) & ~linked & ~signed_out
    proof = (
        pl.when(pl.col("doubtful") | pl.col("effect").is_null() | odd)
        .then(pl.lit(UNPROVED))
        .when(linked)
        .then(pl.lit(BALANCE))
        .otherwise(pl.lit(EXPLICIT if rests_on_words else UNPROVED))
    )
    reversal = (
        pl.col("is_flagged") if chosen.name == "signed" else pl.col("is_flagged") | (pl.col("value") < 0)
    )
    ordered = ordered.with_columns(proof=proof, is_reversal=reversal).drop("doubtful")
    base = _base(ordered["effect"], ordered["balance"]).drop_nulls()
    first = int(base[0])
    last = first + int(ordered["effect"].sum())
    closing = statement.facts.closing
    if closing is not None and closing != last:
        text = f"声明的期末余额 {yuan(closing)} 与明细推出的 {yuan(last)} 不符"
        if not statement.is_edited:
            raise Refused("unproved", f"{statement.label}：{text}")
        notes.append(text)
    return Proved(ordered, first, last, notes)


def _without_balance(
    statement: Statement, lines: pl.DataFrame, readings: list[tuple[str, pl.Series]]
) -> Proved:
    """Lines without a balance of their own: the sum from opening to closing proves them, or their words."""
    facts = statement.facts
    effect = readings[0][1]
    doubtful = effect.is_null()
    for _, other in readings[1:]:
        doubtful = doubtful | (effect != other).fill_null(value=True)
    needs_proof = statement.semantics in ("ledger", "bare") and not statement.is_reviewed
    opening, closing = facts.opening, facts.closing
    proof = UNPROVED if needs_proof else EXPLICIT
    if opening is not None and closing is not None:
        expected = opening + int(effect.sum())
        if expected != closing:
            text = f"期初 {yuan(opening)} 加全部收支得 {yuan(expected)}，声明的期末为 {yuan(closing)}"
            raise Refused("unproved", f"{statement.label}：{text}")
        proof = TOTAL if statement.semantics == "standard" else proof
    order = pl.int_range(lines.height, eager=True)
    if lines.height and lines["day"].is_sorted(descending=True) and not lines["day"].is_sorted():
        order = order.reverse()
    reversal = pl.col("is_flagged") | (pl.col("value") < 0)
    proved = lines.with_columns(effect=effect, is_reversal=reversal, doubtful=doubtful).with_columns(
        proof=pl.when("doubtful").then(pl.lit(UNPROVED)).otherwise(pl.lit(proof))
    )
    return Proved(proved.drop("doubtful")[order], opening, closing, [])


def _with_breaks(statement: Statement, lines: pl.DataFrame, effect: pl.Series) -> Proved:
    """An edited sample: what fits is proved, the first line of each piece is not."""
    order = (_orders(lines) or [pl.int_range(lines.height, eager=True)])[0]
    ordered = lines.with_columns(effect=effect)[order]
    opening = statement.facts.opening
    broken = _breaks(ordered["effect"], ordered["balance"], opening)
    linked = _linked(ordered["balance"], opening)
    proof = (
        pl.when(broken | ~linked | pl.col("effect").is_null())
        .then(pl.lit(UNPROVED))
        .otherwise(pl.lit(BALANCE))
    )
    ordered = ordered.with_columns(is_reversal=pl.col("is_flagged") | (pl.col("value") < 0), proof=proof)
    return Proved(ordered, None, None, [_first_break(lines, effect, statement.facts)])


def _first_break(lines: pl.DataFrame, effect: pl.Series, facts: Facts) -> str:
    """The first line whose balance contradicts it, in the order with the fewest such lines."""
    orders = _orders(lines) or [lines.select(place=pl.int_range(pl.len())).to_series()]
    order = min(orders, key=lambda one: int(_breaks(effect[one], lines["balance"][one], facts.opening).sum()))
    ordered = lines.with_columns(effect=effect)[order]
    broken = _breaks(ordered["effect"], ordered["balance"], facts.opening)
    count = int(broken.sum())
    if count == 0:
        return "余额不连续，同一时刻的各行无论怎样排列都不成立"
    at = broken.arg_true()[0]
    base = _base(ordered["effect"], ordered["balance"])
    expected = _before(base, facts.opening)[at] + int(ordered["effect"].fill_null(0)[: at + 1].sum())
    found = ordered["balance"][at]
    return (
        f"余额不连续，{lines.height} 行中有 {count} 处，首处在第 {ordered['line'][at]} 行："
        f"应为 {yuan(expected)}，实为 {yuan(found)}"
    )


def _declared(facts: Facts, lines: pl.DataFrame) -> str | None:
    """The first total or count that the file declares and its lines contradict.

    A reversal stands in the total of its own side as a negative amount or in the other side's; either is
    accepted.
    """
    gone = {
        "收入合计": (facts.total_in if facts.total_in is not None else facts.total_credit, 1),
        "支出合计": (facts.total_out if facts.total_out is not None else facts.total_debit, -1),
    }
    for name, (declared, side) in gone.items():
        if declared is not None:
            effect = lines["effect"] * side
            sums = {int(effect.filter(effect > 0).sum()), int(effect.filter(lines["side"] == side).sum())}
            if abs(declared) not in {abs(one) for one in sums}:
                return f"声明的{name} {yuan(declared)} 与明细合计 {yuan(max(sums))} 不符"
    if facts.total_all is not None:
        sums = {int(lines["value"].abs().sum()), int(lines["value"].sum()), int(lines["effect"].sum())}
        if facts.total_all not in sums:
            return f"声明的合计 {yuan(facts.total_all)} 与明细合计 {yuan(max(sums))} 不符"
    counts = {
        "收入笔数": (facts.count_in if facts.count_in is not None else facts.count_credit, 1),
        "支出笔数": (facts.count_out if facts.count_out is not None else facts.count_debit, -1),
    }
    for name, (declared, side) in counts.items():
        if declared is not None:
            found = {int((lines["effect"] * side > 0).sum()), int((lines["side"] == side).sum())}
            if declared not in found:
                return f"声明的{name} {declared} 与明细 {max(found)} 笔不符"
    if facts.count_all is not None and facts.count_all != lines.height:
        return f"声明共 {facts.count_all} 笔，实有 {lines.height} 笔"
    return None
