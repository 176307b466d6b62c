"""How fast a spec trains on this machine, in each setting that it could have."""
