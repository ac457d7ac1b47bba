"""Outside world to bronze: landing files become encrypted originals, receipts and text frames.

Belongs here: keeping originals, recognising layouts, masking identifiers, refusing what is not
understood. Does not belong here: typing and contracts (``pipelines.silver``), table access
(``warehouse.delta``), Dagster.
"""
