"""The drawings about matrices and transposed convolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from convbook.drawings.cells import Matrix, draw_grid, draw_matrices, fill_cells
from convbook.drawings.dots import dots
from convbook.plotting import (
    Drawing,
    draw_image,
    draw_matrix,
    is_narrow,
    is_slide,
    label_line,
    panels,
    role,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def matrices(shown: Mapping[str, tuple[Float[np.ndarray, "m n"], str]]) -> Drawing:
    """Matrices of weights as pictures, each with a line of text below."""

    def draw(figure: Figure) -> None:
        for axes, (title, (matrix, below)) in zip(
            panels(figure, len(shown), len(shown), 1), shown.items(), strict=True
        ):
            draw_image(axes, matrix, title, limit=float(np.abs(matrix).max()))
            axes.set_xlabel(below)
            if is_slide(figure):  # as high as a slide has room for
                axes.set_aspect(2.5)

    return draw


def blocks(
    row: Int[np.ndarray, "m n"], plane: Int[np.ndarray, "p q"], shape: tuple[int, int]
) -> Drawing:
    """The matrices of a 1-D and a 2-D convolution, of the weights' numbers (from 1; 0: none).

    ``shape`` is that of the blocks of the second one, whose kernel has three columns.
    """

    def draw(figure: Figure) -> None:
        if is_narrow(figure):
            first, second = figure.subplots(2, 1, height_ratios=[1, 1.15])
        else:
            first, second = figure.subplots(1, 2, width_ratios=[row.shape[1], plane.shape[1]])
        size = 7 if is_narrow(figure) else 8
        _weights(first, row, "of a row", lambda _: 0.25, size=9)
        # A block holds one row of the kernel: so its shade.
        shades = {0: 0.12, 1: 0.35, 2: 0.65}
        _weights(second, plane, "of a plane", lambda number: shades[(number - 1) // 3], size)
        for i in range(0, plane.shape[0], shape[0]):
            for j in range(0, plane.shape[1], shape[1]):
                second.add_patch(
                    Rectangle((j, i), shape[1], shape[0], fill=False, ec=role("ink"), lw=1.4)
                )

    return draw


def weights(shown: Mapping[str, Int[np.ndarray, "m n"]]) -> Drawing:
    """Four matrices of the numbers of weights (from 1; 0: none), drawn as letters."""

    def draw(figure: Figure) -> None:
        # A row more for each title, so that the cells are about as large in all of them.
        heights = [len(numbers) + 1 for numbers in shown.values()]
        narrow = {"height_ratios": heights} if is_narrow(figure) else {}
        if is_slide(figure):  # the two lowest above each other, for larger cells
            grid = figure.add_gridspec(2, 3)
            places = (grid[:, 0], grid[0, 1], grid[1, 1], grid[:, 2])
            each = [figure.add_subplot(place) for place in places]
        else:
            each = panels(figure, len(shown), len(shown), 1, **narrow)
        for axes, (title, numbers) in zip(each, shown.items(), strict=True):
            _weights(axes, numbers, title, shade=lambda number: 0.12 + 0.2 * (number - 1), size=9)

    return draw


def _weights(
    axes: Axes,
    numbers: Int[np.ndarray, "m n"],
    title: str,
    shade: Callable[[int], float],
    size: float,
) -> None:
    height, width = numbers.shape
    draw_grid(axes, height, width)
    shades = np.array([[shade(int(number)) if number else 0 for number in row] for row in numbers])
    for alpha in np.unique(shades[shades > 0]):
        fill_cells(axes, shades == alpha, "kernel", float(alpha))
    for i, j in np.argwhere(numbers):
        letter = LETTERS[int(numbers[i, j]) - 1]
        axes.text(j + 0.5, i + 0.53, letter, ha="center", va="center", fontsize=size)
    axes.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
    axes.axis("off")
    axes.set_title(title)


def system(
    windows: Float[np.ndarray, "m k"],
    kernel: Float[np.ndarray, " k"],
    output: Float[np.ndarray, " m"],
) -> Drawing:
    """Windows times filter equals output: three matrices in a row."""

    def draw(figure: Figure) -> None:
        items = [
            Matrix("windows", windows, "input", sign="×"),
            Matrix("filter", kernel[:, None], "kernel", sign="="),
            Matrix("output", output[:, None], "output"),
        ]
        draw_matrices(figure, items, columns=3)

    return draw


def errors(
    lengths: Sequence[int],
    errors: Float[np.ndarray, "seeds lengths"],
    expected: Float[np.ndarray, " lengths"],
) -> Drawing:
    """Errors of a filter against the length of the row, a dot for each seed; a line for theory."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        dots(axes, np.tile(lengths, len(errors)), errors.ravel(), "kernel")
        axes.plot(lengths, expected, color=role("ink"), lw=1.2)
        label_line(axes, lengths[-2], expected[-2] * 2.3, "theory", "ink", ha="center")
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="length of the row",
            ylabel="distance from the true filter",
        )
        axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
        axes.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        axes.minorticks_off()

    return draw


