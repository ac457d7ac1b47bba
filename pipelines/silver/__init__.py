"""Bronze to silver: the contract at the door.

Belongs here: typing text, applying contracts, quarantine, and deciding which of several files holds
a unit. Does not belong here: reading files (``ingest``) and meaning (``dbt_project``).
"""
