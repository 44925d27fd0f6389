"""The rows of a ``torch.nn.Module``, found by following one forward pass."""
