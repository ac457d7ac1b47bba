"""The command line: ``python -m pipelines.cli``, started by ``./canteen``.

Belongs here: parsing, progress and answers; one module per concern. Does not belong here: any work on
data. Heavy imports (Dagster, dbt, polars, DuckDB) stand inside the commands, so that a night without
change and a usage error cost no more than Python itself.
"""
