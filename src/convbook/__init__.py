"""The code behind *Convolutional Networks, Computed*.

Every module stands alone: import what you need, for instance ``from convbook.ops import conv2d``.
The NumPy half (``ops``, ``filters``, ``shapes``, ``exercises``) imports neither torch nor
matplotlib, so that it starts fast and runs inside a web page. ``shapes`` loads torch when it is
given a torch module; its other half, tables of networks in the homework's notation, needs not even
NumPy. ``models``, ``receptive`` and ``equivariance`` are for torch.
"""

__version__ = "0.1.0"
