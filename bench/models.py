"""Pictures a second: naive Keras, raw OpenVINO, and TeleHeme's own path.

    python -m bench.models --data FOLDER

* naive Keras: InceptionV3 with a five-class head at 299x299, `predict` one picture at a time,
  as one would write it in an afternoon. Weights do not change the speed; random ones are used.
* raw OpenVINO: the shipped graph on crops already in memory, the engine kept busy.
* TeleHeme: PNG bytes of the pictures as stored -> finished results (decoding, cropping, network,
  scores, class-activation maps), in batches of 16 as the worker gets them.

Each figure is the best of some rounds: other work on the machine only ever makes it slower.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from classifier.inference import find_model, load_model
from ml.benchmark import best_rates, engine, pipeline, stored_pictures
from ml.data import data_folder

KERAS_PICTURES = 24


def naive_keras(pictures: Sequence[bytes]) -> Callable[[], int]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    base = keras.applications.InceptionV3(
        weights=None, include_top=False, pooling="avg", input_shape=(299, 299, 3)
    )
    model = keras.Sequential([base, keras.layers.Dense(5, activation="softmax")])

    def work() -> int:
        for data in pictures[:KERAS_PICTURES]:
            rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            crop = cv2.resize(rgb, (299, 299)).astype(np.float32) / 127.5 - 1
            model.predict(crop[np.newaxis], verbose=0)
        return KERAS_PICTURES

    model.predict(np.zeros((1, 299, 299, 3), np.float32), verbose=0)  # tracing is not counted
    return work


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.models", description=__doc__)
    parser.add_argument("--data", help="default: $TELEHEME_DATA")
    parser.add_argument("--no-keras", action="store_true", help="leave the slow row out")
    options = parser.parse_args()
    pictures = stored_pictures(data_folder(options.data))
    begin = time.perf_counter()
    model = load_model(find_model())
    ready = time.perf_counter() - begin
    raw, ours = best_rates(engine(model, pictures), pipeline(model, pictures))
    rows = [(f"raw OpenVINO, {model.precision}, crops in memory", raw)]
    rows.append(("TeleHeme pipeline, PNG bytes to results", ours))
    if not options.no_keras:
        (naive,) = best_rates(naive_keras(pictures), rounds=3)
        rows.insert(0, ("naive Keras predict, one by one", naive))
    print(f"model {model.id}, ready in {ready:.2f} s")
    for name, rate in rows:
        print(f"{name:<44} {rate:8.1f} pictures/s")
    print(f"pipeline / raw {ours / raw:.2f}")
    if not options.no_keras:
        print(f"pipeline / naive Keras {ours / naive:.1f}")


if __name__ == "__main__":
    main()
