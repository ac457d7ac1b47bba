"""Dagster's view of a night: assets, checks, job, schedule, sensor, and the run in this process.

Belongs here: everything that imports Dagster, as thin calls into ``pipelines.night``. Does not
belong here: any work on data. Dagster reads the types of decorated functions at run time, so these
modules do without ``from __future__ import annotations``.
"""
