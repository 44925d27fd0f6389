"""How long the output of a layer is, along one axis."""

from __future__ import annotations

from typing import Literal

from convbook._arguments import as_integer

Padding = int | Literal["same", "valid"]


def output_size(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Count the windows that a kernel sees on its way along an axis.

    The first window starts at the front of the padded axis, and each next one
    ``stride`` further; all lie within. A kernel with gaps spans
    ``extent = dilation·(kernel − 1) + 1``, so the count is
    ``⌊(n + 2·padding − extent) / stride⌋ + 1``.

    Parameters
    ----------
    n
        Length of the input, in pixels.
    kernel, stride, dilation
        Entries of the kernel; steps between windows, and between the entries.
    padding
        Pixels added at either end; ``"valid"`` is 0, and ``"same"`` as many as
        keep the length, for stride 1.
    ceil_mode
        The rounding of a pooling layer: one more window may hang over the end,
        if it starts within the input or the padding before it. Padding is then
        half the kernel at most.

    Returns
    -------
    length
        Of the output, as `torch.nn.functional` has it: for convolution, and for
        pooling with ``ceil_mode``.

    Raises
    ------
    ValueError
        If an argument is out of its range, or no window fits.

    Examples
    --------
    >>> output_size(28, kernel=3, padding=1)
    28
    >>> output_size(7, kernel=2, stride=2)
    3
    >>> output_size(7, kernel=2, stride=2, ceil_mode=True)
    4
    """
    n, kernel, stride, dilation = _counts(n, kernel, stride, dilation)
    extent = dilation * (kernel - 1) + 1
    before, after = margins(padding, extent, stride)
    room = before + n + after - extent  # how far the window can move
    windows = room // stride + 1
    if ceil_mode:
        check_pooling(max(before, after), kernel)
        if room % stride and windows * stride < before + n:
            windows += 1
    if windows < 1:
        raise ValueError(
            f"kernel is {kernel}, and spans {extent} with dilation={dilation}; "
            f"n={n} with its padding must be {extent} or more"
        )
    return windows


def transposed_output_size(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Count the pixels that the stamps of a transposed convolution cover.

    Each of the ``n`` entries stamps the kernel onto the output, the next one
    ``stride`` further. Then ``padding`` is cut off at either end, and
    ``output_padding`` added behind. So a convolution with the same kernel,
    stride and padding leads back to ``n``.

    Parameters
    ----------
    n
        Length of the input, in pixels.
    kernel, stride, dilation
        Entries of the kernel; steps between stamps, and between the entries.
    padding
        Pixels cut off at either end.
    output_padding
        Pixels added behind: fewer than ``stride`` or than ``dilation``.

    Returns
    -------
    length
        Of the output, as `torch.nn.functional.conv_transpose2d` has it.

    Raises
    ------
    ValueError
        If an argument is out of its range, or nothing is left of the output.

    Examples
    --------
    >>> transposed_output_size(3, kernel=3, stride=2)
    7
    """
    n, kernel, stride, dilation = _counts(n, kernel, stride, dilation)
    padding = as_integer("padding", padding, least=0)
    added = as_integer("output_padding", output_padding, least=0)
    if added >= max(stride, dilation):
        raise ValueError(
            f"output_padding is {added}; it must be less than "
            f"stride={stride} or dilation={dilation}"
        )
    extent = dilation * (kernel - 1) + 1
    covered = (n - 1) * stride + extent
    length = covered - 2 * padding + added
    if length < 1:
        raise ValueError(
            f"padding is {padding}, which leaves nothing of {covered} pixels; "
            f"it can be {(covered + added - 1) // 2} at most"
        )
    return length


def margins(padding: Padding, extent: int, stride: int = 1) -> tuple[int, int]:
    """What a padding adds before and after an axis, for a kernel that spans ``extent``.

    Where "same" needs an odd number of pixels, the last one comes after.

    Raises
    ------
    ValueError
        If the padding is an unknown word or no integer of at least 0, or "same" with a stride.
    """
    if padding == "valid":
        return 0, 0
    if padding == "same":
        if stride != 1:
            raise ValueError(f"stride is {stride}; with padding 'same' it must be 1")
        return (extent - 1) // 2, extent - 1 - (extent - 1) // 2
    if isinstance(padding, str):
        raise ValueError(f"padding is {padding!r}; as a word it can be 'valid' or 'same'")
    padding = as_integer("padding", padding, least=0)
    return padding, padding


def check_pooling(padding: int, kernel: int) -> None:
    """Refuse a padding that pooling layers do not take, though convolutions do.

    Raises
    ------
    ValueError
        If the padding is more than half the kernel (its entries; torch does not count the gaps).
    """
    if padding > kernel // 2:
        raise ValueError(
            f"padding is {padding}; for pooling with a kernel of {kernel} "
            f"it can be {kernel // 2} at most"
        )


def _counts(n: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int, int]:
    return (
        as_integer("n", n, least=1),
        as_integer("kernel", kernel, least=1),
        as_integer("stride", stride, least=1),
        as_integer("dilation", dilation, least=1),
    )
