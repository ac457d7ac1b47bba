"""Findings to alerts: the only place that raises, withdraws and reopens an alert.

Belongs here: the versioned rules that select findings, and the state of each alert. Does not belong here: any
threshold or detection (``dbt_project``), tickets (``portal``).
"""
