"""Runs that are killed, starved of disk and damaged, and go on."""
