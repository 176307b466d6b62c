"""What every test shares: one thread for torch, so that small networks do not wait for each other."""

import os

# Read by torch when it is first imported; a test in a process of its own inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
