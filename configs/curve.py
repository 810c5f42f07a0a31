"""Make curve.csv: 320 noisy rows of which the truth is known.

A point of the square from -2 to 2 is above the curve y = x**2 - 1, or it is not; one row in ten
says the opposite of the truth, so nothing is right on more than about 90 % of new rows.
"""

import csv
from pathlib import Path

import numpy as np

generator = np.random.RandomState(0)
points = generator.uniform(-2.0, 2.0, (320, 2)).round(2)
above = points[:, 1] > points[:, 0] ** 2 - 1.0
told = above ^ (generator.random_sample(320) < 0.1)
with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["x", "y", "above"])
    for point, is_above in zip(points.tolist(), told.tolist(), strict=True):
        rows.writerow([*point, "yes" if is_above else "no"])
