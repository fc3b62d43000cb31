"""What a training says about its progress; needs no training packages but tqdm."""

import pytest

pytest.importorskip("tqdm", reason="tqdm is not installed: pip install '.[train]'")

from digitdet.training.progress import TrainingProgress, format_duration


def said_in(total, first, steps, validation_steps=0.0):
    """The lines about a training whose steps take 2 s after 3 slow ones, with 20 steps per epoch."""
    said, now = [], 0.0
    progress = TrainingProgress("detector", lambda: "this CPU", total, said.append, validation_steps, clock=lambda: now)
    for done in range(first + 1, first + steps + 1):
        progress.step(done, 1.0)
        if done % 20 == 0:
            progress.epoch(done // 20, total // 20, "loss 1.000")
        now += 30.0 if done - first < 3 else 2.0
    progress.close()
    return said


def test_the_duration_is_measured_after_the_slow_first_steps():
    assert said_in(1500, 0, 20)[0] == "the detector takes about 50 minutes on this CPU; 2 s per step"
    assert said_in(1500, 0, 20, validation_steps=600)[0].startswith("the detector takes about 70 minutes")


def test_a_resumed_training_takes_what_is_left():
    assert said_in(1500, 750, 16)[1].startswith("the detector takes about 25 minutes")


def test_an_epoch_says_the_remaining_time():
    lines = said_in(40, 0, 40)
    assert lines[1] == "detector, epoch 1 of 2: loss 1.000; 94 seconds left"
    assert lines[2] == "detector, epoch 2 of 2: loss 1.000; done"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "1 second"), (99, "99 seconds"), (100, "2 minutes"), (3000, "50 minutes"), (9000, "2.5 hours")],
)
def test_durations(seconds, expected):
    assert format_duration(seconds) == expected
