"""Textbook loops: each method as its authors' code trains it, in plain eager torch."""
