"""What every test shares: one thread for torch, Ctrl-C that works, and two finished runs, each made once."""

import os
import signal
from pathlib import Path

import pytest

# Read by torch when it is first imported; a test in a process of its own inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts pytest in the background has it ignore Ctrl-C, and every process of a test with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def paired_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of pix2pix, with averaged weights."""
    from trained import train_paired  # here, so that tests without torch do not wait for it

    return train_paired(tmp_path_factory.mktemp("paired"))


@pytest.fixture(scope="session")
def unpaired_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of CycleGAN."""
    from trained import train_unpaired

    return train_unpaired(tmp_path_factory.mktemp("unpaired"))
