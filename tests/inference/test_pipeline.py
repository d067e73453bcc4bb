import threading

import cv2
import numpy as np
import pytest

from classifier.inference import UnreadableImageError, pipeline


def png(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".png", rgb[:, :, ::-1])[1].tobytes()


def test_results_come_in_order_and_equal_those_of_single_pictures(tiny, pictures):
    items = list(pipeline(((i, png(p)) for i, p in enumerate(pictures)), tiny))
    assert [item.key for item in items] == list(range(len(pictures)))
    for item, picture in zip(items, pictures, strict=True):
        single = tiny.classify(picture)
        assert item.error is None
        assert item.result.label == single.label
        assert np.abs(np.subtract(item.result.probabilities, single.probabilities)).max() < 1e-5


def test_bytes_arrays_and_functions_are_all_taken(tiny, pictures):
    data = png(pictures[0])
    jobs = [("bytes", data), ("array", pictures[0]), ("function", lambda: data)]
    labels = {item.result.label for item in tiny.pipeline(jobs)}
    assert len(labels) == 1


def test_a_bad_picture_fails_alone(tiny, pictures):
    def fails():
        raise PermissionError("no")

    jobs = [
        (0, png(pictures[0])),
        (1, b"not a picture"),
        (2, fails),
        (3, b""),
        (4, np.zeros((4, 4), np.uint8)),
        (5, png(pictures[1])),
    ]
    items = list(tiny.pipeline(jobs))
    assert [item.key for item in items] == list(range(6))
    assert [item.result is None for item in items] == [False, True, True, True, True, False]
    assert isinstance(items[1].exception, UnreadableImageError)
    assert items[1].error == "The picture cannot be decoded."
    assert isinstance(items[2].exception, PermissionError)
    assert items[5].result.label == tiny.classify(pictures[1]).label


def test_only_a_few_jobs_are_read_ahead(tiny, pictures):
    read = 0

    def jobs():
        nonlocal read
        for number in range(10_000):
            read += 1
            yield number, pictures[number % len(pictures)]

    results = tiny.pipeline(jobs())
    for _ in range(10):
        next(results)
    assert 10 <= read < 60
    results.close()


def test_an_abandoned_run_leaves_the_engine_usable(tiny, pictures):
    results = tiny.pipeline((i, p) for i, p in enumerate(pictures))
    next(results)
    results.close()
    assert tiny.classify(pictures[0]).label in tiny.manifest.classes


def test_a_failing_engine_is_not_taken_for_a_bad_picture(tiny, pictures, monkeypatch):
    def broken(_):
        raise RuntimeError("engine")

    monkeypatch.setattr(tiny.runtime, "start", broken)
    with pytest.raises(RuntimeError, match="engine"):
        list(tiny.pipeline([(0, pictures[0])]))


def test_several_threads_may_share_one_model(tiny, pictures):
    expected = [tiny.classify(picture).probabilities for picture in pictures]
    found: dict[int, list] = {}

    def work(number):
        items = tiny.pipeline((i, p) for i, p in enumerate(pictures))
        found[number] = [item.result.probabilities for item in items]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(found) == [0, 1, 2, 3]
    for probabilities in found.values():
        assert np.abs(np.subtract(probabilities, expected)).max() < 1e-5


def test_no_jobs_give_no_results(tiny):
    assert list(tiny.pipeline([])) == []


def test_features_are_kept_only_when_asked_for(tiny, pictures):
    kept = [item.result for item in tiny.pipeline([(0, pictures[0])], keep_features=True)]
    assert kept[0].features.shape == (tiny.manifest.feature_size,)
    assert tiny.classify(pictures[0]).features is None
