"""The bench of training throughput: its page, and that it measures what it says, on the smallest of runs."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "model"))
import throughput


def test_page():
    found = {
        "device": "A processor",
        "threads": 2,
        "load": 2.1,
        "sizes": {"fast": (4096, 11), "published": (64, 3)},
        "rates": {
            "fast": [(8040.0, 4000.0), (9000.0, 5000.0), (1000.0, 4500.0)],
            "published": [(12.0, 6.0), (10.0, 7.0), (14.0, 6.5)],
        },
        "operations": {"fast": 1.5e6, "published": 3e9},
        "peak": (1e11, "float32"),
    }
    page = throughput.page(found)
    assert "| preset `fast` | 8000 | 1000 to 9000 | 670 | 4500 | 692 | 1.50 million | 12% |" in page
    assert "| 12.0 | 10.0 to 14.0 | 1 | 6.5 | 1 | 3.00 billion | 36% |" in page


def test_made_up_spectra_train(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    stars = throughput.catalog(40)
    assert stars.flux.shape == (40, 4150)
    ends, n = throughput.ends_of_epochs(stars, throughput.FAST | {"fast": {"components": 8}}, 8)
    assert len(ends) == 8
    assert ends == sorted(ends)
    assert 20 < n <= 40


@pytest.mark.slow
def test_operations_of_the_published_network(monkeypatch):
    """By hand: two operations a weight and position of each convolution, three times for forwards and backwards."""
    monkeypatch.chdir(Path(__file__).parents[2])
    counted = throughput.operations(throughput.SCHEMES["published"][0])
    # pixels left after the poolings by 5 and 11, with their padding
    first, second = 4150, (4150 + 4 - 5) // 5 + 1
    third = (second + 10 - 11) // 11 + 1
    convolutions = 128 * 5 * first + 128 * 256 * 11 * second + 256 * 512 * 21 * third
    # No gradient for the flux.
    expected = 2 * (3 * convolutions - 128 * 5 * first)
    assert counted == pytest.approx(expected, rel=0.02)
