"""Writes statistics.json: answers of SciPy, statsmodels and brute force that the tests of Workbench/Statistics are held to.

    pip install scipy==1.17.1 statsmodels==0.15.0 && python statistics.py      (some minutes)

What those libraries do not have is worked out here another way than in the sources: constrained maximum likelihood by numerical search, sample sizes by
simulation.
"""
import json
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(6)


def loss(counts, shares):
    """The negative log likelihood of a table (both right, only the candidate, only the baseline, neither)."""
    return -sum(count * np.log(max(share, 1e-300)) for count, share in zip(counts, shares) if count)


def smallest(function, low, high):
    """Where a convex function of one number is smallest, the ends included."""
    found = optimize.minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x if high > low else low
    return min((found, low, high), key=function)


def likeliest_of_ratio(table, share):
    """The likeliest shares whose ratio of accuracies is `share`: a search over what only the baseline gets right, within it over what only the candidate
    does. The likelihood is concave, so both searches have one hill to find."""
    def shares(x, y):
        both = (share * y - x) / (1 - share)
        return both, x, y, max(0.0, 1 - both - x - y)

    def best(y):
        return smallest(lambda x: loss(table, shares(x, y)), max(0.0, (y - (1 - share)) / share), share * y)

    y = smallest(lambda y: loss(table, shares(best(y), y)), 0.0, 1 / (1 + share))
    return np.array(shares(best(y), y))


def likeliest_of_difference(table, difference):
    """The likeliest shares whose difference of accuracies is `difference`: a search over what only the baseline gets right."""
    known = table[0] + table[3]

    def shares(y):
        rest = 1 - 2 * y - difference
        return rest * (table[0] / known if known else 0.5), y + difference, y, rest * (table[3] / known if known else 0.5)

    return np.array(shares(smallest(lambda y: loss(table, shares(y)), max(0.0, -difference), (1 - difference) / 2)))


def noninferiority(table, share):
    """The score test of the ratio, its variance from the numerical maximum."""
    counts = np.asarray(table, float)
    n = counts.sum()
    p = likeliest_of_ratio(table, share)
    distance = counts[0] + counts[1] - share * (counts[0] + counts[2])
    variance = n * (p[0] * (1 - share) ** 2 + p[1] + share**2 * p[2])
    z = distance / np.sqrt(variance)
    return z, stats.norm.sf(z)


def difference_interval(table, level=0.95):
    """The score interval of the difference, by inverting a test whose variance comes from the numerical maximum."""
    counts = np.asarray(table, float)
    n, estimate, bar = counts.sum(), (counts[1] - counts[2]) / counts.sum(), stats.norm.isf((1 - level) / 2)

    def score(value):
        p = likeliest_of_difference(table, value)
        variance = n * (p[1] + p[2] - value**2)
        return (counts[1] - counts[2] - n * value) / np.sqrt(variance)

    ends = []
    for sign, end in ((1, -1), (-1, 1)):
        far = end * (1 - 1e-9)
        ends.append(end if sign * score(far) < bar else optimize.brentq(lambda value: sign * score(value) - bar, estimate - sign * 1e-9, far, xtol=1e-13))
    return ends


def drawn(shares, n, times):
    """Tables of n problems each."""
    return random.multinomial(n, shares, size=times)


def exact_p(b, c):
    return np.minimum(1, 2 * stats.binom.cdf(np.minimum(b, c), b + c, 0.5))


def connor(difference, discordant):
    a, b = stats.norm.isf(0.025), stats.norm.isf(0.2)
    return (a * np.sqrt(discordant) + b * np.sqrt(discordant - difference**2)) ** 2 / difference**2


