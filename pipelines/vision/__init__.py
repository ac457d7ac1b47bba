"""Kitchen video at night: which recorded files are judged, and the tables that come of it.

Belongs here: ``step`` (the manifest against what was judged, three silver tables) and ``films`` (the hand-over to
``vision_jobs``, the only module that imports it). Does not belong here: decoding, models and rules (``vision_jobs``).
"""
