"""Trained models as files for other programs, and as torch modules."""
