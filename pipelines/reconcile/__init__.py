"""Three flows in one: bank, business and books compared, every difference typed and explained.

Belongs here: algorithms on frames that SQL cannot say (assignment, groups, character similarity). Nothing
here reads or writes a file except ``coding``'s own table of rules. Does not belong here: where events come
from, and what a difference means for a canteen's red line (dbt).
"""
