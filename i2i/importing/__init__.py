"""Other projects' weights become a run folder."""
