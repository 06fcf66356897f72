"""What surrounds the work of a rule: errors, progress, the machine and its limits, resuming, seals, digests of code.

By rule nothing here decides what stands in a result, so no rule's digest holds it (`digests.code_of`): a reworded
message or another limit of memory makes nothing again. `tests/test_house.py` holds what the other sub-packages may take
from here.
"""
