"""What a table is and how it is written.

Belongs here: settings, errors, shared vocabulary, contracts, the table registry, Delta access,
quarantine, manifests, the serving file and the catalog. Does not belong here: anything that knows
where data comes from (``ingest``) or what it means (``dbt_project``). Imports nothing of ours.
"""
