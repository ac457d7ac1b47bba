"""Bank files to bank lines: exports as tables, MT940, camt and OFX.

Belongs here: everything between a bank's bytes and the feed ``bank_line``: words of headers (``words``),
tables (``tables``), the international formats (``mt940``, ``camt``, ``ofx``), the proof of every sign
(``proof``), and what they have in common (``statement``). Runs in the child process. Does not belong
here: reconciling bank lines with anything else (dbt).
"""
