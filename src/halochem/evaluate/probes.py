"""Does z still know Teff and log g? A regressor that can see any dependence tries to read them from it."""

from __future__ import annotations

import numpy as np

from halochem import seeds
from halochem.evaluate.number import Number, undefined

# With the regressor's 20 stars a leaf, fewer training stars give a tree of a leaf or two: it would score
# like the mean whatever z holds, and so would seem to clear it.
MIN_TRAIN = 200
MIN_TEST = 30


def boosted_r2(z_train: np.ndarray, y_train: np.ndarray, z_test: np.ndarray, y_test: np.ndarray, seed: int) -> Number:
    """R² of a gradient-boosted regressor z → y over a dummy that predicts the training mean.

    1 − Σ(y − ŷ)² / Σ(y − mean of training)² over the test stars: 0 where z tells no more than the mean does,
    below 0 where the regressor learnt noise. z: (n, 3); y: (n,). Not defined for fewer than MIN_TRAIN
    training or MIN_TEST test stars.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    good_train = np.isfinite(z_train).all(axis=1) & np.isfinite(y_train)
    good_test = np.isfinite(z_test).all(axis=1) & np.isfinite(y_test)
    n_train, n_test = int(good_train.sum()), int(good_test.sum())
    if n_train < MIN_TRAIN or n_test < MIN_TEST:
        note = f"not enough stars (n_train={n_train}, n={n_test})"
        return undefined(n_test, note, n_train=n_train)
    regressor = HistGradientBoostingRegressor(
        early_stopping=False, random_state=seeds.torch_seed(seed, "evaluate-probe") % 2**32
    )
    regressor.fit(z_train[good_train], y_train[good_train])
    y = y_test[good_test]
    residual = (y - regressor.predict(z_test[good_test])) ** 2
    dummy = (y - y_train[good_train].mean()) ** 2
    if dummy.sum() == 0:
        return undefined(n_test, f"no spread in the label (n={n_test})", n_train=n_train)
    r2 = float(1 - residual.sum() / dummy.sum())
    scatter = residual - (1 - r2) * dummy
    error = float(np.sqrt((scatter**2).sum() * n_test / (n_test - 1)) / dummy.sum())
    detail = {
        "n_train": n_train,
        "rmse": float(np.sqrt(residual.mean())),
        "rmse_of_the_mean": float(np.sqrt(dummy.mean())),
    }
    return Number(r2, n_test, error, detail=detail)
