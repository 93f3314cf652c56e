"""Restorers of others, written anew from their descriptions to measure against. Needs the extra `baselines`."""
