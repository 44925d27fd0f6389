"""The filter studio's arithmetic in JavaScript, against convbook in NumPy."""

import numpy as np
import pytest
from node import run

from convbook import filters
from convbook.ops.padding import PADDING_MODES
from convbook.photographs import LUMA

IMPORT = 'import * as f from "./arithmetic/filtering.mjs";'
CASES = 2500


def random_case(rng: np.random.Generator) -> dict:
    """A picture, a kernel and a way to fill the border: sometimes ones that do not fit."""
    height, width = rng.integers(1, 13, size=2)
    rows, columns = rng.integers(1, 6), rng.integers(1, 7)  # one column too many, at times
    kernel = rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < 0.8)
    return {
        "picture": rng.random((height, width)).tolist(),
        "kernel": np.round(kernel, 3).tolist(),
        "mode": str(rng.choice([*PADDING_MODES, "constant"], p=[0.24] * 4 + [0.04])),
        "row": int(rng.integers(height)),
        "column": int(rng.integers(width)),
    }


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(5)
    return [random_case(rng) for _ in range(CASES)]


@pytest.fixture(scope="module")
def answers(cases):
    script = """
    const one = ({ picture, kernel, mode, row, column }) => {
      const image = { height: picture.length, width: picture[0].length, grey: Float64Array.from(picture.flat()) };
      const response = f.filtered(image, kernel, mode);
      return { response: [...response], summary: f.summary(response), weighed: f.weighed(kernel),
        window: f.windowAt(image, kernel, mode, row, column) };
    };
    answer(data.map(attempt(one)));
    """  # noqa: E501 (JavaScript has its own width)
    return run(IMPORT + script, cases)


def expected(case):
    """The response by convbook; None where it refuses, or the studio's kernels end."""
    if len(case["kernel"][0]) > 5:
        return None
    try:
        return filters.filtered(case["picture"], case["kernel"], case["mode"])
    except ValueError:
        return None


def test_a_response_is_convbooks_and_what_it_refuses_is_refused(cases, answers):
    refused = 0
    for case, found in zip(cases, answers, strict=True):
        response = expected(case)
        assert ("refused" in found) == (response is None), (case, found)
        if response is None:
            refused += 1
        else:
            np.testing.assert_allclose(found["response"], response.ravel(), rtol=0, atol=1e-9)
    assert 100 < refused < CASES / 2  # both kinds were tried


def test_a_window_times_the_kernel_is_the_pixel_of_the_response(cases, answers):
    for case, found in zip(cases, answers, strict=True):
        if "refused" in found:
            continue
        seen = np.array(found["window"]["values"])
        response = np.reshape(found["response"], np.shape(case["picture"]))
        total = np.sum(seen * case["kernel"])
        assert total == pytest.approx(response[case["row"], case["column"]], abs=1e-9)


def test_a_square_of_the_window_is_outside_where_the_picture_ends(cases, answers):
    for case, found in zip(cases, answers, strict=True):
        if "refused" in found:
            continue
        rows, columns = np.shape(case["kernel"])
        down = case["row"] + np.arange(rows) - (rows - 1) // 2
        right = case["column"] + np.arange(columns) - (columns - 1) // 2
        height, width = np.shape(case["picture"])
        inside = np.outer((down >= 0) & (down < height), (right >= 0) & (right < width))
        np.testing.assert_array_equal(found["window"]["outside"], ~inside)


def test_a_summary_says_what_numpy_says(cases, answers):
    for case, found in zip(cases, answers, strict=True):
        if "refused" in found:
            continue
        response, kernel = expected(case), np.array(case["kernel"])
        assert found["summary"]["least"] == pytest.approx(response.min(), abs=1e-9)
        assert found["summary"]["most"] == pytest.approx(response.max(), abs=1e-9)
        assert found["summary"]["negative"] == np.mean(response < -1e-9)
        assert found["weighed"]["sum"] == pytest.approx(kernel.sum(), abs=1e-9)
        reach = max(kernel.clip(0).sum(), -kernel.clip(None, 0).sum())
        assert found["weighed"]["reach"] == pytest.approx(reach, abs=1e-9)


def test_presets_are_the_kernels_of_the_chapter():
    chapters = {
        "identity": filters.identity(),
        "box-3": filters.box(3),
        "box-5": filters.box(5),
        "gaussian": filters.gaussian(1, 2),
        "sharpen": filters.identity() - filters.laplacian(),
        "sobel-vertical": filters.sobel(1),
        "sobel-horizontal": filters.sobel(0),
        "prewitt": filters.prewitt(1),
        "laplacian": filters.laplacian(),
    }
    presets = run(IMPORT + "answer(f.PRESETS)", None)
    assert list(presets) == list(chapters)
    for name, kernel in chapters.items():
        np.testing.assert_allclose(presets[name], kernel, rtol=0, atol=1e-12)


def test_modes_and_luma_are_convbooks():
    assert set(run(IMPORT + "answer(f.MODES)", None)) == set(PADDING_MODES)
    assert run(IMPORT + "answer(f.LUMA)", None) == list(LUMA)


def test_grey_of_coloured_pixels_is_their_luma():
    pixels = np.random.default_rng(1).integers(0, 256, size=(500, 4))
    found = run(
        IMPORT + "answer([...f.greyOf(Uint8ClampedArray.from(data.flat()))])", pixels.tolist()
    )
    np.testing.assert_allclose(found, pixels[:, :3] @ np.array(LUMA) / 255, atol=1e-9)


def test_a_kernel_that_grows_filters_as_before_and_one_cut_back_is_the_same():
    rng = np.random.default_rng(2)
    shapes = [(rng.integers(1, 6, size=2), rng.integers(1, 6, size=2)) for _ in range(200)]
    cases = [
        {"kernel": rng.normal(size=np.minimum(a, b)).tolist(), "to": np.maximum(a, b).tolist()}
        for a, b in shapes
    ]
    script = """answer(data.map(({ kernel, to }) => {
      const grown = f.resized(kernel, ...to);
      return { grown, back: f.resized(grown, kernel.length, kernel[0].length) };
    }))"""
    picture = rng.random((9, 9))
    for case, found in zip(cases, run(IMPORT + script, cases), strict=True):
        assert np.shape(found["grown"]) == tuple(case["to"])
        assert found["back"] == case["kernel"]
        as_before = filters.filtered(picture, case["kernel"], "zeros")
        response = filters.filtered(picture, found["grown"], "zeros")
        np.testing.assert_allclose(response, as_before, atol=1e-12)


def test_colours_follow_the_numbers_and_end_at_the_limits():
    values = np.random.default_rng(3).normal(size=400)
    script = """
    const colours = f.tableOf(Array.from({ length: 201 }, (_, at) => [at, 255 - at, 7]));
    const bytes = new Uint8ClampedArray(4 * data.length);
    f.paint(Float64Array.from(data), colours, -1, 1, new Uint32Array(bytes.buffer));
    answer([...bytes]);
    """
    found = np.reshape(run(IMPORT + script, values.tolist()), (-1, 4))
    place = np.floor(np.clip(values, -1, 1) * 100 + 100 + 0.5)
    wanted = np.stack([place, 255 - place, np.full(400, 7), np.full(400, 255)], axis=1)
    np.testing.assert_array_equal(found, wanted)
