"""The drawings on what a filter is made of, and on memory, in the chapter Gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from convbook.plotting import (
    Drawing,
    draw_image,
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


class Contribution(NamedTuple):
    """What one image added to a filter."""

    image: Float[np.ndarray, "h w"]
    added: Float[np.ndarray, "k k"]
    share: float


def made_of(
    before: Float[np.ndarray, "k k"],
    added: Float[np.ndarray, "k k"],
    after: Float[np.ndarray, "k k"],
    largest: Sequence[Contribution],
) -> Drawing:
    """A filter before and after, the difference, and the images that had most part in it."""
    limit = float(max(np.abs(part).max() for part in (before, added, after)))
    single = float(max(np.abs(item.added).max() for item in largest))

    def draw(figure: Figure) -> None:
        narrow = is_narrow(figure)
        ratios = [1, 2.4] if narrow else [1, 1.35]
        upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
        names = ("before", "+ all images", "= after")
        parts = zip(upper.subplots(1, 3), names, (before, added, after), strict=True)
        for axes, name, part in parts:
            draw_image(axes, part, name, limit=limit)
        columns = 3 if narrow else len(largest)
        blocks = -(-len(largest) // columns)
        grid = lower.subplots(2 * blocks, columns, squeeze=False)
        for n, item in enumerate(largest):
            top, bottom = grid[2 * (n // columns) :, n % columns][:2]
            draw_image(top, 1 - item.image, _percent(item.share))
            draw_image(bottom, item.added, limit=single)
            if n % columns == 0:
                top.set_ylabel("image")
                bottom.set_ylabel("added")

    return draw


def running_sums(
    images: Int[np.ndarray, " n"], sums: Float[np.ndarray, "filters n"], shown: int
) -> Drawing:
    """Shares in each filter, added up over so many ``images``, those that pushed most first."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(1, color=role("muted"), linewidth=1, linestyle=(0, (3, 3)))
        for curve in np.delete(sums, shown, axis=0):
            axes.plot(images, curve, color=role("kernel"), linewidth=0.8, alpha=0.45)
        axes.plot(images, sums[shown], color=role("kernel"), linewidth=2.4)
        middle = len(images) // 2
        axes.text(images[middle], 0.955 * sums[shown][middle], "moved most",
                  color=role("kernel"), ha="center", va="top",
                  bbox={"facecolor": role("paper"), "edgecolor": "none", "pad": 1})  # fmt: skip
        axes.text(images[-1], 0.97, "all together: 1", ha="right", va="top", color=role("muted"))
        axes.set(xlim=(0, images[-1]), ylim=(0, 1.06 * sums.max()))
        axes.set(xlabel="images, those that pushed most first", ylabel="their shares, added")

    return draw


def same_filter(
    trained: Float[np.ndarray, "k k"],
    sources: Mapping[str, tuple[Float[np.ndarray, "h w"], Sequence[tuple[int, int]]]],
    rebuilt: Mapping[str, Float[np.ndarray, "k k"]],
) -> Drawing:
    """A filter, pictures with frames around the patches used, and the filter made of each."""
    limit, k = float(np.abs(trained).max()), len(trained)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])

    def draw(figure: Figure) -> None:
        narrow = is_narrow(figure)
        grid = figure.subplots(1 + len(sources) if narrow else 2, 2 if narrow else 1 + len(sources))
        pairs = grid if narrow else grid.T
        draw_image(pairs[0][0], trained, "trained on digits", limit=limit)
        pairs[0][1].axis("off")
        for (upper, lower), (name, (image, places)) in zip(pairs[1:], sources.items(), strict=True):
            draw_image(upper, image, name)
            frames = Path.make_compound_path(
                *(
                    Path(k * square + (column - 0.5, row - 0.5), closed=True)
                    for row, column in places
                )
            )
            upper.add_patch(PathPatch(frames, fill=False, lw=1.1, ec=role("kernel")))
            draw_image(lower, rebuilt[name], f"out of {len(places)} patches", limit=limit)

    return draw


def revealed(
    image: Float[np.ndarray, "h w"],
    dense: Float[np.ndarray, "h w"],
    guesses: Mapping[int, Float[np.ndarray, "h w"]],
) -> Drawing:
    """An image, a fully connected layer's gradient, and guesses from more and more filters'."""

    def draw(figure: Figure) -> None:
        count = 2 + len(guesses)
        axes = panels(figure, count, 3 if is_slide(figure) else count, 2)
        limit = float(np.abs(dense).max())
        draw_image(axes[0], 1 - image, "the image")
        draw_image(axes[1], dense, "dense layer", limit=limit)
        for place, (filters, guess) in zip(axes[2:], guesses.items(), strict=True):
            draw_image(place, 1 - guess, f"{filters} filter{'s' if filters > 1 else ''}")

    return draw


def memorised(
    filters: Sequence[int], accuracies: Mapping[str, Mapping[str, Float[np.ndarray, "seeds n"]]]
) -> Drawing:
    """Accuracy against the number of filters, in training and test, a panel a kind of labels."""
    looks = {"training images": "kernel", "new images": "output"}

    def draw(figure: Figure) -> None:
        both = panels(figure, len(accuracies), len(accuracies), 1)
        for n, (axes, (title, curves)) in enumerate(zip(both, accuracies.items(), strict=True)):
            axes.axhline(0.1, color=role("muted"), linewidth=1, linestyle=(0, (3, 3)))
            for name, values in curves.items():
                _curve(axes, filters, values, looks[name])
                low, high = values[:, -2:].min(), values[:, -2:].max()
                above = high < 0.5
                label_line(axes, filters[-1], high + 0.03 if above else low - 0.03, name,
                           looks[name], ha="right", va="bottom" if above else "top")  # fmt: skip
            axes.set_xscale("log", base=2)
            axes.set_xticks(filters, [str(value) for value in filters])
            axes.minorticks_off()
            axes.set(ylim=(0, 1.05), title=title)
            if n == len(both) - 1 or not is_narrow(figure):
                axes.set_xlabel("filters")
            if n == 0 or is_narrow(figure):
                axes.set_ylabel("share right")
        both[0].text(filters[-1], 0.12, "guessing", color=role("muted"), ha="right", va="bottom")

    return draw


def _curve(axes: Axes, x: Sequence[int], values: Float[np.ndarray, "seeds n"], colour: str) -> None:
    """The mean over the seeds, and a band from the worst seed to the best."""
    axes.fill_between(x, values.min(0), values.max(0), color=role(colour), alpha=0.2, linewidth=0)
    axes.plot(x, values.mean(0), "o-", color=role(colour), ms=4, linewidth=1.6)


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %".replace("-", "−")
