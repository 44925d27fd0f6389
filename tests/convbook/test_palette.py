"""The palette: legible on its grounds, and told apart without full colour vision."""

import re
from itertools import combinations, pairwise

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from convbook.palette import ROLES, SIGNED

THEMES = ("light", "dark")
GROUNDS = ("paper", "surface")
TEXT = ("ink", "muted", "input", "kernel", "output", "gradient")
TOLD_APART = ("input", "kernel", "output", "gradient")  # they stand side by side in most figures

# The vision simulated: its kind in colorspacious, after Machado et al. (2009), which at a severity
# of 100 % makes protanomaly protanopia, and so on.
VISIONS = {
    "full colour": None,
    "protanopia": "protanomaly",
    "deuteranopia": "deuteranomaly",
    "tritanopia": "tritanomaly",
}

# The least distance in CAM02-UCS, where about 1 is just noticeable side by side. Labels and lines
# are small and apart, so they need far more. Petroff (2021, arXiv:2107.02270) chose his colour
# sequences, which matplotlib ships, with at least 20, 18 and 16 between any two of six, eight and
# ten colours, for the same three simulations: ours are to be no closer than the closest of those.
LEAST = 16


def rgb(colour):
    """Red, green and blue from 0 to 1."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    value = rgb(colour)
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(first, second):
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    darker, lighter = sorted([luminance(first), luminance(second)])
    return (lighter + 0.05) / (darker + 0.05)


def seen(colours, vision, severity=100):
    """Colours as someone with that vision sees them, in sRGB from 0 to 1."""
    colours = np.array([rgb(colour) for colour in colours])
    if vision is None:
        return colours
    space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": severity}
    return np.clip(cspace_convert(colours, space, "sRGB1"), 0, 1)


def distance(first, second, vision, severity=100):
    return deltaE(*seen([first, second], vision, severity), input_space="sRGB1")


def test_the_formula_of_contrast_on_cases_that_are_known():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    # the lightest grey that passes on white, and the next one that fails
    assert contrast("#767676", "#ffffff") >= 4.5 > contrast("#777777", "#ffffff")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("name", TEXT)
def test_text_is_legible_on_every_ground(name, ground, theme):
    text, behind = (getattr(ROLES[role], theme) for role in (name, ground))
    assert contrast(text, behind) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", TOLD_APART)
def test_numbers_on_a_filled_cell_are_legible(name, theme):
    fill, number = (getattr(ROLES[role], theme) for role in (name, "paper"))
    assert contrast(number, fill) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("pair", list(combinations(TOLD_APART, 2)), ids="-".join)
@pytest.mark.parametrize("vision", VISIONS)
def test_roles_are_told_apart(vision, pair, theme):
    first, second = (getattr(ROLES[role], theme) for role in pair)
    # The forms in between, too: most people with a deficiency have a weak one.
    for severity in (25, 50, 75, 100):
        assert distance(first, second, VISIONS[vision], severity) >= LEAST


@pytest.mark.parametrize("vision", VISIONS)
def test_the_sign_of_a_response_is_seen(vision):
    for first, second in combinations(SIGNED, 2):
        assert distance(first, second, VISIONS[vision]) >= LEAST
    # and the middle is the lightest, so that a copy in grey shows the size, if not the sign
    assert luminance(SIGNED[1]) > max(luminance(SIGNED[0]), luminance(SIGNED[2]))


def test_each_colour_is_written_in_full():
    for colour in [*SIGNED, *(c for role in ROLES.values() for c in (role.light, role.dark))]:
        assert re.fullmatch("#[0-9a-f]{6}", colour)  # as matplotlib writes it into an SVG


def test_a_light_colour_stands_for_one_role():
    """A figure knows a role by its light colour when it turns with the theme."""
    lights = sorted(role.light for role in ROLES.values())
    assert all(first != second for first, second in pairwise(lights))
