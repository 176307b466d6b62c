"""Judging results by metrics: while a run trains, and of finished models."""
