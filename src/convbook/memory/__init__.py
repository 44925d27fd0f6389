"""Memory of a training step: predicted without a GPU, measured on a device.

``predict(resnet18(10), (224, 224, 3), 64, "adam")`` runs the step with tensors that hold no
numbers, follows every allocation and release, and sends them through a simulation of torch's
caching allocator. ``measure`` runs the same step on a device.
"""

from convbook.memory.measuring import largest_measured_batch, measure
from convbook.memory.predicting import largest_batch, predict
from convbook.memory.report import Report, Timeline

__all__ = ["Report", "Timeline", "largest_batch", "largest_measured_batch", "measure", "predict"]
