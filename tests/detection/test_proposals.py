"""Proposed places of small digits in large pictures, and how they are read."""

import cv2
import numpy as np
import pytest

from digitdet.common.boxes import intersection
from digitdet.common.errors import ModelError
from digitdet.configs import ReadConfig
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.proposals import ProposalNetwork, _parts, proposal_scale
from digitdet.detection.search import MultiScaleDetector
from digitdet.models.model_file import DETECTOR, shipped_file

NETWORK = ProposalNetwork()


def page(width=1600, height=1200, background=230):
    return np.full((height, width, 3), background, np.uint8)


def write(image, text, x, y, height, grey=30):
    """Write a number with its left bottom at (x, y); return the box of its digits."""
    large = np.zeros((200, 120 * len(text) + 40), np.uint8)
    cv2.putText(large, text, (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 5, 255, 14, cv2.LINE_AA)  # 110 px high
    factor = height / 110
    ink = cv2.resize(large, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)[:, :, None] / 255
    top, left = y - round(150 * factor), x - round(20 * factor)
    part = image[top : top + ink.shape[0], left : left + ink.shape[1]]
    part[:] = part * (1 - ink) + grey * ink
    return x, y - height, x + round((large.shape[1] - 60) * factor), y


@pytest.mark.parametrize(("background", "grey"), [(230, 30), (30, 220)], ids=["dark", "light"])
@pytest.mark.parametrize("height", [8, 12, 20, 40])
def test_digits_of_every_small_size_are_proposed_with_their_height(height, background, grey):
    image = page(background=background)
    box = write(image, "3729", 1050, 700, height, grey)
    places = NETWORK.propose(image)
    shared = intersection(places, np.float32([box]))[:, 0]
    assert len(places)
    assert (shared > 0).all()
    assert height / 1.5 < np.median(places[:, 3] - places[:, 1]) < height * 1.5


def test_nothing_is_proposed_on_a_blank_page():
    assert NETWORK.propose(page()).shape == (0, 4)


def test_parts_of_the_picture_propose_the_same_in_threads():
    image = page()
    write(image, "58", 790, 600, 12)  # at the seam of the parts
    expected = NETWORK.propose(image)
    reversed_parts = NETWORK.propose(image, lambda function, parts: [function(part) for part in parts])
    np.testing.assert_array_equal(reversed_parts, expected)


@pytest.mark.parametrize(
    ("width", "height"), [(800, 600), (600, 800), (4000, 3000), (10_000, 40), (1, 3000), (9000, 9000)]
)
def test_parts_cover_the_picture_and_are_bounded(width, height):
    scale = proposal_scale(width, height)
    parts = list(_parts(width, height, scale))
    assert 0 < scale <= 1
    assert width * height * scale**2 <= 5_000_001
    assert len(parts) >= 2
    assert max(max(x1 - x0, y1 - y0) * scale for x0, y0, x1, y1 in parts) <= 1024 + 64 + 2
    seen = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in parts:
        seen[y0:y1, x0:x1] = True
    assert seen.all()


def test_small_digits_of_a_large_page_are_found():
    image = page(5000, 3500)
    boxes = {"3729": write(image, "3729", 4100, 2900, 14), "58": write(image, "58", 700, 300, 20)}
    digits = MultiScaleDetector(OnnxDetector(), ProposalNetwork(), ReadConfig()).detect([image])[0]
    for text, box in boxes.items():
        part = digits.take(intersection(digits.boxes, np.float32([box]))[:, 0] > 0)
        assert "".join(str(label) for label in part.labels[np.argsort(part.boxes[:, 0])]) == text
    assert len(digits) == 6


def test_another_network_is_refused():
    with pytest.raises(ModelError, match=r"detector\.onnx: not a proposal network made by digitdet train"):
        ProposalNetwork(shipped_file(DETECTOR))
