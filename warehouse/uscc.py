"""Unified social credit codes (GB 32100-2015): the check character.

Belongs here: validity of a code, vectorised. Generating codes belongs to the simulator.
"""

from __future__ import annotations

from typing import Final

import polars as pl

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def is_valid(column: pl.Expr) -> pl.Expr:
    """True where a text is an 18-character code with the right check character.

    Args:
        column: Text expression.
    """
    values = [str(position) for position in range(len(ALPHABET))]
    digits = [
        column.str.slice(i, 1).replace_strict(list(ALPHABET), values, default=None).cast(pl.Int64)
        for i in range(18)
    ]
    total = sum((digits[i] * WEIGHTS[i] for i in range(1, 17)), digits[0] * WEIGHTS[0])
    check = (31 - total % 31) % 31
    return (column.str.len_chars() == 18) & (check == digits[17]).fill_null(value=False)
