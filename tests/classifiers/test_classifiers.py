"""Classifiers of single digits: features, training, resuming and safe loading."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitdet.classifiers import runs
from digitdet.classifiers.classical import deskew, pixels
from digitdet.classifiers.explore import explore
from digitdet.classifiers.metrics import evaluate, score
from digitdet.classifiers.report import format_page
from digitdet.classifiers.runs import load_classifier, make_classifier, train_classifier
from digitdet.classifiers.temperature import fit_temperature, softmax
from digitdet.common.errors import ConfigError, DataError, ModelError
from digitdet.configs import replace
from digitdet.configs.classifier import KnnConfig, NetworkConfig, SvmConfig, classifier_names, load_classifier_config
from digitdet.datasets.mnist import Digits, load_split_digits

STILL = {"shift": 0.5, "rotation": 0, "zoom": 0}
QUICK = {"epochs": 15, "batch": 12, "learning_rate": 0.01, **STILL}
NETWORKS = {
    "fcn": NetworkConfig(architecture="fcn", widths=(64,), **QUICK),
    "cnn": NetworkConfig(widths=(8, 8), dense=32, dropout=0.1, averaging=0.9, **QUICK),
    "residual": NetworkConfig(architecture="residual", widths=(8, 16), dropout=0.1, **{**QUICK, "epochs": 8}),
}
SMALL = {"knn": KnnConfig(neighbours=3), "knn-pca": KnnConfig(components=40), "svm": SvmConfig(), **NETWORKS}


@pytest.fixture(scope="module")
def parts(make_digits):
    return {name: make_digits(12, seed) for seed, name in enumerate(("train", "val", "test"))}


@pytest.fixture
def without_curves(monkeypatch):
    """A curve for each epoch takes longer than the training."""
    monkeypatch.setattr("digitdet.classifiers.report.draw_curve", lambda _epochs: b"")


def leaning(slant):
    """A bar that leans by `slant` pixels to the left a pixel down."""
    image = np.zeros((28, 28), np.uint8)
    for row in range(4, 24):
        centre = 14 + slant * (14 - row)
        image[row, round(centre) - 1 : round(centre) + 2] = 255
    return image


@pytest.mark.parametrize("slant", [-0.5, -0.2, 0.0, 0.3, 0.6])
def test_deskewing_makes_a_leaning_bar_upright_and_central(slant):
    (upright,) = deskew(leaning(slant)[None])
    columns = (upright.astype(float) * np.arange(28)).sum(axis=1)[5:23] / upright.astype(float).sum(axis=1)[5:23]
    assert np.ptp(columns) < 1.2
    assert columns.mean() == pytest.approx(13.5, abs=0.3)


def test_a_blank_image_stays_blank():
    assert not deskew(np.zeros((1, 28, 28), np.uint8)).any()


def test_pixels_are_rows_from_0_to_1():
    rows = pixels(leaning(0.3)[None], deskewed=False)
    assert (rows.shape, rows.dtype, rows.min(), rows.max()) == ((1, 784), np.float32, 0, 1)


def test_a_temperature_calibrates_overconfident_scores():
    rng = np.random.default_rng(0)
    true = rng.normal(0, 2, (4000, 10))
    labels = np.array([rng.choice(10, p=row / row.sum()) for row in softmax(true).astype(np.float64)])
    assert fit_temperature(true * 3, labels) == pytest.approx(3, rel=0.1)
    assert softmax(true).sum(axis=1) == pytest.approx(np.ones(4000), abs=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_it_learns_and_predicts_the_same_after_saving(name, parts, tmp_path):
    classifier = make_classifier(SMALL[name])
    classifier.fit(parts["train"], parts["val"], tmp_path)
    probabilities = classifier.predict_proba(parts["test"].images)
    assert (probabilities.shape, probabilities.dtype) == ((120, 10), np.float32)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-4)
    assert (classifier.predict(parts["test"].images) == parts["test"].labels).mean() > 0.7  # of ten digits
    assert classifier.size > 0
    path = tmp_path / f"model{classifier.suffix}"
    classifier.save(path)
    loaded = load_classifier(path)
    assert loaded.config == classifier.config
    np.testing.assert_array_equal(loaded.predict_proba(parts["test"].images), probabilities)
    assert loaded.predict_proba(parts["test"].images[:0]).shape == (0, 10)


def test_an_interrupted_training_ends_with_the_same_weights(parts, tmp_path, without_curves):
    config = replace(NETWORKS["cnn"], epochs=4)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    straight = train_classifier(config, parts, whole, lambda _line: None)

    def stop(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_classifier(config, parts, broken, stop)
    assert not (broken / "run.json").exists()
    resumed = train_classifier(config, parts, broken, lambda _line: None)
    images = parts["test"].images
    np.testing.assert_array_equal(resumed.predict_proba(images), straight.predict_proba(images))
    assert len((broken / "log.csv").read_text().splitlines()) == 5
    assert not list(broken.glob("checkpoint.*"))


def test_a_finished_training_is_kept_and_another_is_refused(parts, tmp_path):
    config, said = replace(NETWORKS["fcn"], epochs=2), []
    train_classifier(config, parts, tmp_path / "run", said.append)
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    train_classifier(config, parts, tmp_path / "run", said.append)
    assert said[-1].endswith("holds this training already, finished")
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before
    with pytest.raises(DataError, match="holds a training of other settings"):
        train_classifier(replace(config, seed=5), parts, tmp_path / "run", said.append)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="is not empty and holds no training"):
        train_classifier(config, parts, tmp_path / "other", said.append)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert 0 <= facts["val_accuracy"] <= 1
    assert cv2.imread(str(tmp_path / "run" / "curve.png")) is not None
    assert facts["digits"] == {"train": 120, "val": 120}


def test_it_stops_early_without_improvement(parts, tmp_path):
    wrong = Digits(parts["val"].images, (parts["val"].labels + 1) % 10)  # learning makes it worse
    config = replace(NETWORKS["fcn"], epochs=30, patience=3)
    classifier = make_classifier(config)
    seen = []
    classifier.fit(parts["train"], wrong, tmp_path, lambda epochs: seen.append(len(epochs)))
    assert len(seen) < 12


def test_networks_start_from_trained_weights_and_others_do_not(parts, tmp_path, without_curves):
    first = train_classifier(replace(NETWORKS["fcn"], epochs=6), parts, tmp_path / "first", lambda _line: None)
    gentle = replace(NETWORKS["fcn"], epochs=1, learning_rate=1e-6)
    second = train_classifier(gentle, parts, tmp_path / "second", lambda _line: None, start=tmp_path / "first")
    same = (first.predict(parts["test"].images) == second.predict(parts["test"].images)).mean()
    assert same > 0.95
    with pytest.raises(ConfigError, match="only networks"):
        train_classifier(KnnConfig(), parts, tmp_path / "third", lambda _line: None, start=tmp_path / "first")
    with pytest.raises(ModelError, match="another architecture"):
        train_classifier(NETWORKS["cnn"], parts, tmp_path / "fourth", lambda _line: None, start=tmp_path / "first")


def test_augmentation_keeps_ink_and_position():
    import torch

    from digitdet.classifiers.augment import augment

    image = torch.zeros(64, 1, 28, 28)
    image[:, :, 8:20, 12:16] = 1
    still = NetworkConfig(shift=0, rotation=0, zoom=0, elastic=0)
    same = augment(image, still, torch.Generator().manual_seed(0))
    torch.testing.assert_close(same, image, atol=1e-4, rtol=0)
    moved = augment(image, NetworkConfig(elastic=0.6), torch.Generator().manual_seed(0))
    assert not torch.equal(moved, image)
    mass = moved.sum(dim=(1, 2, 3))
    assert float(mass.min()) > 0.6 * 48
    assert float(mass.max()) < 1.5 * 48
    centres = (moved.sum(dim=(1, 2)) * torch.arange(28)).sum(dim=1) / mass
    assert float((centres - 13.5).abs().max()) < 4
    assert float(centres.std()) > 0.5


class _Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trapped"),))


def test_unsafe_files_are_refused_without_executing_them(tmp_path, monkeypatch):
    import skops.io
    import torch

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickled.skops").write_bytes(pickle.dumps(_Trap()))
    (tmp_path / "pickled.safetensors").write_bytes(pickle.dumps(_Trap()))
    torch.save({"a": _Trap()}, tmp_path / "torch.safetensors")
    skops.io.dump({"settings": "method: knn", "pipeline": Path("x"), "temperature": 1.0}, tmp_path / "types.skops")
    skops.io.dump({"settings": "method: network"}, tmp_path / "other.skops")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "text.pkl").write_bytes(pickle.dumps(_Trap()))
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(ModelError, match=path.name):
            load_classifier(path)
    with pytest.raises(ModelError, match="no such classifier"):
        load_classifier(tmp_path / "missing.skops")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(ModelError, match="holds no trained classifier"):
        load_classifier(tmp_path / "hollow")
    assert not (tmp_path / "trapped").exists()


def test_scores_of_known_predictions():
    labels = np.array([0, 0, 1, 1, 2], np.uint8)
    probabilities = np.eye(10, dtype=np.float32)[[0, 1, 1, 1, 3]]
    scores = score(probabilities, labels)
    assert (scores.right, scores.accuracy) == (3, 0.6)
    assert scores.low < 0.6 < scores.high
    assert (scores.recall[0], scores.precision[1], scores.recall[1]) == (0.5, pytest.approx(2 / 3), 1)
    assert (scores.confusion[0, 1], scores.confusion[2, 3], scores.confusion.sum()) == (1, 1, 5)
    assert scores.calibration_error == pytest.approx(0.4)
    assert json.loads(json.dumps(scores.to_dict()))["right"] == 3


def test_the_page_shows_every_classifier_and_its_mistakes_and_is_self_contained(parts, tmp_path):
    results = []
    for name in ("knn", "fcn"):
        classifier = make_classifier(replace(SMALL[name], **({"epochs": 2} if name == "fcn" else {})))
        classifier.fit(parts["train"], parts["val"], tmp_path)
        results.append(evaluate(f"<{name}>", classifier, parts["test"], 3.0))
        (tmp_path / "checkpoint.pt").unlink(missing_ok=True)
    text = format_page(results, parts["test"], "drawn digits").decode()
    assert "&lt;knn&gt;" in text
    assert "<knn>" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "most confident mistakes" in text
    wrong = results[1].mistakes(parts["test"].labels)
    assert (results[1].probabilities[wrong].argmax(axis=1) != parts["test"].labels[wrong]).all()
    assert len(wrong) == results[1].scores.digits - results[1].scores.right


def test_exploration_counts_and_measures(parts):
    found = explore(parts)
    assert {name: counts.tolist() for name, counts in found.counts.items()} == dict.fromkeys(parts, [12] * 10)
    assert found.widths[1] < found.widths[0]
    assert found.means[3] == pytest.approx(parts["train"].images[parts["train"].labels == 3].mean(axis=0))
    assert abs(found.slants[1]) < 25
    assert len(found.rows()[1]) == 11


def test_the_classifiers_that_ship_are_sound_and_keep_their_names():
    names = classifier_names()
    assert names == ["knn-raw", "knn", "svm-raw", "svm", "fcn", "cnn", "cnn-strong"]
    for name in names:
        assert make_classifier(load_classifier_config(name)).config == load_classifier_config(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method: forest", "method: 'forest' is not allowed; expected one of knn, svm, network"),
        ("neighbours: 3", "method: None is not allowed"),
        ("method: knn\nneighbors: 3", "did you mean 'neighbours'"),
        ("method: network\nwidths: []", "widths"),
        ("- knn", "expected 'key: value' lines"),
    ],
)
def test_wrong_settings_are_named(text, message, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml") as caught:
        load_classifier_config(str(tmp_path / "mine.yaml"))
    assert message in str(caught.value)


def test_the_error_for_an_unknown_classifier_names_the_nearest():
    with pytest.raises(ConfigError, match="no classifier is called 'svn'; did you mean 'svm'"):
        load_classifier_config("svn")


@pytest.mark.slow
def test_the_textbook_cnn_on_some_real_digits(real_mnist, tmp_path):
    parts = load_split_digits(real_mnist)
    some = {"train": parts["train"][:3000], "val": parts["val"][:500]}
    config = replace(load_classifier_config("cnn"), epochs=5, batch=64, averaging=0.9)
    classifier = train_classifier(config, some, tmp_path / "run", lambda _line: None)
    assert (classifier.predict(parts["test"].images[:1000]) == parts["test"].labels[:1000]).mean() > 0.9


def test_training_does_not_use_the_test_split(parts, tmp_path):
    class Refusing(dict):
        def __getitem__(self, key):
            assert key != "test"
            return super().__getitem__(key)

    train_classifier(KnnConfig(), Refusing(parts), tmp_path / "run", lambda _line: None)
    assert runs.read_run(tmp_path / "run")["digits"] == {"train": 120, "val": 120}
