"""The fast road for whole blocks: tables instead of objects, machine code by Numba, hashes in SIMD lanes.

It only ever accepts. Where something is wrong, or merely unusual, its answer is None, and the plain road
(`check_block.py`, `check_block_context.py`, `connect_block.py`) decides from the beginning: that one is to be
read, and it alone names refusals. So every test below may be stricter than the rule it stands for, and none laxer.

`road.py` is the whole of it. Numbers of the consensus become part of the machine code, which is compiled anew when
a file here or in `kernels/py/` changes; those that other files define are expected never to change.
"""
