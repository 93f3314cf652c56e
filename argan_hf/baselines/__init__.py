"""Baselines: restorers of the literature, implemented from their papers. SA-DCT needs the extra `baselines`."""
