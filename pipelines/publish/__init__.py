"""Publishing: copy the last serving file forward, replace what changed, verify, manifest, swap.

Belongs here: the publication step. Does not belong here: computing anything.
"""
