"""Training as a user sees it: a folder, a progress bar, pictures, checkpoints."""