def stamps(
    x: Float[np.ndarray, "h w"], w: Float[np.ndarray, "kh kw"], output: Float[np.ndarray, "a b"]
) -> Drawing:
    """A stamp of the kernel for each number of the input, where it lies; then their sum."""

    def draw(figure: Figure) -> None:
        if is_slide(figure):  # the stamps lie as the numbers do, and their sum beside them
            rows, columns = x.shape
            grid = figure.add_gridspec(rows, columns + 1, width_ratios=[1] * columns + [rows])
            each = [figure.add_subplot(grid[i, j]) for i, j in np.ndindex(x.shape)]
            each.append(figure.add_subplot(grid[:, columns]))
        else:
            each = panels(figure, x.size + 1, x.size + 1, 2)
        for axes, ((i, j), value) in zip(each, np.ndenumerate(x), strict=False):
            height, width = output.shape
            draw_grid(axes, height, width)
            for (a, b), weight in np.ndenumerate(w):
                product = value * weight
                corner = (j + b, i + a)
                axes.add_patch(
                    Rectangle(corner, 1, 1, fc=role("kernel"), alpha=0.22, ec=role("kernel"), lw=1)
                )
                text = f"{product:g}".replace("-", "" if product == 0 else "−")
                axes.text(
                    corner[0] + 0.5, corner[1] + 0.53, text, ha="center", va="center",
                    color=role("ink"),
                )  # fmt: skip
            axes.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
            axes.axis("off")
            axes.set_title(f"{value:g} × filter".replace("-", "−"))
        draw_matrix(each[-1], output, "their sum", colour="output")

    return draw


def sizes(
    lengths: Sequence[int], outputs: Sequence[int], back: Mapping[int, Sequence[int]]
) -> Drawing:
    """To which output length each length leads, and which of them a transposed one returns to.

    ``back[p]`` are the lengths that the output lengths return to with ``output_padding`` p.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for n, m in zip(lengths, outputs, strict=True):
            axes.plot([n, n, lengths[0] - 0.6], [0, m, m], color=role("line"), lw=0.8, zorder=0)
        for added, returned in back.items():
            for n in returned:
                m = outputs[list(lengths).index(n)]
                axes.plot(n, m, "o", ms=7, color=role("input"))
                label_line(axes, n, m + 0.14, f"{added}", "ink", ha="center", va="bottom")
        axes.text(
            lengths[0] - 0.3, max(outputs) + 0.85, "above a dot:\noutput_padding", va="center"
        )
        axes.set(xlabel="length before the convolution", ylabel="length after it")
        axes.set_xticks(lengths)
        axes.set_yticks(sorted(set(outputs)))
        axes.set_xlim(lengths[0] - 0.6, lengths[-1] + 1)
        axes.set_ylim(min(outputs) - 0.7, max(outputs) + 1.2)

    return draw


def stuffed(padded: Sequence[str], kernel: Sequence[str], result: Sequence[str]) -> Drawing:
    """A row with zeros between and around its entries, and a flipped kernel on its places."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        n, k = len(padded), len(kernel)
        for j, text in enumerate(padded):
            _cell(axes, j, 0, text, "input", filled=text != "0")
        for place in range(3):
            for a, text in enumerate(kernel):
                _cell(axes, place + a, 1.5 + 1.2 * place, text, "kernel", filled=False)
        for j, text in enumerate(result):
            _cell(axes, j + (k - 1) / 2, 1.9 + 1.2 * 3, text, "output", filled=False)
        axes.text(n / 2, -0.25, "input, zeros between and around", ha="center", va="bottom")
        axes.text(k + 2.4, 3.2, "flipped kernel,\nfirst three places", va="center")
        axes.text(n / 2, 6.9, "output", ha="center", va="top")
        axes.set(xlim=(-0.1, n + 0.1), ylim=(7.5, -0.9), aspect="equal")
        axes.axis("off")

    return draw


def _cell(axes: Axes, x: float, y: float, text: str, colour: str, *, filled: bool) -> None:
    axes.add_patch(Rectangle((x, y), 1, 1, fc="none", ec=role(colour), lw=1))
    if filled:
        axes.add_patch(Rectangle((x, y), 1, 1, fc=role(colour), ec="none", alpha=0.2))
    text = text.replace(" + ", "\n+")
    axes.text(x + 0.5, y + 0.53, text, ha="center", va="center", fontsize=8.5, linespacing=0.9)


def enlarged(shown: Mapping[str, Float[np.ndarray, "h w"]], below: Mapping[str, str]) -> Drawing:
    """Pictures from black to white, with a line of text below."""

    def draw(figure: Figure) -> None:
        for axes, (title, image) in zip(
            panels(figure, len(shown), len(shown), 2), shown.items(), strict=True
        ):
            draw_image(axes, image, title)
            axes.set_xlabel(below.get(title, ""))

    return draw
