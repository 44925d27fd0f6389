"""Drawings of edge images, of kernels with their signs, and of results over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convbook.intervals import mean_interval
from convbook.plotting import Drawing, draw_image, is_narrow, is_slide, panels, role

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Mapping[str, "Float[np.ndarray, ' seeds']"]
GAP = 3  # pixels between images in a line


def examples(
    rows: Mapping[str, Float[np.ndarray, "n h w"]], narrow: int = 5, upright: int | None = None
) -> Drawing:
    """A line of images for each name; ``narrow`` of them on a phone.

    A slide is wider than high. There, more than four lines stand in two columns, as short as on a
    phone; or, given ``upright``, each name has a column with so many of its images below it.
    """

    def draw(figure: Figure) -> None:
        if is_slide(figure) and upright:
            grid = figure.subplots(upright, len(rows), squeeze=False)
            for column, (name, images) in zip(grid.T, rows.items(), strict=True):
                for axes, image in zip(column, images, strict=False):
                    draw_image(axes, image)
                column[0].set_title(name)
            return
        in_two = is_slide(figure) and len(rows) > 4
        short = in_two or is_narrow(figure)
        for axes, (name, images) in zip(_places(figure, len(rows), in_two), rows.items(),
                                        strict=True):  # fmt: skip
            shown = images[:narrow] if short else images
            draw_image(axes, _in_line(shown))
            _outline(axes, *shown.shape)
            for spine in axes.spines.values():
                spine.set_visible(False)
            axes.set_ylabel(name, rotation=0, ha="right", va="center")

    return draw


def _places(figure: Figure, count: int, in_two: bool) -> Sequence[Axes]:
    """So many axes below each other, in one column or in two that are read one after the other."""
    columns = 2 if in_two else 1
    each = figure.subplots(-(-count // columns), columns, squeeze=False).T.ravel()
    for spare in each[count:]:
        spare.remove()
    return list(each[:count])


def facts(rows: Mapping[str, Float[np.ndarray, "n h w"]]) -> dict[str, list[Any]]:
    """What tells the images of `examples`, as columns: grey levels, and where the light is.

    An image of one grey level has none of the latter.
    """
    names = ("line", "image", "ground", "band", "bright pixels", "first row", "last row",
             "first column", "last column")  # fmt: skip
    table = []
    for name, images in rows.items():
        for n, image in enumerate(images):
            lit = image > image.min()
            places = (
                [end for axis in np.nonzero(lit) for end in (axis.min(), axis.max())]
                if lit.any()
                else [None] * 4
            )
            table.append(
                (name, n, image.min(), image.max() if lit.any() else None, int(lit.sum()), *places)
            )
    return {
        name: list(column) for name, column in zip(names, zip(*table, strict=True), strict=True)
    }


def pixels(images: Mapping[str, Float[np.ndarray, "h w"]]) -> dict[str, Any]:
    """Images of one size as columns, each with its name: a row for each place."""
    height, width = next(iter(images.values())).shape
    return {
        "row": np.repeat(range(height), width),
        "column": np.tile(range(width), height),
        **{name: image.ravel() + 0.0 for name, image in images.items()},  # no −0
    }


def kernels(
    rows: Mapping[str, Float[np.ndarray, "n k k"]], titles: Sequence[str] = (), narrow: int = 3
) -> Drawing:
    """A row of kernels for each name, negative blue and positive orange, all on one scale.

    ``titles`` stand above the columns; a phone shows the first ``narrow`` of them.
    """
    limit = max(float(np.abs(row).max()) for row in rows.values())

    def draw(figure: Figure) -> None:
        count = len(next(iter(rows.values())))
        columns = min(count, narrow) if is_narrow(figure) else count
        grid = figure.subplots(len(rows), columns, squeeze=False)
        for line, (name, row) in zip(grid, rows.items(), strict=True):
            for axes, kernel in zip(line, row, strict=False):
                draw_image(axes, kernel, limit=limit)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axes, title in zip(grid[0], titles, strict=False):
            axes.set_title(title)
        if is_slide(figure):  # elsewhere the caption says so
            for axes, sign in zip(grid[-1], ("orange: above 0", "blue: below 0"), strict=False):
                axes.set_xlabel(sign)

    return draw


def over_seeds(
    results: Mapping[str, Rows],
    colours: Mapping[str, str],
    *,
    limits: tuple[float, float] = (0, 1),
    chance: float | None = None,
    mark: str = "chance",
    name: str = "",
    wide: int | None = None,
) -> Drawing:
    """A panel for each result, a row for each setting: a dot a seed, a bar over the 95 % interval.

    ``colours`` has the role of each row. ``chance`` draws a thin line there, named ``mark`` in the
    first panel, and ``name`` is written below the axes.
    """

    def draw(figure: Figure) -> None:
        narrow = is_narrow(figure)
        shown = panels(figure, len(results), wide or len(results), 1, sharey=not narrow)
        for axes, (title, rows) in zip(shown, results.items(), strict=True):
            for y, (row, values) in enumerate(rows.items()):
                _seeds(axes, y, values, role(colours.get(row, "ink")))
            if chance is not None:
                axes.axvline(chance, color=role("muted"), linewidth=1, linestyle="--", zorder=0)
            axes.set_yticks(range(len(rows)), list(rows))
            below = 0.45 * max(1.0, len(rows) / 6) if chance is not None and mark else 0.0
            axes.set(xlim=limits, ylim=(len(rows) - 0.5 + below, -0.6))
            axes.grid(axis="x", linewidth=0.8)
            axes.set_axisbelow(True)
            if title:
                axes.set_title(title)
        if chance is not None and mark:
            left = chance > np.mean(limits)
            shown[0].annotate(mark, (chance, len(rows) - 0.5 + below / 2), (-4 if left else 4, 0),
                              textcoords="offset points", color=role("muted"),
                              ha="right" if left else "left", va="center")  # fmt: skip
        for axes in shown[-1:] if narrow else shown:
            axes.set_xlabel(name)

    return draw


def shares_of_parts(panels_of: Mapping[str, Float[np.ndarray, "n 4"]]) -> Drawing:
    """Kernels by the shares of their rows and of their columns; a dot each, a panel a kind."""
    colours = ("muted", "kernel", "gradient")

    def draw(figure: Figure) -> None:
        each = panels(figure, len(panels_of), 3, 1, sharey=not is_narrow(figure))
        for axes, (title, shares), colour in zip(each, panels_of.items(), colours, strict=False):
            axes.plot([0, 1], [1, 0], color=role("line"), linewidth=1)
            axes.plot(shares[:, 2], shares[:, 1], "o", ms=5, mec="none", alpha=0.7,
                      color=role(colour), clip_on=False)  # fmt: skip
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=title)
            axes.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            axes.set_xlabel("share of the columns")
        for axes in each if is_narrow(figure) else each[:1]:
            axes.set_ylabel("share of the rows")

    return draw


def seen(visible: Mapping[str, Bool[np.ndarray, " places"]], name: str) -> Drawing:
    """A row of squares for each width of a band: filled where it is seen, crossed where not."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        size = 4.2 if is_narrow(figure) else 11 if is_slide(figure) else 8.5
        for y, row in enumerate(visible.values()):
            places = np.arange(len(row))
            axes.plot(places[row], np.full(row.sum(), y), "s", ms=size, mec="none",
                      color=role("output"))  # fmt: skip
            axes.plot(places[~row], np.full((~row).sum(), y), "x", ms=size, mew=1.8,
                      color=role("gradient"))  # fmt: skip
        axes.set_yticks(range(len(visible)), list(visible))
        axes.set(ylim=(len(visible) - 0.4, -0.6), xlabel=name)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)

    return draw


