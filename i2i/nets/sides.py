"""Which sides of a picture a network can take."""

from torch import Tensor


def check_sides(image: Tensor, network: str, *, least: int = 1, multiple: int = 1) -> None:
    """See that a network can take a picture (N, C, H, W); `network` names it in the message.

    Raises:
        ValueError: height or width is below `least`, or no multiple of `multiple`.
    """
    height, width = image.shape[2:]
    if height % multiple or width % multiple or min(height, width) < least:
        wanted = f"of at least {least} pixels"
        if multiple > 1:
            wanted = f"that are multiples of {multiple}" + (f", at least {least}" if least > multiple else "")
        raise ValueError(f"this {network} needs sides {wanted}, got {height}x{width}")
