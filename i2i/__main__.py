"""`python -m i2i`, the same as the command `i2i`; for torchrun."""

from i2i.cli.main import main

main()