def _seeds(axes: Axes, y: float, values: Float[np.ndarray, " seeds"], colour: str) -> None:
    """A dot for each seed, and a bar over the interval of the mean with a tick at the mean."""
    around = y + 0.13 + 0.13 * np.linspace(-1, 1, len(values))
    axes.plot(values, around, "o", ms=3, mec="none", alpha=0.55, color=colour, clip_on=False)
    low, high = mean_interval(values)
    axes.plot([low, high], [y - 0.2] * 2, color=colour, linewidth=2)
    axes.plot([np.mean(values)] * 2, [y - 0.34, y - 0.06], color=colour, linewidth=2)


def _outline(axes: Axes, n: int, height: int, width: int) -> None:
    """A thin line around each image of `_in_line`: a white band may end where the page begins."""
    for left in np.arange(n) * (width + GAP) - 0.5:
        x, y = left + np.array([0, width, width, 0, 0]), np.array([0, 0, height, height, 0]) - 0.5
        axes.plot(x, y, color=role("muted"), linewidth=0.6, clip_on=False)


def _in_line(images: Float[np.ndarray, "n h w"], gap: int = GAP) -> Float[np.ndarray, "h m"]:
    """Images side by side, with nothing between them."""
    blank = np.full((images.shape[1], gap), np.nan)
    parts = [part for image in images for part in (image, blank)]
    return np.ma.masked_invalid(np.concatenate(parts[:-1], axis=1))
