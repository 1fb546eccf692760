"""Palettes as colour-blind readers see them: classes next to each other stay apart, marks and words stand out.

Colour vision without one kind of cone is simulated with the matrices of Machado, Oliveira and Fernandes (2009, severity 1.0),
in linear light; differences are CIE 1976 in CIELAB, contrast is WCAG 2.2's. Written from those definitions alone.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from planner import style

BLIND = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = TO_XYZ.sum(axis=1)

SEQUENCES = {
    "need": style.NEED_COLOURS,
    "gap": style.GAP_COLOURS,
    "share": style.SHARE_COLOURS,
    "bands": style.band_colours(3),
    "overlap": style.OVERLAP_COLOURS,
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(colour: str, sight: str) -> np.ndarray:
    seen = np.clip(np.asarray(BLIND[sight]) @ linear(colour), 0, 1)
    ratio = TO_XYZ @ seen / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, sight: str) -> float:
    return float(np.linalg.norm(lab(one, sight) - lab(other, sight)))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((float(TO_XYZ[1] @ linear(colour)) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measures_are_those_of_their_definitions():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert lab("#ffffff", "normal") == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#ff0000", "normal") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    assert difference("#ff0000", "#808000", "deutan") < difference("#ff0000", "#808000", "normal") / 2  # red and olive


@pytest.mark.parametrize("sight", BLIND)
@pytest.mark.parametrize("name", SEQUENCES)
def test_classes_beside_each_other_are_told_apart_by_everyone(name, sight):
    apart = [difference(one, other, sight) for one, other in pairwise(SEQUENCES[name])]
    assert min(apart) >= 10


@pytest.mark.parametrize("sight", BLIND)
def test_kinds_of_stations_are_told_apart_by_everyone(sight):
    assert min(difference(one, other, sight) for one, other in combinations(style.CATEGORICAL, 2)) >= 10


@pytest.mark.parametrize("sight", BLIND)
def test_both_classes_of_facilities_are_told_apart_by_everyone(sight):
    assert difference(*style.FACILITY_COLOURS.values(), sight) >= 20


def test_classes_grow_darker_so_that_a_grey_print_says_the_same():
    for name, colours in SEQUENCES.items():
        lightness = [lab(colour, "normal")[0] for colour in colours]
        assert lightness in (sorted(lightness), sorted(lightness, reverse=True)), name


def test_marks_stand_out_from_the_ground_and_figures_on_marks_are_read():
    for line, _ in style.AREA_LINES.values():
        assert contrast(line, style.GROUND["paper"]) >= 3  # WCAG 1.4.11
    for colour in style.FACILITY_COLOURS.values():
        assert contrast("#ffffff", colour) >= 4.5  # its number
        assert contrast(colour, style.GROUND["paper"]) >= 3
    assert contrast("#000000", style.PROPOSED_COLOUR) >= 4.5
