"""What the classical methods see of a digit."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.classifiers.base import Images

# A digit whose ink has less variance from top to bottom (pixels squared) has no slant to speak of.
_LEAST_VARIANCE = 0.5


def pixels(images: Images, deskewed: bool) -> npt.NDArray[np.float32]:
    """Images (N, 28, 28) uint8 as rows (N, 784), 0 to 1."""
    seen = deskew(images) if deskewed else images
    return np.divide(seen.reshape(len(seen), -1), np.float32(255), dtype=np.float32)


def deskew(images: Images) -> Images:
    """Each image (N, 28, 28) sheared so that its ink leans neither way, and moved so that its mass is in the middle.

    The slant is that of the ink's regression line of x on y: the ratio of its second moments, as in LeCun et al.
    (Gradient-Based Learning Applied to Document Recognition, 1998). An image without ink stays as it is.
    """
    upright = np.zeros_like(images)
    for image, out in zip(images, upright, strict=True):
        moments = cv2.moments(image)
        if not moments["m00"]:
            continue
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        spread = moments["mu02"] / moments["m00"]
        slant = moments["mu11"] / moments["mu02"] if spread > _LEAST_VARIANCE else 0.0
        rows, columns = image.shape
        # From where to take each pixel: its place from the middle, sheared, from the ink's centre.
        matrix = np.array([[1, slant, x - (columns - 1) / 2 - slant * (rows - 1) / 2], [0, 1, y - (rows - 1) / 2]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out[:] = cv2.warpAffine(image, matrix, (columns, rows), flags=flags)
    return upright
