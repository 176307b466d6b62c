"""What keeps codes where they can be drawn from."""

from torch import Tensor


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far normal distributions are from the standard one (Kingma and Welling, 2014, appendix B).

    Args:
        mean: (N, latent).
        log_variance: the same shape.

    Returns:
        The Kullback-Leibler divergence in nats: the sum over the code, the mean over the batch.
    """
    each = 1 + log_variance - mean.square() - log_variance.exp()
    return -0.5 * each.sum(1).mean()
