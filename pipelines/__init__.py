"""Bronze to silver, gold and publication, and who starts it.

Belongs here: the steps of a night, the command line, and (in ``defs`` and ``definitions`` only)
Dagster. Does not belong here: reading the outside world (``ingest``), set logic (``dbt_project``).
"""
