"""The number of hits against the number of hashes that a device says it did.

Each hash of an honest device is a hit with the probability p = (target + 1) / 2²⁵⁶, whatever the others
are, so its number of hits is Poisson distributed about p times its hashes. A device that skips work, or
keeps hits to itself, has fewer.

The test looks after every window, as often as it likes, and must not accuse an honest device because it
looked so often. So it does not look at tail probabilities but bets: a bet that is fair or worse while the
device is honest, with a stake of 1. Ville's inequality: the chance that such a stake ever grows to 1 / α is at
most α. The bet is that hits come θ times as often as they should, with θ drawn from a gamma distribution about
1, which has a closed form.

Sources: J. Ville, Étude critique de la notion de collectif (1939), chapter V; H. Robbins, Statistical methods
related to the law of the iterated logarithm (Ann. Math. Stat. 41, 1970), the method of mixtures; S. Howard,
A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences (Ann. Stat.
49, 2021), section 3, the gamma-Poisson mixture.
"""

from __future__ import annotations

import math

FALSE_ALARM = 1e-6
"""The chance at most that an honest device is accused within an epoch."""

EPOCH = 1 << 18
"""Expected hits after which the stake is 1 again, or a long honest past would shield a device that begins to lie.

With `HITS_PER_WINDOW` of `canary.py` and windows of 0.05 s this is seven minutes, so that a false alarm is due
once in 13 years of one device at most.
"""

PRIOR = 8.0
"""Shape and rate of the gamma distribution: θ is 1 ± 0.35. Smaller values would favour wilder lies."""


class Luck:
    """The test for one device. Not thread-safe."""

    def __init__(self) -> None:
        self.hits = 0
        self.expected = 0.0
        self.accused = False
        """Once set it stays, until somebody makes a new test for the device."""

        self._epoch_hits = 0
        self._epoch_expected = 0.0

    def add(self, hits: int, hashes: int, target: int) -> None:
        """`hits` were found among `hashes` digests at `target`."""
        expected = hashes * (target + 1) / (1 << 256)
        if self._epoch_expected >= EPOCH:
            self._epoch_hits, self._epoch_expected = 0, 0.0
        self.hits += hits
        self.expected += expected
        self._epoch_hits += hits
        self._epoch_expected += expected
        self.accused = self.accused or self.evidence >= math.log(1 / FALSE_ALARM)

    @property
    def evidence(self) -> float:
        """The natural logarithm of the stake, of this epoch."""
        return evidence(self._epoch_hits, self._epoch_expected)

    @property
    def text(self) -> str:
        """What there is to say of it."""
        word = "few" if self._epoch_hits < self._epoch_expected else "many"
        return (
            f"too {word} hits: {self._epoch_hits:,} where {self._epoch_expected:,.1f} were to be expected; "
            f"an honest device is accused of it in one of {round(1 / FALSE_ALARM):,} epochs at most"
        )


def evidence(hits: int, expected: float) -> float:
    """What a stake of 1 has become, as a natural logarithm.

    The stake after x hits where m were expected is the mean of θˣ exp(m − θm) over θ. It is fair for Poisson
    numbers, and worse than fair for the binomial ones that hashes really give: (1 + p(θ − 1))ⁿ ≤ exp(np(θ − 1)).
    """
    a = PRIOR
    gammas = math.lgamma(a + hits) - math.lgamma(a)
    return expected + a * math.log(a) + gammas - (a + hits) * math.log(a + expected)


def hits_to_notice(kept: float) -> float:
    """How many expected hits it takes to notice a device that keeps this part of them, at its mean pace.

    Infinite where an epoch is too short for it.
    """
    low, high = 0.0, float(EPOCH)
    if evidence(round(high * (1 - kept)), high) < math.log(1 / FALSE_ALARM):
        return math.inf
    while high - low > 1:
        middle = (low + high) / 2
        enough = evidence(round(middle * (1 - kept)), middle) >= math.log(1 / FALSE_ALARM)
        low, high = (low, middle) if enough else (middle, high)
    return high


def chance_of_so_few(hits: int, expected: float) -> float:
    """P(X ≤ hits) of a Poisson number about `expected`: for people, who look once.

    Summed from the largest term outwards, so that it is exact to the last digits of a float where it matters.
    """
    if expected <= 0:
        return 1.0
    top = min(hits, math.floor(expected))
    largest = math.exp(top * math.log(expected) - expected - math.lgamma(top + 1))
    terms, term = [largest], largest
    for k in range(top, 0, -1):
        term *= k / expected
        if term < largest * 1e-18:
            break
        terms.append(term)
    term = largest
    for k in range(top + 1, hits + 1):
        term *= expected / k
        if term < largest * 1e-18:
            break
        terms.append(term)
    return min(1.0, math.fsum(terms))
