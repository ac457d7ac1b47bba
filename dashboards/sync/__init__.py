"""From readable definitions to Superset's assets, on the product's side.

Belongs here: building and validating the asset tree. Does not belong here: anything that imports
Superset (``dashboards/superset``) or starts a server (``pipelines``).
"""
