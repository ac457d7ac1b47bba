"""What a process that extracts needs, imported and read once for all of them by the fork server."""

from ingest import providers
from ingest.connectors import extraction  # noqa: F401

providers.load_all()
