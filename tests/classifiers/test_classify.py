"""`digitdet classify`: pictures in the format of MNIST, and the commands."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from digitdet.classifiers.prepare import join_digits, load_own_digits, read_digit, require_trainable, to_mnist
from digitdet.classifiers.runs import train_classifier
from digitdet.cli.main import main
from digitdet.common.errors import DataError, ImageError, ModelError
from digitdet.configs.classifier import load_classifier_config
from digitdet.datasets import mnist
from digitdet.datasets.mnist import Digits

EXAMPLE = Path(__file__).parents[2] / "examples" / "number.jpg"


def run(*arguments):
    return CliRunner().invoke(main, ["classify", *map(str, arguments)])


def written(text="3", ink=40, background=210, size=(200, 160), scale=4.0, at=(40, 150), thickness=9):
    image = np.full((*size, 3), background, np.uint8)
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (ink,) * 3, thickness, cv2.LINE_AA)
    return image


def lit_from_the_side(image):
    return np.clip(image * np.linspace(0.6, 1.1, image.shape[1])[None, :, None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("ink", "background"), [(40, 210), (230, 30), (90, 140)])
def test_a_picture_of_a_digit_is_converted_to_the_format_of_mnist(ink, background):
    image = lit_from_the_side(written(ink=ink, background=background))
    digit = to_mnist(image)
    assert (digit.shape, digit.dtype) == ((28, 28), np.uint8)
    assert digit.max() == 255
    assert np.concatenate([digit[0], digit[-1], digit[:, 0], digit[:, -1]]).max() == 0
    rows, columns = np.flatnonzero(digit.max(axis=1)), np.flatnonzero(digit.max(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    mass = digit.astype(float)
    assert (mass.sum(axis=0) * np.arange(28)).sum() / mass.sum() == pytest.approx(13.5, abs=0.6)
    assert (mass.sum(axis=1) * np.arange(28)).sum() / mass.sum() == pytest.approx(13.5, abs=0.6)


def test_both_polarities_of_a_28_pixel_picture_are_the_same_digit(make_digits):
    digit = make_digits(1).images[4]
    np.testing.assert_array_equal(to_mnist(digit), digit)
    np.testing.assert_array_equal(to_mnist(255 - digit), digit)
    np.testing.assert_array_equal(to_mnist(cv2.cvtColor(255 - digit, cv2.COLOR_GRAY2BGR)), digit)


def test_neighbours_and_specks_are_left_out():
    image = written("3")
    alone = to_mnist(image, (40, 60, 120, 155))
    cv2.circle(image, (30, 40), 3, (40, 40, 40), -1)
    cv2.line(image, (140, 0), (140, 199), (40, 40, 40), 6)
    beside = to_mnist(image, (40, 60, 120, 155))
    assert np.abs(alone.astype(int) - beside).mean() < 4


@pytest.mark.parametrize("image", [np.full((50, 40, 3), 128, np.uint8), np.full((28, 28, 3), 255, np.uint8)])
def test_a_blank_picture_holds_nothing(image):
    with pytest.raises(ImageError, match="nothing is written there"):
        to_mnist(image)


def test_where_the_finder_sees_nothing_a_single_blot_is_taken_and_a_texture_is_not():
    digit, found = read_digit(written("7"), lambda _image: [])
    assert (digit.max(), found) == (255, 1)
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (120, 120, 3)).astype(np.uint8)
    for image in (texture, np.full((60, 60, 3), 90, np.uint8), written("A B C D", scale=1.2, at=(4, 100), thickness=3)):
        with pytest.raises(ImageError):
            read_digit(image, lambda _image: [])


@pytest.fixture
def own_digits(make_digits, tmp_path):
    folder = tmp_path / "own"
    digits = make_digits(12)
    for place, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        large = cv2.resize(255 - image, (56, 56), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / str(label) / f"{place}.png"), large)
    return folder


def test_own_digits_that_leave_none_for_validation_are_refused(own_digits):
    for digit in range(10):
        for picture in sorted((own_digits / str(digit)).iterdir())[2:]:
            picture.unlink()
    parts, _ = load_own_digits(own_digits)  # they can still be measured
    with pytest.raises(DataError, match="at least three pictures of one digit"):
        require_trainable(parts, own_digits)


def test_own_digits_are_made_like_mnist_and_divided(own_digits):
    cv2.imwrite(str(own_digits / "3" / "ramp.png"), np.tile(np.linspace(0, 20, 30).astype(np.uint8), (30, 1)))
    parts, skipped = load_own_digits(own_digits)
    same = [line for line in skipped if "the same picture" in line]  # some of the drawn ones are
    assert [line for line in skipped if "3/ramp.png" in line] == [line for line in skipped if line not in same]
    everything = join_digits(list(parts.values()))
    assert len(everything) == 120 - len(same)
    assert everything.images.max() == 255
    assert all(len(np.unique(part.labels)) == 10 for part in parts.values())


def test_every_digit_must_be_there_to_train_on(own_digits):
    parts, _ = load_own_digits(own_digits)
    require_trainable(parts, own_digits)
    rest = parts["train"].labels != 9
    parts = {**parts, "train": Digits(parts["train"].images[rest], parts["train"].labels[rest])}
    with pytest.raises(DataError, match="no usable picture of 9"):
        require_trainable(parts, own_digits)


def test_a_training_is_that_of_its_digits_and_labels(tiny_mnist, tmp_path):
    parts = mnist.load_split_digits(tiny_mnist)
    config = load_classifier_config("knn")
    train_classifier(config, parts, tmp_path / "knn", print)
    train_classifier(config, parts, tmp_path / "knn", print)  # it is the same
    relabelled = {name: Digits(part.images, 9 - part.labels) for name, part in parts.items()}
    with pytest.raises(DataError, match="other data"):
        train_classifier(config, relabelled, tmp_path / "knn", print)


def test_a_missing_start_leaves_the_folder_free(tiny_mnist, tmp_path):
    parts = mnist.load_split_digits(tiny_mnist)
    with pytest.raises(ModelError):
        train_classifier(load_classifier_config("cnn"), parts, tmp_path / "cnn", print, tmp_path / "typo")
    assert not (tmp_path / "cnn" / "origin.json").exists()


@pytest.fixture
def trained(tiny_mnist, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(
        "method: network\narchitecture: cnn\nwidths: [8, 8]\ndense: 32\n"
        "dropout: 0.1\nepochs: 15\nbatch: 12\nlearning_rate: 0.01\nshift: 1\nrotation: 0\nzoom: 0.05\n"
    )
    with pytest.MonkeyPatch.context() as patch:  # one curve per epoch would take longer than the training
        patch.setattr("digitdet.classifiers.report.draw_curve", lambda _epochs: b"")
        result = run("train", "--model", "small.yaml", "--mnist", tiny_mnist)
    assert result.exit_code == 0, result.output
    return tmp_path / "runs" / "classify" / "small"


def test_commands_from_training_to_prediction(trained, tiny_mnist, own_digits, make_digits):
    knn = run("train", "--model", "knn", "--mnist", tiny_mnist)
    assert knn.exit_code == 0, knn.output
    models = [trained, trained.with_name("knn")]
    result = run("eval", *models, "--mnist", tiny_mnist, "--html", "out/page.html", "--json", "out/all.json")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["classifier", "small", "knn"]
    assert [one["name"] for one in json.loads(Path("out/all.json").read_text())] == ["small", "knn"]
    assert Path("out/page.html").stat().st_size > 10_000

    cv2.imwrite("three.png", written("3"))
    cv2.imwrite("small.png", make_digits(1).images[5])
    cv2.imwrite("dark.png", 255 - make_digits(1).images[5])
    result = run("predict", "three.png", "--image", "small.png", "--image", "dark.png", "--model", trained, "--json")
    assert result.exit_code == 0, result.output
    three, small, dark = json.loads(result.stdout)
    assert (small["digit"], small["probabilities"]) == (5, dark["probabilities"])
    assert three["confidence"] == max(three["probabilities"])
    assert sum(three["probabilities"]) == pytest.approx(1, abs=1e-3)
    result = run("predict", EXAMPLE, "--model", trained)
    assert "shows 5 digits, only the clearest is classified" in result.stderr
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
    result = run("predict", own_digits / "8", "--model", trained)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 12)

    tuned = run(
        "train", "--model", "small.yaml", "--data", own_digits, "--from", trained, "--out", "tuned", "--epochs", 2
    )
    assert tuned.exit_code == 0, tuned.output
    assert run("eval", "tuned", "--data", own_digits, "--all-data").stdout.splitlines()[1].startswith("tuned")


def test_pictures_without_a_digit_and_broken_ones_are_named_and_the_rest_is_read(
    tiny_mnist, make_digits, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert run("train", "--model", "knn", "--mnist", tiny_mnist, "--out", "knn").exit_code == 0
    cv2.imwrite("five.png", make_digits(1).images[5])
    cv2.imwrite("blank.png", np.full((90, 120, 3), 200, np.uint8))
    Path("broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    Path("empty").mkdir()
    result = run("predict", "blank.png", "broken.jpg", "empty", "missing.png", "five.png", "--model", "knn")
    assert result.exit_code == 1
    assert result.stdout == f"five.png: 5 ({result.stdout.split('(')[1]}"
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["blank.png", "broken.jpg", "empty", "missing.png"]
    assert all(line.startswith("Error: ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--model", "svn"], 2, "did you mean 'svm'"),
        (["train", "--model", "knn", "--epochs", 3], 2, "knn is not a network"),
        (["train", "--model", "all", "--out", "x"], 2, "the folder of one training"),
        (["predict"], 2, "name a picture or a folder"),
        (["predict", "a.png"], 2, "digitdet classify train"),
        (["eval"], 2, "Missing argument"),
        (["eval", "nowhere"], 2, "no such classifier"),
        (["eval", "nowhere", "--all-data"], 2, "--all-data requires --data"),
        (["train", "--data", "x"], 2, "--mnist and --data cannot be combined"),
    ],
)
def test_wrong_usage_is_one_line(arguments, code, message, tiny_mnist, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mnist = ["--mnist", tiny_mnist] if arguments[0] in ("train", "eval") else []
    result = run(*arguments, *mnist)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_models_and_exploration_are_printed(tiny_mnist, tmp_path):
    shown = run("models")
    assert shown.exit_code == 0
    for name in ("knn:", "svm:", "fcn:", "cnn-strong:", "penalty: 5.0", "widths: [32, 64]"):
        assert name in shown.stdout
    result = run("explore", "--mnist", tiny_mnist, "--html", tmp_path / "a" / "x.html", "--png", tmp_path / "x.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split() == ["digit", "train", "val", "test", "ink", "width", "height", "slant"]
    assert cv2.imread(str(tmp_path / "x.png")) is not None
    assert "Samples" in (tmp_path / "a" / "x.html").read_text()


EXTRA = {
    "torch": "x.safetensors",
    "safetensors": "x.safetensors",
    "skops": "x.skops",
    "sklearn": "x.skops",
    "matplotlib": "x.skops",
}
WITHOUT = """
import json, sys
from click.testing import CliRunner
extra, checksums, folder = json.loads(sys.argv[1])
said = {}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
for missing, model in extra.items():  # importing digitdet anew, but not the packages that are there, takes no time
    for name in [name for name in sys.modules if name.partition(".")[0] == "digitdet"]:
        del sys.modules[name]
    there = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == missing}
    from digitdet.cli.main import main
    from digitdet.datasets import mnist
    mnist.CHECKSUMS = checksums
    result = CliRunner().invoke(main, ["classify", "eval", model, "--mnist", folder])
    said[missing] = result.exit_code, result.stderr.splitlines()
    sys.modules.update(there)
print(json.dumps(said))
"""


def test_without_the_extra_one_line_says_what_to_install(tiny_mnist, tmp_path):
    for model in EXTRA.values():
        (tmp_path / model).write_bytes(b"")
    arguments = json.dumps([EXTRA, mnist.CHECKSUMS, str(tiny_mnist)])
    command = [sys.executable, "-c", WITHOUT, arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    assert said.keys() == EXTRA.keys()
    for missing, (code, lines) in said.items():
        assert (code, len(lines)) == (1, 1), missing
        assert "[classify]" in lines[0]
        assert missing in lines[0]
