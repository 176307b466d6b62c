"""Putting things together: a TOML file, checked, becomes an engine."""
