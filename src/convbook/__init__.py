"""The code behind *Convolutional Networks, Computed*.

Every module stands alone: import what you need, for instance ``from convbook.ops import conv2d``.
The NumPy half (``ops``, ``filters``, ``exercises``) imports neither torch nor matplotlib.
"""

__version__ = "0.1.0"
