"""The command line: every command is a few lines around a library call."""
