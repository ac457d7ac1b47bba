"""Planted transactions in three flows: what the bank, the documents and the books say of the same money.

Belongs here: the frames and their truth. Movements of money are drawn (``flow_moves``), look-alikes settled
(``flow_twins``), differences planted (``flow_breaks``, ``flow_splits``) and written as each flow writes them
(``flow_events``). Shares no code with what matches. The city's own books are ``books``.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ingest.simulator import flow_breaks, flow_events, flow_moves, flow_twins
from ingest.simulator.streams import stream


@dataclass(frozen=True)
class Flows:
    """Events of three flows and what is true of them.

    Attributes:
        events: event_id, flow, canteen_id, account_no, biz_date, direction, amount_yuan, party, text, ref, kind.
        accounts: canteen_id, account_no, account_role.
        truth_events: event_id, transaction_id, twin_group (null without twins).
        truth_breaks: break_id, break_type, event_id: one row per event of a difference.
    """

    events: pl.DataFrame
    accounts: pl.DataFrame
    truth_events: pl.DataFrame
    truth_breaks: pl.DataFrame


def flows(seed: int, transactions: int = 100_000) -> Flows:
    """Draw planted transactions.

    Args:
        seed: The same seed and number give the same frames.
        transactions: About how many; 250 a canteen in three months.

    Returns:
        The flows. A duplicate belongs to the transaction that it repeats; only the second event is in the
        difference. A reversed bank line and its reversal are a transaction of their own.
    """
    moves = flow_moves.draw(seed, transactions)
    flow_twins.settle(moves, stream(seed, "flow-twins"))
    events = flow_breaks.plant(moves, stream(seed, "flow-breaks"))
    shown, truth, breaks = flow_events.written(moves, events, stream(seed, "flow-looks"))
    return Flows(shown, flow_events.accounts(moves), truth, breaks)
