"""The Superset server: everything in this package runs inside `.venv-superset`.

Belongs here: configuration, theme, language, snapshots, access and deployment of the cockpit's server.
It imports the standard library, Superset and what Superset brings, and nothing of the product.
"""
