"""The operations of convolutional networks in NumPy, in double precision, made to be read.

Names, arguments and meaning follow ``torch.nn.functional``, which the tests compare them with.
"""

from convbook.ops.convolution import (
    Gradients,
    conv1d,
    conv1d_backward,
    conv2d,
    conv2d_backward,
)
from convbook.ops.padding import PADDING_MODES, pad
from convbook.ops.pooling import (
    avg_pool2d,
    avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from convbook.ops.sums import windows
from convbook.ops.transposed import conv_transpose2d, conv_transpose2d_backward

__all__ = [
    "PADDING_MODES",
    "Gradients",
    "avg_pool2d",
    "avg_pool2d_backward",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "pad",
    "windows",
]
