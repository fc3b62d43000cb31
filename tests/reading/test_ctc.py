import itertools

import numpy as np
import pytest

from digitdet.common.characters import BLANK, CHARACTERS, class_of
from digitdet.reading.ctc import decode, score_edits

CLASSES = len(CHARACTERS)


def normalised(scores):
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def text_probabilities(log_probabilities, used):
    """The probability of every text, from all paths over the classes `used`."""
    found = {}
    for path in itertools.product(used, repeat=len(log_probabilities)):
        text = tuple(c for c, before in zip(path, (None, *path), strict=False) if c not in (before, BLANK))
        probability = np.exp(sum(row[c] for row, c in zip(log_probabilities, path, strict=True)))
        found[text] = found.get(text, 0.0) + probability
    return found


def random_columns(rng, columns, used, spread):
    scores = np.full((columns, CLASSES + 1), -np.inf)
    scores[:, used] = rng.normal(0, spread, (columns, len(used)))
    return normalised(scores)


def strip_of(text, columns, blank=6.0):
    """Columns that show a text, evenly spaced, one column a character."""
    scores = np.zeros((columns, CLASSES + 1))
    scores[:, BLANK] = blank
    places = np.linspace(1, columns - 2, len(text)).round().astype(int)
    for place, character in zip(places, text, strict=True):
        scores[place, class_of(character)] = 2 * blank
    return normalised(scores), places


@pytest.mark.parametrize("seed", range(12))
def test_a_text_and_all_its_edits_have_the_probability_of_their_paths(seed):
    rng = np.random.default_rng(seed)
    used = [*rng.choice(CLASSES, 1 + seed % 3, replace=False).tolist(), BLANK]
    log_probabilities = random_columns(rng, 1 + seed % 7, used, 2)
    truth = text_probabilities(log_probabilities, used)
    for text in list(truth)[:40]:
        found = score_edits(log_probabilities, np.array(text, int))

        def expect(log_probability, *parts):
            assert np.exp(log_probability) == pytest.approx(truth.get(sum(parts, ()), 0.0), abs=1e-12)

        expect(found.log_probability, text)
        for place in range(len(text) + 1):
            start, rest = text[:place], text[place + 1 :]
            if place < len(text):
                expect(found.deleted[place], start, rest)
            for c in range(CLASSES):
                expect(found.inserted[place, c], start, (c,), text[place:])
                if place < len(text):
                    expect(found.substituted[place, c], start, (c,), rest)


def test_decoding_finds_the_best_text():
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(40):
        used = [3, 10, BLANK]
        log_probabilities = random_columns(rng, 6, used, 1.5)
        truth = text_probabilities(log_probabilities, used)
        found = decode(log_probabilities)
        best = max(truth.values())
        assert np.exp(found.log_probability) >= best / 2
        missed += np.exp(found.log_probability) < best * (1 - 1e-9)
    assert missed <= 1  # a text that no single edit improves


def test_the_probability_of_a_text_is_the_mean_over_several_strips():
    rng = np.random.default_rng(3)
    strips = [random_columns(rng, length, list(range(BLANK + 1)), 1.0) for length in (6, 8, 5)]
    found = decode(*strips)
    assert found.log_probability == pytest.approx(
        np.mean([score_edits(one, found.classes).log_probability for one in strips])
    )
    np.testing.assert_array_equal(found.columns, score_edits(strips[0], found.classes).columns)
    places = [(one, found.classes) for one in strips]
    assert found.inserted[0, 3] == pytest.approx(np.mean([score_edits(*place).inserted[0, 3] for place in places]))


def test_a_strip_that_shows_something_else_is_outvoted():
    (sure, _), (other, _) = strip_of("1234", 60), strip_of("77", 40)
    assert decode(sure, other, sure).classes.tolist() == decode(other, sure, sure).classes.tolist() == [1, 2, 3, 4]


def test_the_best_path_is_not_the_best_text():
    # All paths with a 7 in one of the columns together are more likely than the path of blanks.
    columns = np.full((2, CLASSES + 1), -np.inf)
    columns[:, BLANK], columns[:, 7] = np.log(0.6), np.log(0.4)
    assert decode(columns).classes.tolist() == [7]


@pytest.mark.parametrize("text", ["", "5", "11", "100-00.7", "3.14 -264,27", "12:34 120/80"])
def test_texts_and_their_columns(text):
    columns, places = strip_of(text, 60)
    found = decode(columns.astype(np.float32))
    assert "".join(CHARACTERS[c] for c in found.classes) == text
    np.testing.assert_allclose(found.columns, np.stack([places, places + 1], axis=1), atol=0.2)


def test_columns_of_a_wide_character_follow_each_other():
    scores = np.full((10, CLASSES + 1), -8.0)
    for column, c in enumerate([BLANK, 4, 4, 4, 2, 2, BLANK, 2, BLANK, BLANK]):
        scores[column, c] = 8
    np.testing.assert_allclose(decode(normalised(scores)).columns, [[1, 4], [4, 6], [7, 8]], atol=0.01)


def test_long_strips_agree_with_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    text = rng.integers(0, CLASSES, 80)
    columns, _ = strip_of([CHARACTERS[c] for c in text], 512, blank=9.0)
    columns = normalised(columns + rng.normal(0, 1, columns.shape))
    found = score_edits(columns, text)

    def log_probability(classes):
        tensor = torch.from_numpy(columns)
        loss = torch.nn.functional.ctc_loss(
            tensor[:, None], torch.tensor(classes)[None], [512], [len(classes)], BLANK, "sum"
        )
        return -loss.item()

    assert found.log_probability == pytest.approx(log_probability(text))
    for place in (0, 17, 79):
        assert found.deleted[place] == pytest.approx(log_probability(np.delete(text, place)))
        assert found.inserted[place, text[place]] == pytest.approx(log_probability(np.insert(text, place, text[place])))
        changed = text.copy()
        changed[place] = 12
        assert found.substituted[place, 12] == pytest.approx(log_probability(changed))


def test_a_flat_strip_is_decoded():
    found = decode(normalised(np.random.default_rng(0).normal(0, 0.1, (128, CLASSES + 1))))
    assert np.isfinite(found.log_probability)
