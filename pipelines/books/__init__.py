"""Vouchers and books of canteens: an append-only ledger and the statements that schools print from it.

Belongs here: how business events become balanced vouchers (``templates``, ``vouchers``), what issued goods cost
(``valuation``), what a night has to post (``posting``), the end of a month (``closing``), the Delta tables
(``ledger``), and statements as functions of posted lines. Does not belong here: whether the books are right
(bank and business are held against them elsewhere), verdicts, findings.
"""
