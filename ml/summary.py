"""Everything that is reported about one set of cells, each figure with its interval."""

from typing import Any

import numpy as np

from classifier.inference import merit
from ml import intervals, metrics
from ml.attributes import ATTRIBUTES


def summary(labels: np.ndarray, probabilities: np.ndarray, abstained: np.ndarray) -> dict[str, Any]:
    """Of N cells: labels (N,), probabilities (N, 5), abstained (N,) bool.

    Accuracy is over all cells, abstained or not; `answered` has the accuracy of the rest. A figure
    called x has its 95 % interval in x_interval: (low, high), or None where there is none.
    """
    draws = intervals.resample(len(labels))
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    table = merit.confusion(labels, predicted)
    classes = metrics.per_class(table)
    by_class = intervals.of_classes(draws, labels, predicted)
    selection = intervals.of_selection(draws, labels, probabilities, metrics.COVERAGE)
    error = metrics.selective_error(labels, probabilities)
    answered, answered_right = int((~abstained).sum()), int(right[~abstained].sum())
    return {
        "cells": len(labels),
        "accuracy": float(right.mean()),
        "accuracy_interval": intervals.mean(draws, right.astype(float)),
        "balanced_accuracy": float(
            np.mean([row["recall"] for row in classes.values() if row["support"]])
        ),
        "balanced_accuracy_interval": by_class["balanced_accuracy"],
        "macro_f1": metrics.macro_f1(table),
        "macro_f1_interval": by_class["macro_f1"],
        "loss": float(metrics.log_losses(labels, probabilities).mean()),
        "loss_interval": intervals.mean(draws, metrics.log_losses(labels, probabilities)),
        "calibration_error": metrics.calibration_error(labels, probabilities),
        "calibration_error_interval": intervals.of_calibration(draws, labels, probabilities),
        "brier": float(metrics.briers(labels, probabilities).mean()),
        "brier_interval": intervals.mean(draws, metrics.briers(labels, probabilities)),
        "areas_under_roc": metrics.areas_under_roc(labels, probabilities),
        "areas_under_roc_intervals": intervals.of_areas(draws, labels, probabilities),
        "generalised_risk": metrics.generalised_risk(labels, probabilities),
        "selective": {
            "coverage": metrics.COVERAGE,
            "error": error,
            "error_interval": selection["error"],
            "error_of_all": float(1 - right.mean()),
            "error_of_all_interval": selection["error_of_all"],
            "ratio": float(error / (1 - right.mean())) if not right.all() else None,
            "ratio_interval": selection["ratio"],
        },
        "abstained": float(abstained.mean()),
        "abstained_interval": intervals.share(int(abstained.sum()), len(labels)),
        "answered": {
            "cells": answered,
            "accuracy": answered_right / answered if answered else None,
            "accuracy_interval": intervals.share(answered_right, answered),
        },
        "classes": classes,
        "confusion": table.tolist(),
    }


def attributes(known: np.ndarray, answers: list[dict[str, str]]) -> dict[str, Any]:
    """By attribute, and their mean; empty where nothing is known. `known` and `answers` as in
    metrics.attribute_hits."""
    hits, commonest = metrics.attribute_hits(known, answers), metrics.commonest_values(known)
    places = np.flatnonzero(np.isfinite(commonest))
    if not len(places):
        return {}
    draws = intervals.resample(len(hits))

    def figures(columns: np.ndarray) -> dict[str, Any]:
        return {
            "accuracy": float(np.nanmean(hits[:, columns], axis=0).mean()),
            "accuracy_interval": intervals.mean(draws, hits[:, columns]),
            "commonest_value": float(commonest[columns].mean()),
        }

    names = list(ATTRIBUTES)
    return {
        "attributes": {
            names[place]: {
                "cells": int(np.isfinite(hits[:, place]).sum()),
                **figures(np.array([place])),
            }
            for place in places
        },
        "attributes_mean": figures(places),
    }
