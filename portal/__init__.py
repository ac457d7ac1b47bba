"""Tickets, review queue and parents' page. Filled by the portal issue."""
