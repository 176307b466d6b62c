"""Trained models passed on: as one file, and by a hub."""
