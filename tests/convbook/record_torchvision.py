"""Record what torchvision's networks give for known weights, for the tests of `convbook.models`.

torchvision's wheels do not load beside a CPU build of torch, so the tests compare with a record.
Where torchvision imports, ``python tests/convbook/record_torchvision.py`` writes it anew. The
tests use `filled` and `image` from here.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

RECORD = Path(__file__).parent / "data" / "torchvision_models.json"
# The sides of the images that the networks see; theirs of 224 would only take longer.
SIDES = {
    "alexnet": 96,
    "vgg16": 64,
    "resnet18": 64,
    "resnet34": 64,
    "resnet50": 64,
    "resnet101": 64,
    "resnet152": 64,
}


def filled(model: nn.Module, seed: int = 0) -> nn.Module:
    """The network, which may be on the meta device, in float64 and with known weights.

    They are drawn key by key, in the order of the state_dict: so other keys or another order give
    other weights. Their scale keeps what runs through the layers near 1.
    """
    rng = np.random.default_rng(seed)
    state = {}
    for key, value in model.state_dict().items():
        name = key.split(".")[-1]
        if name == "num_batches_tracked":
            state[key] = torch.zeros((), dtype=torch.int64)
            continue
        uniform = torch.from_numpy(rng.random(tuple(value.shape)))  # from 0 to 1
        if value.ndim > 1:  # weights of a convolution or a linear layer
            state[key] = uniform.sub_(0.5).mul_(math.sqrt(24 / value[0].numel()))
        elif name == "weight":  # of a normalisation: small, as every block adds to what it gets
            state[key] = uniform
        elif name == "running_var":
            state[key] = uniform.add_(0.5)
        else:
            state[key] = uniform.sub_(0.5)
    model.load_state_dict(state, assign=True)
    return model.eval()


def image(side: int, seed: int = 1) -> torch.Tensor:
    """One colour image of standard normal noise, (1, 3, side, side)."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 3, side, side)))


def keys(model: nn.Module) -> list[str]:
    """The state_dict in short: one line a module, its path, then each key's end and shape."""
    lines: dict[str, list[str]] = {}
    for key, value in model.state_dict().items():
        path, _, name = key.rpartition(".")
        lines.setdefault(path, [path]).append(f"{name} {tuple(value.shape)}".replace(" ", ""))
    return [" ".join(words) for words in lines.values()]


def recorded(model: nn.Module, side: int) -> dict[str, object]:
    """What the record holds of a network."""
    with torch.no_grad():
        scores = filled(model)(image(side))
    return {
        "side": side,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "first scores": [float(f"{score:.14g}") for score in scores[0, :10]],
        "state_dict": keys(model),
    }


def main() -> None:
    import torchvision

    record: dict[str, object] = {"torchvision": torchvision.__version__}
    for name, side in SIDES.items():
        with torch.device("meta"):
            model = getattr(torchvision.models, name)()
        record[name] = recorded(model, side)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
