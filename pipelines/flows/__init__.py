"""The three flows of money in the night: events of silver, compared week by week, and what stewards decided.

Belongs here: which silver rows are which events (``sources``), the chain of weeks (``weeks``), the night's step
(``step``), stewards' decisions (``decisions``) and the trail of a payment (``trail``). Does not belong here: how two
events are matched (``pipelines.reconcile``), and what a difference means for a verdict (dbt).
"""
