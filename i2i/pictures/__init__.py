"""Picture files of every kind: finding, reading and writing them without losing anything."""
