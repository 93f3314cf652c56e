"""Evaluation: measures restorers by the protocols of the literature; writes the scores as tables, charts and files.

Start with `protocol.py` (how pictures are compressed and scored) and `methods.py` (what can be measured).
"""
