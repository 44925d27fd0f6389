"""Kernels and their analysis, against SciPy, scikit-image, FFTs and cases worked by hand."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import skimage.feature
import skimage.filters
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from convbook import filters
from convbook.ops import conv2d

# What PyTorch calls a way of padding → what SciPy's ndimage calls it.
BORDERS = {"zeros": "constant", "reflect": "mirror", "replicate": "nearest", "circular": "wrap"}

numbers = st.floats(-10, 10).map(lambda v: round(v, 3))
kernels = arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=numbers)
odd_kernels = kernels.filter(lambda w: w.shape[0] % 2 and w.shape[1] % 2)
# Grey levels in steps, as from a camera: no differences that only rounding sees.
pictures = arrays(
    float,
    array_shapes(min_dims=2, max_dims=2, min_side=7, max_side=12),
    elements=st.integers(0, 255).map(lambda level: level / 255),
)


def picture(shape=(24, 31), seed=0):
    return np.random.default_rng(seed).random(shape)


@given(pictures, odd_kernels, st.sampled_from(sorted(BORDERS)))
def test_filtered_is_scipys_correlation(image, kernel, border):
    theirs = scipy.ndimage.correlate(image, kernel, mode=BORDERS[border])
    assert np.allclose(filters.filtered(image, kernel, border), theirs)


@given(kernels)
def test_filtered_keeps_the_size_whatever_the_kernels(kernel):
    assert filters.filtered(picture(), kernel).shape == picture().shape


@pytest.mark.parametrize("size", [1, 2, 3, 6, 9])
def test_box_is_the_average_of_a_square(size):
    image = picture((size, size))
    assert np.allclose(conv2d(image, filters.box(size)), image.mean())


@pytest.mark.parametrize("sigma", [0.5, 1, 2.5])
def test_gaussian_is_scipys(sigma):
    image = picture((40, 40))
    reach = int(np.ceil(4 * sigma))
    theirs = scipy.ndimage.gaussian_filter(image, sigma, mode="mirror", radius=reach)
    assert np.allclose(filters.filtered(image, filters.gaussian(sigma)), theirs)


@given(st.floats(0.2, 20), st.integers(0, 30))
def test_gaussian_has_the_size_and_the_sum_that_it_says(sigma, radius):
    kernel = filters.gaussian(sigma, radius)
    assert kernel.shape == (2 * radius + 1,) * 2
    assert np.isclose(kernel.sum(), 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_prewitt_and_sobel_are_scipys(axis):
    image = picture()
    for ours, theirs in [
        (filters.prewitt, scipy.ndimage.prewitt),
        (filters.sobel, scipy.ndimage.sobel),
    ]:
        expected = theirs(image, axis=axis, mode="mirror")
        assert np.allclose(filters.filtered(image, ours(axis)), expected)


def test_a_vertical_edge_detector_sees_dark_to_bright_as_positive_and_no_horizontal_edge():
    step = np.zeros((6, 6))
    step[:, 3:] = 1
    assert filters.filtered(step, filters.prewitt(1))[2, 2] == 3
    assert filters.filtered(step, filters.sobel(1))[2, 2] == 4
    assert not filters.filtered(step, filters.sobel(0)).any()


@pytest.mark.parametrize("axis", [0, 1])
def test_difference_is_the_slope_of_a_plane(axis):
    rows, columns = np.indices((5, 5))
    response = conv2d(2.0 * rows - 3.0 * columns + 1, filters.difference(axis))
    assert np.allclose(response, [2, -3][axis])


def test_gradient_is_the_slope_of_a_plane_and_scikit_images_sobel():
    rows, columns = np.indices((7, 7))
    down, right = filters.gradient(2.0 * rows - 3.0 * columns)
    assert np.allclose(down[1:-1, 1:-1], 2)
    assert np.allclose(right[1:-1, 1:-1], -3)
    image = picture()
    down, right = filters.gradient(image)
    inside = np.s_[1:-1, 1:-1]
    assert np.allclose(down[inside], skimage.filters.sobel_h(image)[inside] / 2)
    assert np.allclose(right[inside], skimage.filters.sobel_v(image)[inside] / 2)


def test_laplacian_is_scipys_and_sees_no_plane():
    image = picture()
    expected = scipy.ndimage.laplace(image, mode="mirror")
    assert np.allclose(filters.filtered(image, filters.laplacian()), expected)
    rows, columns = np.indices((5, 5))
    assert np.allclose(conv2d(1.0 * rows + 2.0 * columns, filters.laplacian()), 0)
    assert np.allclose(conv2d(1.0 * rows**2, filters.laplacian()), 2)


def test_laplacian_of_gaussian_approaches_the_derivative_of_the_bell():
    image = scipy.ndimage.gaussian_filter(picture((60, 60)), 2)
    ours = filters.filtered(image, filters.laplacian_of_gaussian(3))
    theirs = scipy.ndimage.gaussian_laplace(image, 3, mode="mirror")
    inside = np.s_[16:-16, 16:-16]
    assert np.abs(ours - theirs)[inside].max() < 0.05 * np.abs(theirs[inside]).max()


def test_difference_of_gaussians_is_scikit_images():
    image = picture((50, 50))
    kernel = filters.difference_of_gaussians(1.5, 2.4)
    theirs = skimage.filters.difference_of_gaussians(image, 1.5, 2.4, mode="mirror")
    inside = np.s_[12:-12, 12:-12]
    assert np.allclose(filters.filtered(image, kernel)[inside], theirs[inside], atol=1e-3)
    assert np.isclose(kernel.sum(), 0)


@given(pictures, st.sampled_from([1, 3, 5]), st.sampled_from(sorted(BORDERS)))
def test_median_is_scipys(image, size, border):
    theirs = scipy.ndimage.median_filter(image, size, mode=BORDERS[border])
    assert np.array_equal(filters.median(image, size, border), theirs)


@given(st.floats(0, 1), st.integers(0, 2**32))
def test_salt_and_pepper_hits_about_its_share_with_black_and_white(share, seed):
    image = np.full((60, 60), 0.5)
    noisy = filters.salt_and_pepper(image, share, np.random.default_rng(seed))
    hit = noisy != image
    assert set(np.unique(noisy[hit])) <= {0, 1}
    assert abs(hit.mean() - share) < 6 * np.sqrt(share * (1 - share)) / 60 + 1e-9
    assert np.all(image == 0.5)
    again = filters.salt_and_pepper(image, share, np.random.default_rng(seed))
    assert np.array_equal(noisy, again)


@given(kernels, kernels)
def test_composed_kernels_do_what_they_do_one_after_the_other(first, second):
    image = picture()
    one_by_one = conv2d(conv2d(image, first), second)
    assert np.allclose(conv2d(image, filters.compose(first, second)), one_by_one)


@given(kernels, kernels)
def test_composing_is_scipys_full_convolution(first, second):
    expected = scipy.signal.convolve2d(first, second)
    assert np.allclose(filters.compose(first, second), expected)


weights = arrays(float, st.integers(1, 6), elements=numbers)


@given(weights, weights)
def test_a_product_of_column_and_row_comes_apart_again(column, row):
    kernel = np.outer(column, row)
    if np.abs(kernel).max() < 1e-3:
        return
    u, v = filters.separate(kernel)
    assert np.allclose(np.outer(u, v), kernel)
    assert np.isclose(np.linalg.norm(u), np.linalg.norm(v))


@pytest.mark.parametrize("kernel", [filters.laplacian(), np.eye(3), np.zeros((3, 3))])
def test_a_kernel_of_another_rank_does_not_come_apart(kernel):
    with pytest.raises(ValueError, match="rank"):
        filters.separate(kernel)


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_displacement_of_a_kernel_that_fetches_one_pixel(down, right):
    kernel = np.zeros((7, 7))
    kernel[3 - down, 3 - right] = 2
    assert filters.displacement(kernel) == (down, right)
    image = picture()
    moved = np.roll(image, (down, right), (0, 1))
    assert np.allclose(filters.filtered(image, kernel / 2, "circular"), moved)


@pytest.mark.parametrize("size", range(1, 11))
def test_even_averages_move_by_half_a_pixel(size):
    expected = -0.5 if size % 2 == 0 else 0
    assert np.allclose(filters.displacement(filters.box(size)), expected)


def test_displacement_is_the_phase_of_long_waves():
    kernel = np.random.default_rng(0).random((4, 5))
    kernel /= kernel.sum()
    f = 1e-5
    down, right = (np.angle(filters.transfer(kernel, *w)) for w in ((f, 0), (0, f)))
    expected = np.array([-down, -right]) / (2 * np.pi * f)
    assert np.allclose(filters.displacement(kernel), expected, atol=1e-6)


@settings(deadline=None)
@given(pictures, kernels)
def test_transfer_multiplies_the_fourier_transform(image, kernel):
    frequencies = np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij")
    expected = np.fft.fft2(image) * filters.transfer(kernel, *frequencies)
    ours = filters.filtered(image, kernel, "circular")
    assert np.allclose(np.fft.fft2(ours), expected, atol=1e-8)


@given(weights)
def test_transfer_of_a_row_is_scipys_frequency_response(row):
    f = np.linspace(0, 0.5, 17)
    # freqz counts delays from the first weight; a correlation looks ahead from its middle.
    _, response = scipy.signal.freqz(row[::-1], worN=2 * np.pi * f)
    ahead = len(row) - 1 - (len(row) - 1) // 2
    expected = response * np.exp(2j * np.pi * f * ahead)
    assert np.allclose(filters.transfer(row[None], 0, f), expected)


@given(kernels, kernels, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_filters_in_a_row_multiply_their_gains(first, second, down, right):
    one_by_one = filters.transfer(first, down, right) * filters.transfer(second, down, right)
    together = filters.transfer(filters.compose(first, second), down, right)
    assert np.isclose(abs(together), abs(one_by_one), atol=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 100), st.floats(-5, 5))
def test_normalised_correlation_is_scikit_images_whatever_brightness_and_contrast(
    seed, contrast, brightness
):
    image = picture((20, 25), seed)
    template = contrast * image[3:9, 5:12] + brightness
    scores = filters.normalised_correlation(image, template)
    assert np.allclose(scores, skimage.feature.match_template(image, template))
    assert np.isclose(scores[3, 5], 1)
    assert np.allclose(filters.normalised_correlation(image, -template), -scores)


def test_normalised_correlation_of_even_windows_is_zero():
    image = np.full((8, 8), 0.3)
    image[5:, 5:] = picture((3, 3))
    scores = filters.normalised_correlation(image, picture((3, 3)))
    assert np.all(scores[:3, :3] == 0)
    assert np.isclose(scores[5, 5], 1)
    assert not filters.normalised_correlation(np.zeros((4, 4)), np.eye(2)).any()


@pytest.mark.parametrize(
    "call",
    [
        lambda: filters.identity(2),
        lambda: filters.identity(0),
        lambda: filters.box(0),
        lambda: filters.box(2.5),
        lambda: filters.gaussian(0),
        lambda: filters.gaussian(-1),
        lambda: filters.gaussian(float("nan")),
        lambda: filters.gaussian(1, radius=-1),
        lambda: filters.prewitt(2),
        lambda: filters.difference_of_gaussians(2, 1),
        lambda: filters.median(picture(), 2),
        lambda: filters.filtered(picture(), np.ones((3, 3)), "mirror"),
        lambda: filters.filtered(picture(), np.ones(3)),
        lambda: filters.salt_and_pepper(picture(), 1.5, np.random.default_rng(0)),
        lambda: filters.displacement(filters.laplacian()),
        lambda: filters.displacement(np.zeros((3, 3))),
        lambda: filters.normalised_correlation(picture(), np.ones((3, 3))),
        lambda: filters.normalised_correlation(picture(), picture((40, 3))),
    ],
)
def test_what_makes_no_sense_is_a_value_error(call):
    with pytest.raises(ValueError, match=r"\w+ (is|has) "):
        call()
