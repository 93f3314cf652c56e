"""Training: from a data set to a folder that `from_pretrained` loads; crops are degraded on the device, step by step.

Start with `trainer.py` (the loop) and `argument_groups.py` (the settings of a run).
"""
