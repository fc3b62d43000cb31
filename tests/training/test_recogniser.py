"""Training data and training of the recogniser."""

import importlib.util

import cv2
import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("the training packages are not installed", allow_module_level=True)

import torch

from digitdet.common.errors import ModelError
from digitdet.configs import RecogniserConfig
from digitdet.detection.recogniser import SIDE, OnnxRecogniser
from digitdet.training.hardware import Machine
from digitdet.training.proposals import (
    BACKGROUND,
    UNCLEAR,
    PictureProposals,
    label_boxes,
    load_proposals,
    save_proposals,
)
from digitdet.training.recogniser import augment, choose_boxes, train_recogniser
from digitdet.training.recogniser_network import RecogniserNet, load_network, normalise, to_onnx

MACHINE = Machine("cpu", in_bf16=False, workers=0)


def test_labels_of_boxes():
    true, digits = np.float32([[0, 0, 10, 20], [30, 0, 40, 20], [52, 0, 55, 20]]), np.array([3, 8, 1], np.int8)
    boxes = np.float32([
        [0, 0, 10, 20],  # the digit
        [31, 2, 40, 20],  # nearly
        [0, 0, 10, 8],  # two fifths of one
        [0, 0, 10, 5],  # a quarter
        [52, 0, 60, 20],  # a thin 1 and as much background beside it
        [-5, 0, 6, 20],  # less than half of the 3, and background
        [15, 0, 25, 20],  # between the two
    ])  # fmt: skip
    assert label_boxes(boxes, true, digits).tolist() == [3, 8, UNCLEAR, BACKGROUND, 1, UNCLEAR, BACKGROUND]
    assert label_boxes(boxes[:2], true[:0], digits[:0]).tolist() == [BACKGROUND, BACKGROUND]
    assert label_boxes(boxes[:0], true, digits).shape == (0,)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of 7s and 3s with proposals, some of them background."""
    folder = tmp_path_factory.mktemp("proposals")
    rng = np.random.default_rng(0)
    made = []
    for row in range(12):
        image = np.full((60, 120, 3), rng.integers(150, 255), np.uint8)
        digits = rng.choice([3, 7], 2)
        boxes = []
        for place, digit in enumerate(digits):
            cv2.putText(image, str(digit), (10 + 50 * place, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (30, 30, 30), 3)
            boxes.append((9 + 50 * place, 18, 34 + 50 * place, 47))
        path = folder / f"{row}.png"
        cv2.imwrite(str(path), image)
        true = np.float32(boxes)
        proposed = np.concatenate([true + 1, np.float32([[28, 10, 50, 40], [90, 2, 118, 40]])])
        made.append(
            PictureProposals(
                path,
                true,
                digits.astype(np.int8),
                proposed,
                rng.uniform(0.02, 0.9, (4, 10)).astype(np.float32),
                label_boxes(proposed, true, digits.astype(np.int8)),
            )
        )
    return made


def test_proposals_are_stored(pictures, tmp_path):
    empty = PictureProposals(
        tmp_path / "none.png",
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.int8),
        np.zeros((0, 4), np.float32),
        np.zeros((0, 10), np.float32),
        np.zeros(0, np.int8),
    )
    save_proposals(tmp_path / "p.npz", [pictures[0], empty, pictures[1]])
    back = load_proposals(tmp_path / "p.npz")
    assert [one.path for one in back] == [pictures[0].path, empty.path, pictures[1].path]
    for one, other in zip(back, [pictures[0], empty, pictures[1]], strict=True):
        for name in ("boxes", "digits", "proposed", "scores", "labels"):
            assert (getattr(one, name) == getattr(other, name)).all()
            assert getattr(one, name).dtype == getattr(other, name).dtype


def test_boxes_are_sampled_by_kind(pictures):
    config = RecogniserConfig(true_boxes=1, proposals=2, pieces=1, other_proposals=1)
    boxes, held = choose_boxes(pictures[0], config, np.random.default_rng(0))
    assert len(boxes) == len(held) == 5
    assert sorted(held[1:].tolist()) == sorted([*pictures[0].digits.tolist(), BACKGROUND, BACKGROUND])
    none = RecogniserConfig(true_boxes=0, proposals=0, pieces=0, other_proposals=9)
    assert choose_boxes(pictures[0], none, np.random.default_rng(0))[1].tolist() == [BACKGROUND]
    near = np.abs(boxes[:, None] - np.concatenate([pictures[0].boxes, pictures[0].proposed])[None]).max(axis=2)
    assert (near.min(axis=1) < 12).all()
    assert (near.min(axis=1) > 0).all()


def test_augmentation_changes_colours_and_not_the_mask():
    crops = np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE, 4), dtype=np.uint8)
    changed = augment(crops, np.random.default_rng(1))
    assert (changed[..., 3] == crops[..., 3]).all()
    assert (changed[..., :3] != crops[..., :3]).any(axis=(1, 2, 3)).sum() > 20
    assert (augment(crops, np.random.default_rng(1)) == changed).all()


def test_inputs_are_independent_of_light_and_contrast():
    crops = torch.randint(60, 120, (3, SIDE, SIDE, 4), dtype=torch.uint8)
    brighter = crops.clone()
    brighter[..., :3] = crops[..., :3] * 2 + 10
    seen, again = normalise(crops), normalise(brighter)
    assert seen.shape == (3, 4, SIDE, SIDE)
    assert torch.allclose(seen[:, :3].mean(dim=(1, 2, 3)), torch.zeros(3), atol=1e-4)
    assert (seen[:, :3] - again[:, :3]).abs().max() < 0.8
    assert torch.equal(seen[:, 3], crops[..., 3].float() / 255 * 2 - 1)


def test_the_loss_falls_and_onnx_gives_the_same(pictures, tmp_path):
    losses = []
    config = RecogniserConfig(epochs=30, learning_rate=0.02)
    network = train_recogniser(
        pictures, config, 0, MACHINE, None, tmp_path / "c.pt", lambda step: losses.append(step.loss)
    )
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < 0.6 * losses[0]
    crops = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 4), dtype=np.uint8)
    with torch.no_grad():
        wanted = torch.softmax(network(torch.from_numpy(crops)), dim=1).numpy()
    recogniser = OnnxRecogniser(to_onnx(network), "x")
    found = recogniser._session.run(crops)
    assert np.abs(found - wanted).max() < 1e-3


def test_an_interrupted_training_ends_with_the_same_weights(pictures, tmp_path):
    config = RecogniserConfig(epochs=3)
    whole = train_recogniser(pictures, config, 5, MACHINE, None, tmp_path / "whole.pt")

    class KillError(Exception):
        pass

    def kill(step):
        if step.number == 3:
            raise KillError

    with pytest.raises(KillError):
        train_recogniser(pictures, config, 5, MACHINE, None, tmp_path / "part.pt", kill)
    torch.manual_seed(99)
    rest = []
    again = train_recogniser(
        pictures, config, 5, MACHINE, None, tmp_path / "part.pt", lambda step: rest.append(step.number)
    )
    assert rest == [3]
    for one, other in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_weights_of_another_network():
    with pytest.raises(ModelError, match="another version"):
        load_network({"stem.0.weight": torch.zeros(3)}, "x")
    weights = {name: value.half() for name, value in RecogniserNet().state_dict().items()}
    assert isinstance(load_network(weights, "x"), RecogniserNet)
