"""What ``./canteen accuracy`` and ``./canteen bench`` measure.

Belongs here: one module per part; each returns a list of measures with name, value, unit, n, bar and
holds. The bars stand in ``docs/reference/measures.csv`` alone. Does not belong here: anything that
the product needs to run.
"""
