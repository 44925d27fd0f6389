"""The photographs: what they hold, and that they come from the package and from nowhere else."""

import socket
from pathlib import Path

import numpy as np
import pytest
import skimage

from convbook import photographs
from convbook.photographs import PHOTOGRAPHS

SHAPES = {
    "cat": (300, 451),
    "camera": (512, 512),
    "coffee": (400, 600),
    "bricks": (512, 512),
    "coins": (303, 384),
}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a photograph asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_grey_is_float_between_black_and_white(name):
    image = photographs.grey(name)
    assert image.shape == SHAPES[name]
    assert image.dtype == np.float64
    assert 0 <= image.min() < 0.3 < 0.7 < image.max() <= 1


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_colour_has_three_channels_whose_luma_is_the_grey(name):
    image = photographs.colour(name)
    assert image.shape == (*SHAPES[name], 3)
    assert 0 <= image.min() < image.max() <= 1
    red, green, blue = np.moveaxis(image, -1, 0)
    assert np.allclose(0.299 * red + 0.587 * green + 0.114 * blue, photographs.grey(name))


def test_a_colour_photograph_is_not_grey():
    red, _, blue = np.moveaxis(photographs.colour("coffee"), -1, 0)
    assert (red - blue).max() > 0.3


@pytest.mark.parametrize("photograph", PHOTOGRAPHS.values(), ids=list(PHOTOGRAPHS))
def test_scikit_image_states_the_same_terms(photograph):
    """What the data say of a file must stand in the documentation of the function that loads it."""
    functions = {
        "chelsea.png": skimage.data.chelsea,
        "camera.png": skimage.data.camera,
        "coffee.png": skimage.data.coffee,
        "brick.png": skimage.data.brick,
        "coins.png": skimage.data.coins,
    }
    text = " ".join(functions[photograph.file].__doc__.split()).lower()
    assert photograph.licence.lower() in text
    assert photograph.author.split(" (")[0].lower() in text
    assert (Path(skimage.__file__).parent / "data" / photograph.file).exists()


def test_every_call_gives_a_fresh_array():
    photographs.grey("cat")[:] = 0
    assert photographs.grey("cat").max() > 0.5


def test_an_unknown_name_is_a_value_error_that_lists_the_known():
    with pytest.raises(ValueError, match=r"dog.*cat"):
        photographs.grey("dog")


def test_a_missing_file_is_said_and_not_fetched(monkeypatch):
    lost = photographs.Photograph("lost.png", "Lost", "nobody", "CC0")
    monkeypatch.setitem(PHOTOGRAPHS, "lost", lost)
    with pytest.raises(FileNotFoundError, match=r"lost\.png"):
        photographs.grey("lost")


def test_a_piece_is_from_the_picture_it_is_said_to_be_from():
    numbers = [np.full((9, 7), 10.0), np.full((8, 12), 20.0)]
    ramps = [values + np.arange(values.shape[1]) / 100 for values in numbers]
    pieces, labels = photographs.crops(ramps, np.random.default_rng(0), 5, 60)
    assert pieces.shape == (60, 5, 5)
    assert set(labels) == {0, 1}
    assert np.array_equal(np.floor(pieces[:, 0, 0] / 10), labels + 1)
    assert np.allclose(np.diff(pieces, axis=2), 0.01)
    starts = {round(100 * (piece[0, 0] % 10)) for piece, label in zip(pieces, labels, strict=True)
              if label}  # fmt: skip
    assert starts == set(range(8))  # every place that fits, and no other


def test_a_piece_that_does_not_fit_into_every_picture_is_refused():
    rng = np.random.default_rng(0)
    pictures = [np.zeros((9, 9)), np.zeros((9, 7))]
    with pytest.raises(ValueError, match="side"):
        photographs.crops(pictures, rng, 8, 1)
    with pytest.raises(ValueError, match="pictures"):
        photographs.crops([], rng, 8, 1)
