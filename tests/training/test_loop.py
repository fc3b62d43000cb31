"""The training loop: learning rate, averaged weights, and resuming from a checkpoint."""

import importlib.util

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)

import torch
from torch import nn

from digitdet.training.loop import LoopSettings, TrainingLoop

SETTINGS = LoopSettings(
    epochs=4,
    steps_per_epoch=5,
    learning_rate=0.01,
    warmup=0.2,
    final_rate=0.1,
    weight_decay=0.01,
    averaging=0.9,
    seed=3,
)


def batches(epoch):
    generator = torch.Generator().manual_seed(epoch)
    for _ in range(SETTINGS.steps_per_epoch):
        inputs = torch.randn(16, 4, generator=generator)
        yield inputs, (inputs[:, 0] > 0).long()


def make_loop(checkpoint):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    return TrainingLoop(network, nn.CrossEntropyLoss(), SETTINGS, checkpoint)


def rate(loop):
    return loop._optimiser.param_groups[0]["lr"]


def test_the_learning_rate_rises_and_falls(tmp_path):
    loop, rates, losses = make_loop(tmp_path / "c.pt"), [], []
    while not loop.is_finished:
        loop.run_epoch(batches(loop.epoch), lambda step: (rates.append(rate(loop)), losses.append(step.loss)))
    assert max(rates) == pytest.approx(0.01)
    assert rates.index(max(rates)) == 2  # a fifth of 20 steps, less one, counted after the step
    assert rates[-2] == pytest.approx(0.001)
    assert sum(losses[-5:]) < sum(losses[:5])


def test_a_resumed_training_ends_with_the_same_weights(tmp_path):
    whole = make_loop(tmp_path / "whole.pt")
    while not whole.is_finished:
        whole.run_epoch(batches(whole.epoch), lambda _step: None)
    part = make_loop(tmp_path / "part.pt")
    part.run_epoch(batches(0), lambda _step: None)
    part.run_epoch(batches(1), lambda _step: None)
    part.extra["best"] = 0.5
    part.save()
    resumed = make_loop(tmp_path / "part.pt")
    assert (resumed.epoch, resumed.extra) == (2, {"best": 0.5})
    assert rate(resumed) == rate(part)
    while not resumed.is_finished:
        resumed.run_epoch(batches(resumed.epoch), lambda _step: None)
    for one, other in zip(whole.averaged.parameters(), resumed.averaged.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("epochs", [1, 2, 3, 10])
def test_trainings_of_few_steps_have_a_learning_rate(epochs, tmp_path):
    settings = LoopSettings(epochs, 1, 0.01, 0.1, 0.02, 0.0, 0.9, 0)
    loop = TrainingLoop(nn.Linear(4, 2), nn.CrossEntropyLoss(), settings, tmp_path / "c.pt")
    while not loop.is_finished:
        loop.run_epoch([next(batches(0))], lambda _step: None)
        assert 0 < rate(loop) <= 0.0101
