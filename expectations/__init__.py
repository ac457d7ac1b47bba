"""What a data steward reads: Great Expectations suites, the scorecard and the quality page.

Belongs here: plausibility of what arrived, scored and shown. Nothing here blocks a publication, repeats
a rule of the contracts (``warehouse.contracts``) or holds a threshold of a regulation
(``ref_threshold``). Runs as its own process (``python -m expectations``), because importing Great
Expectations costs seconds; nobody imports this package.
"""
