"""Batches in threads: order, laziness, errors, time limits."""

import threading
import time

import pytest

from digitdet.common.errors import TimeLimitError
from digitdet.common.parallel import Deadline, process_batches


def test_results_come_in_the_order_of_the_batches():
    def process(batch, map_function):
        time.sleep(0.01 * (3 - batch[0] % 3))
        return list(map_function(lambda item: -item, batch))

    batches = [[number, number + 1] for number in range(12)]
    assert list(process_batches(process, iter(batches), 4)) == [(batch, [-item for item in batch]) for batch in batches]


def test_no_batches():
    assert list(process_batches(lambda batch, _: batch, iter([]), 2)) == []


def test_batches_are_drawn_lazily():
    drawn = []

    def batches():
        for number in range(1000):
            drawn.append(number)
            yield [number]

    results = process_batches(lambda batch, _: batch, batches(), 2)
    next(results)
    results.close()
    assert len(drawn) <= 5


@pytest.mark.parametrize(("batch", "is_shared"), [([1], True), ([1, 2], False)])
def test_parts_of_a_lone_item_run_in_threads(batch, is_shared):
    def process(items, map_function):
        return set(map_function(lambda _: threading.current_thread().name, [0, 1])), threading.current_thread().name

    ((_, (names, own)),) = process_batches(process, iter([batch]), 2)
    assert (own not in names) is is_shared


def test_an_error_of_a_batch_is_raised_in_its_turn():
    def process(batch, _):
        return 1 / batch[0]

    results = process_batches(process, iter([[1], [0], [2]]), 2)
    assert next(results) == ([1], 1)
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_of_the_source_comes_after_the_results_before_it(workers):
    def batches():
        yield from ([1], [2], [3])
        raise ValueError("cut off")

    results = process_batches(lambda batch, _: batch, batches(), workers)
    assert [next(results) for _ in range(3)] == [([number], [number]) for number in (1, 2, 3)]
    with pytest.raises(ValueError, match="cut off"):
        next(results)


def test_a_deadline_stops_before_the_next_item(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("digitdet.common.parallel.time.monotonic", lambda: now[0])
    limited = Deadline(5).limit(map)
    assert list(limited(str, [1, 2])) == ["1", "2"]
    now[0] += 6
    with pytest.raises(TimeLimitError, match="longer than 5 s"):
        list(limited(str, [1]))
    assert list(Deadline(None).limit(map)(str, [1])) == ["1"]
