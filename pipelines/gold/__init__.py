"""Silver to gold: plan the window, run dbt once, commit what changed.

Belongs here: how dbt is run and how its tables become Delta. Does not belong here: any rule or
formula (``dbt_project``).
"""
