"""Objects in the light of a photo."""

import cv2
import numpy as np

from digitdet.synth.effects.relight import ObjectLight, measure_light, relight

REGION = slice(20, 80), slice(20, 140)
LIGHT = ObjectLight(gain=1.0, blur=1.0, shadow=0.0, shadow_shift=(0.0, 0.0), seed=1)


def put_panel(photo):
    """Return the region of a photo with a slanted white panel, and where its body is."""
    behind = photo[REGION].copy()
    drawn, body = behind.copy(), np.zeros(behind.shape[:2], np.uint8)
    corners = np.array([[[15, 12], [104, 17], [100, 50], [11, 45]]])
    cv2.fillPoly(drawn, corners, (255, 255, 255), cv2.LINE_AA)
    cv2.fillPoly(body, corners, 1, cv2.LINE_8)
    return behind, relight(behind, drawn, body > 0, measure_light(photo), REGION, LIGHT, 0.3), body


def test_the_edge_of_an_object_in_the_dark_is_not_brighter_than_the_object():
    _, lit, body = put_panel(np.full((100, 160, 3), 12, np.uint8))
    inside = lit[cv2.erode(body, np.ones((7, 7), np.uint8)) > 0].max()
    assert 20 < inside < 200
    assert lit.max() <= inside + 8  # noise


def test_the_photo_around_an_object_is_unchanged():
    photo = np.random.default_rng(0).integers(0, 255, (100, 160, 3), np.uint8)
    behind, lit, body = put_panel(photo)
    outside = cv2.dilate(body, np.ones((9, 9), np.uint8)) == 0
    assert (lit[outside] == behind[outside]).all()
