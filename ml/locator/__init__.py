"""Training and measuring the locator (classifier.inference.locate).

Boxes of people say where the white cells are; `masks` finds cell and nucleus inside each box, where
that is easy, and the network learns to find them where there is no box. `python -m ml.locator.train`
trains, `python -m ml.locating` measures.
"""
