"""The random streams: the same numbers for ever, and independent of each other."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import stats

from halochem import seeds

# Measured once; a change here would change every catalog.
KNOWN = {
    (1, "labels", 0): ("0x1.3c5dbbd7249c7p-2", "0x1.87ad871ecc244p-1", "0x1.783440b797c72p-1", "0x1.e8ccbb368de51p-2"),
    (1, "labels", 1): ("0x1.dd130eec222fep-3", "0x1.c10c2f4ff6ef7p-2", "0x1.3f580d9fa295ap-1", "0x1.9417a48e5fe52p-3"),
    (1, "noise", 0): ("0x1.0a072af404d48p-5", "0x1.c21fbedac403cp-1", "0x1.a8ea072b9cb3ap-3", "0x1.dc5186e7ce71ap-3"),
    (2, "labels", 0): ("0x1.245860ca7f308p-5", "0x1.a2a88d14cb640p-1", "0x1.d7c79ca027ec8p-1", "0x1.4426b28ea8f8ep-3"),
}


@pytest.mark.parametrize(("name", "expected"), KNOWN.items())
def test_known_numbers(name, expected):
    assert tuple(x.hex() for x in seeds.uniforms(*name, 4).tolist()) == expected


def philox_4x64(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 from its definition (Salmon et al. 2011, SC '11), without NumPy."""
    mask = 2**64 - 1
    for _ in range(10):
        low = 0xD2E7470EE14C6C93 * counter[0]
        high = 0xCA5A826395121157 * counter[2]
        counter = [
            (high >> 64) ^ counter[1] ^ key[0],
            high & mask,
            (low >> 64) ^ counter[3] ^ key[1],
            low & mask,
        ]
        key = [(key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask]
    return counter


def test_numbers_are_those_of_philox_with_seed_and_stream_as_key_and_star_in_the_counter():
    key = int.from_bytes(hashlib.sha256(b"labels").digest()[:8], "little")
    words = philox_4x64([1, 0, 77, 0], [5, key])  # counted up before the first block
    assert seeds.uniforms(5, "labels", 77, 4).tolist() == [((word >> 11) + 0.5) * 2.0**-53 for word in words]


def test_longer_draw_starts_with_the_shorter():
    long = seeds.uniforms(3, "noise", 12, 1001)
    for count in (1, 2, 5, 1000):
        assert np.array_equal(seeds.uniforms(3, "noise", 12, count), long[:count])


def test_star_is_the_same_alone_and_in_any_table():
    alone = seeds.uniforms(3, "labels", 40_000, 6)
    table = seeds.uniform_table(3, "labels", np.array([7, 40_000, 1]), 6)
    assert np.array_equal(table[1], alone)
    assert np.array_equal(seeds.uniform_table(3, "labels", range(39_999, 40_002), 6)[1], alone)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, "noise", 0), (2, "noise", 0)),
        ((1, "noise", 0), (1, "jitter", 0)),
        ((1, "noise", 0), (1, "noise", 1)),
        ((0, "noise", 1), (1, "noise", 0)),
    ],
)
def test_streams_are_independent(one, other):
    x, y = (seeds.uniforms(*name, 20_000) for name in (one, other))
    assert not np.intersect1d(x, y).size
    for shift in range(5):  # 4 numbers a block: a stream that ran on into another would show at some shift
        assert abs(stats.pearsonr(x[shift:], y[: len(y) - shift]).statistic) < 5 / np.sqrt(len(x))


def test_uniform_and_normal_distributions():
    u = seeds.uniforms(1, "distribution", 0, 50_000)
    assert u.min() > 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert stats.kstest(seeds.normals(1, "distribution", 0, 50_000), "norm").pvalue > 1e-3


def test_first_numbers_of_neighbouring_stars_are_uniform():
    first = seeds.uniform_table(1, "labels", range(5000), 1)[:, 0]
    assert stats.kstest(first, "uniform").pvalue > 1e-3
    assert abs(stats.pearsonr(first[1:], first[:-1]).statistic) < 5 / np.sqrt(5000)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="negative"):
        seeds.uniforms(-1, "labels", 0, 1)


def test_torch_seed_fits_63_bits_and_depends_on_both_parts():
    values = {seeds.torch_seed(seed, stream) for seed in (0, 1, 11) for stream in ("weights", "1/weights", "batches")}
    assert len(values) == 9
    assert all(0 <= value < 2**63 for value in values)
    assert seeds.torch_seed(1, "labels") == 8244717896868790920
