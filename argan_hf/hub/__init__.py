"""Publishing on the Hugging Face Hub: a model repository with its card, or the demo as a Space."""
