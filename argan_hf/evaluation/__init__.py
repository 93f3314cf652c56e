"""Evaluation: restorers measured the way the literature does, and the scores as tables, charts and files.

Start with `protocol.py` (how pictures are compressed and scored) and `methods.py` (what can be measured).
"""
