"""Judging prices where SQL cannot: series of quotes with gaps.

Belongs here: arithmetic on arrays. Does not belong here: reading tables and what a finding is (dbt).
"""
