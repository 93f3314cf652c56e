"""Publishes on the Hugging Face Hub: a checkpoint with its model card, or the demo as a Space."""
