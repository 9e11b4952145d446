"""How well a score ranks the examples of one class above the others, whatever threshold would be chosen."""

import numpy as np
from jaxtyping import Bool, Float, Shaped


def roc_auc(scores: Shaped[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]) -> float:
    """Area under the receiver operating characteristic: how often a positive example scores above a negative one.

        AUC = (sum of the ranks of the positives - P (P + 1) / 2) / (P N),    equal scores share their mean rank

    0.5 for scores that tell nothing. Not a number where one of the two kinds is missing.

    Example:
        >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
        0.875

    Source: J. Hanley, B. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", 1982.
    """
    positives = int(positive.sum())
    pairs = positives * (len(positive) - positives)
    if pairs == 0:
        return float("nan")
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = counts.cumsum() - (counts - 1) / 2
    return float((mean_rank[which][positive].sum() - positives * (positives + 1) / 2) / pairs)


def average_precision(scores: Float[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]) -> float:
    """Area under precision over recall, as a sum of steps: examples of equal score enter together.

        AP = sum_k (R_k - R_(k-1)) P_k,    over the different scores from the highest down

    The fraction of the positives for scores that tell nothing. Not a number where there are none.

    Example:
        >>> average_precision(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
        0.8333333333333333
    """
    if not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = positive[order].cumsum()[last]
    precision, recall = hits / (last + 1), hits / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())
