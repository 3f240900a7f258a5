"""A network of one's own to watch and take gradients of, on the weights of another."""

import copy

from torch import nn

from hnn_core.model import HNN

__all__ = ["own_copy"]


def own_copy(model: HNN) -> HNN:
    """Copy a network's modules but not its weights.

    Hooks, the switch of fused attention, ``requires_grad`` and the training mode of the copy
    are its own, so whatever happens to the copy, an exception or a cancelled run leaves nothing
    behind on the network in service, which may go on predicting in another thread. The copy
    costs about 10 ms and no memory to speak of.

    Parameters
    ----------
    model : HNN

    Returns
    -------
    HNN
        On the same weights in memory, none of which wants a gradient. Putting other numbers
        into a weight *in place* would change the network in service: replace its ``data``.
    """
    weights = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=False)
        for weight in model.parameters()
    }
    own = copy.deepcopy(model, dict(weights)).eval()
    for module in own.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    if own.lstm is not None:
        # cuDNN takes no gradient of an LSTM in evaluation mode; one layer computes the same.
        own.lstm.train()
    return own
