"""Training: a data set in, pairs of degraded and original crops made on the device, a folder that loads anywhere out.

Start with `trainer.py` (the loop) and `arguments.py` (every number of a run).
"""
