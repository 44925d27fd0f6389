"""The images inside a figure's SVG: fewer bytes, the same pixels."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from convbook.plotting import draw_image, is_narrow, panels
from convbook.rendering import render


def embedded(image, **options):
    """The one image in a figure's SVG as an array, and the element that holds it."""
    files = render("made-up", lambda figure: draw_image(figure.subplots(), image, **options), 3, 3)
    svg = files["made-up.svg"].decode()
    (element,) = re.findall(r"<image [^>]*>", svg)
    data = re.search(r"base64,([^\"]+)", element)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")), element


def test_a_grey_image_keeps_its_levels():
    levels = np.arange(256).reshape(16, 16)
    pixels, _ = embedded(levels / 255)
    assert len(np.unique(pixels)) > 200
    # matplotlib rounds its grey map: off by one level in places.
    assert np.abs(pixels - levels[..., None].astype(float)).max() <= 1
    assert np.ptp(pixels, axis=-1).max() == 0


def test_a_signed_response_is_one_colour_a_value_and_lighter_than_four_channels():
    values = np.random.default_rng(0).normal(size=(100, 120))
    pixels, element = embedded(values, limit=3.0)
    assert pixels.shape == (100, 120, 3)
    order = np.argsort(values.ravel())
    red, blue = pixels.reshape(-1, 3)[order][[0, -1]][:, [0, 2]].T.astype(int)
    assert blue[0] > red[0]
    assert red[1] > blue[1]
    assert len(element) < 1.4 * values.size + 2000


@pytest.mark.parametrize("side, hard", [(8, True), (64, True), (65, False), (200, False)])
def test_only_a_matrix_shows_hard_pixels(side, hard):
    _, element = embedded(np.eye(side))
    assert ("pixelated" in element) == hard


def test_panels_take_fewer_columns_on_a_phone():
    seen = {}

    def draw(figure):
        axes = panels(figure, 5, 3, 2)
        seen[is_narrow(figure)] = {a.get_subplotspec().get_geometry()[:2] for a in axes}, len(axes)

    render("made-up", draw, 3, 3)
    assert seen == {False: ({(2, 3)}, 5), True: ({(3, 2)}, 5)}
