"""Which registered thing a name stands for.

Belongs here: matching that SQL cannot say, reading silver and writing silver. Does not belong here:
what follows from a match (dbt).
"""
