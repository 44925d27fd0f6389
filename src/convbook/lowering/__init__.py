"""Small networks, many at once, as a few large matrix products.

A convolution with few channels is a poor matrix product: three columns, one for each channel, over
rows that are copied k·k times. These functions let one row make several neighbouring outputs at
once: the kernel, shifted from output to output, becomes a banded matrix (see the chapter on
transposed convolutions). That multiplies by zeros too, but as a product of sizable matrices, which
runs near the peak of the processor, and it copies fewer numbers.

- The first layer cuts its images into tiles of some 4×4 outputs (`tiled_conv2d`). Images run along
  the last axis, so that gathering windows copies runs of numbers.
- Deeper layers make whole rows of outputs at once (`row_conv2d`). Maps lie in memory as (networks,
  images, rows, channels, columns), so that k rows of all channels are neighbours.
"""

from convbook.lowering.rows import row_conv2d
from convbook.lowering.tiles import in_rows, max_pool, tiled_conv2d, tiling

__all__ = ["in_rows", "max_pool", "row_conv2d", "tiled_conv2d", "tiling"]
