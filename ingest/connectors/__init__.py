"""Reading a county's database: which rows changed, and whole canteen-days into landing files.

Belongs here: one connector per kind of database and what they share. Does not belong here: any county
(``providers/*.yaml`` names its tables, ``sources/`` what their columns mean) nor what happens to a
landing file afterwards (``ingest.runner``).
"""
