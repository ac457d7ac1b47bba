"""Rendered kitchens: pictures and clips drawn by our own code, with what is true in them.

Belongs here: drawing. Does not belong here: judging; nothing here is used by the chain.
"""

from vision_jobs.render.clips import render, zones
from vision_jobs.render.stills import Attributes, stills

__all__ = ["Attributes", "render", "stills", "zones"]
