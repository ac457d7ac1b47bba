"""The errors of the product. Every message says what happened, where, and what to do.

Belongs here: exception types only. Only ``Transient`` is ever retried.
"""

from __future__ import annotations


class CanteenError(Exception):
    """Base of every error that we raise on purpose; the command line prints its text in one line."""


class Permanent(CanteenError):
    """Trying again without a change cannot help."""


class Transient(CanteenError):
    """Trying again later may help (a lock held, a disk full, a service starting)."""


class Refused(Permanent):
    """A file that is not understood is refused whole.

    Attributes:
        code: Closed code of the reason, see ``vocabulary.REFUSALS``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ContractBreach(Permanent):
    """Rows that break a contract where none may.

    Attributes:
        rows: Number of offending rows.
    """

    def __init__(self, message: str, rows: int) -> None:
        super().__init__(message)
        self.rows = rows