def main():
    tables = [(93, 1, 3, 3), (100, 0, 0, 0), (20, 0, 0, 0), (150, 7, 2, 41), (60, 12, 30, 98), (900, 20, 20, 60), (0, 3, 5, 12), (47, 9, 0, 44), (47, 0, 9, 44),
              (1900, 3, 1, 96), (10, 0.5, 1.5, 8), (5, 40, 2, 3)]
    flips = [[1, 1, 1, -1, 0, 0], [3, -1, 2, 0, -2, 1, 1], [2, 2, 2, 2, 2], [-3, -1, -2, 1], [1, -1], [4, 0, 0, -1, 3, 3, -2, 1, 1, 1, -4, 2]]
    flips += [random.integers(-3, 4, 14).tolist() for _ in range(4)]
    holm = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.2], [0.001, 0.9, 0.012, 0.013, 0.04], random.uniform(0, 0.2, 12).tolist()]

    baseline = random.integers(30, 60, 40)
    candidate = np.maximum(3, (baseline * random.uniform(0.05, 0.4, 40)).astype(int))
    ratio = stats.bootstrap((baseline, candidate), lambda x, y, axis=-1: x.sum(axis) / y.sum(axis), paired=True, n_resamples=100_000, method="percentile",
                            rng=np.random.default_rng(1)).confidence_interval
    quantiles = random.normal(size=37)

    sizes = []
    for difference, discordant in [(0.01, 0.01), (0.01, 0.04), (0.02, 0.04), (0.05, 0.06), (0.05, 0.2), (0.1, 0.3), (0.002, 0.004)]:
        n = int(np.ceil(connor(difference, discordant) + 1 / difference))
        shares = [0.5, (discordant + difference) / 2, (discordant - difference) / 2, 0.5 - discordant]
        found = drawn(shares, n, 100_000)
        sizes.append({"difference": difference, "discordant": discordant, "problems": n,
                      "power": float((exact_p(found[:, 1], found[:, 2]) < 0.05).mean())})

    kept = []
    for share, accuracy, discordant in [(0.99, 0.95, 0.0), (0.99, 0.95, 0.02), (0.99, 0.9, 0.06), (0.99, 0.5, 0.1), (0.999, 0.95, 0.0), (0.999, 0.9, 0.02),
                                        (0.95, 0.8, 0.1)]:
        single = discordant / 2
        truth = np.array([accuracy - single, single, single, 1 - accuracy - single])
        null = likeliest_of_ratio(truth, share)
        v0 = null[0] * (1 - share) ** 2 + null[1] + share**2 * null[2]
        v1 = truth[0] * (1 - share) ** 2 + truth[1] + share**2 * truth[2] - ((1 - share) * accuracy) ** 2
        n = (stats.norm.isf(0.05) * np.sqrt(v0) + stats.norm.isf(0.2) * np.sqrt(v1)) ** 2 / ((1 - share) * accuracy) ** 2
        n = int(np.ceil(n - 1e-9))

        def rejected(shares, times=2000):
            # One p per distinct table: the numerical maximum is slow.
            found, counts = np.unique(drawn(shares, n, times), axis=0, return_counts=True)
            return float(sum(count for table, count in zip(found, counts) if noninferiority(table, share)[1] < 0.05) / times)

        # What it finds where both are alike, and how often it errs where the share is only just not kept.
        kept.append({"share": share, "accuracy": accuracy, "discordant": discordant, "problems": n, "power": rejected(truth), "error": rejected(null)})

    document = {
        "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
        "mcnemar": [{"only_candidate": b, "only_baseline": c, "p": float(mcnemar([[5, b], [c, 7]], exact=True).pvalue)}
                    for b, c in [(0, 0), (1, 0), (0, 6), (3, 9), (10, 10), (25, 60), (200, 260)]],
        "sign_flip": [{"differences": d, "p": float(stats.permutation_test((np.array(d),), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue)}
                      for d in flips],
        "holm": [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in holm],
        "normal": [{"share": share, "z": float(stats.norm.isf(share))} for share in (1e-12, 1e-4, 0.025, 0.05, 0.2, 0.5, 0.8, 0.975, 1 - 1e-9)],
        "bootstrap": {"above": baseline.tolist(), "below": candidate.tolist(), "low": float(ratio.low), "high": float(ratio.high)},
        "quantiles": {"values": quantiles.tolist(), "ends": np.quantile(quantiles, [0.025, 0.975]).tolist()},
        "noninferiority": [{"table": table, "share": share, "z": float(z), "p": float(p)}
                           for table in tables for share in (0.99, 0.999, 0.9) for z, p in [noninferiority(table, share)]],
        "difference": [{"table": table, "low": low, "high": high} for table in tables for low, high in [difference_interval(table)]],
        "to_see": sizes,
        "to_show": kept,
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
