"""Chunks: each star's status, resumed runs, the file by plain h5py."""

from __future__ import annotations

import os
import signal
import time

import h5py
import numpy as np
import pytest

from halochem.errors import UserError
from halochem.files import STATUS_FAILED, STATUS_OK, STATUS_RETRIED
from halochem.synthesize import chunk
from halochem.synthesize.turbospectrum import Disturbed, Star
from toy_chunks import SETTINGS, WAVELENGTH, Synthesiser, flux_of, labels


def run(out, n_stars=6, rows=None, synthesiser=None, settings=SETTINGS, frame=None, jobs=1) -> Synthesiser:
    synthesiser = synthesiser or Synthesiser()
    frame = labels(n_stars) if frame is None else frame
    chunk.run(frame, rows or range(len(frame)), synthesiser, WAVELENGTH, settings, out, jobs)
    return synthesiser


def star_of(frame, row) -> Star:
    return Star(*frame.loc[row, ["teff", "logg", "feh", "c_fe", "alpha_fe"]])


# --- one star -------------------------------------------------------------------------------------------

STAR = Star(5000.0, 3.0, -1.0, 0.0, 0.2)


def test_good_star_takes_one_try():
    synthesiser = Synthesiser(out_of_grid=[5000.0])
    spectrum = chunk.compute(STAR, synthesiser, len(WAVELENGTH))
    assert synthesiser.calls == [(STAR, False)]
    assert (spectrum.status, spectrum.reason) == (STATUS_OK, "")
    assert (spectrum.out_of_grid, spectrum.note) == (True, "logg 5 for 5.7")
    assert spectrum.flux.dtype == np.float32
    assert np.array_equal(spectrum.flux, flux_of(STAR).astype(np.float32))


def test_failed_star_is_tried_once_more_with_the_safe_setting():
    synthesiser = Synthesiser(fails=[5000.0])
    spectrum = chunk.compute(STAR, synthesiser, len(WAVELENGTH))
    assert synthesiser.calls == [(STAR, False), (STAR, True)]
    assert (spectrum.status, spectrum.reason) == (STATUS_RETRIED, "flux is not finite")
    assert np.array_equal(spectrum.flux, flux_of(STAR).astype(np.float32))


def test_star_that_fails_twice_is_recorded_with_nan_and_both_reasons():
    synthesiser = Synthesiser(fails_twice=[5000.0])
    spectrum = chunk.compute(STAR, synthesiser, len(WAVELENGTH))
    assert synthesiser.calls == [(STAR, False), (STAR, True)]
    assert spectrum.status == STATUS_FAILED
    assert spectrum.reason == (
        "bsyn: exit status 1: no convergence; then, safe setting: bsyn: exit status 2: no convergence"
    )
    assert spectrum.flux.shape == WAVELENGTH.shape
    assert np.isnan(spectrum.flux).all()


class DisturbedAtFirst(Synthesiser):
    """Disturbed so many times, then as good as any."""

    def __init__(self, times):
        super().__init__()
        self.left = times

    def __call__(self, star, safe):
        if self.left:
            self.left -= 1
            raise Disturbed("bsyn_lu: killed from outside (signal 9)")
        return super().__call__(star, safe)


def test_disturbed_star_is_done_again_as_it_was():
    synthesiser = DisturbedAtFirst(chunk.DISTURBED_MOST - 1)
    spectrum = chunk.compute(STAR, synthesiser, len(WAVELENGTH))
    assert synthesiser.calls == [(STAR, False)]
    assert (spectrum.status, spectrum.reason) == (STATUS_OK, "")
    assert np.array_equal(spectrum.flux, flux_of(STAR).astype(np.float32))


def test_star_disturbed_again_and_again_is_not_recorded_as_failed():
    with pytest.raises(UserError, match=r"killed from outside \(signal 9\), 3 times for Star\(teff=5000.*are kept"):
        chunk.compute(STAR, DisturbedAtFirst(chunk.DISTURBED_MOST), len(WAVELENGTH))


def test_reason_is_not_said_twice():
    def always_the_same(star, safe):
        raise chunk.SynthesisFailed("atmosphere: temperature rises towards the surface")

    reason = chunk.compute(STAR, always_the_same, 10).reason
    assert reason == "atmosphere: temperature rises towards the surface"


def test_other_faults_are_not_taken_for_a_failed_star():
    """A bug, or a full disk, must not end as NaN in a catalog."""

    def full_disk(star, safe):
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        chunk.compute(STAR, full_disk, 10)


# --- which rows -----------------------------------------------------------------------------------------


def test_chunks_hold_every_row_once():
    for n_stars, size in ((10, 3), (9, 3), (1, 200), (201, 200)):
        chunks = -(-n_stars // size)
        rows = [row for k in range(chunks) for row in chunk.rows_of_chunk(n_stars, size, k)]
        assert rows == list(range(n_stars))


@pytest.mark.parametrize("number", [-1, 4, 100])
def test_chunk_number_out_of_range_is_one_line(number):
    with pytest.raises(UserError, match=f"--chunk {number}: 10 stars at 3 a chunk make chunks 0 to 3"):
        chunk.rows_of_chunk(10, 3, number)


# --- a run ----------------------------------------------------------------------------------------------


def test_file_by_plain_h5py(tmp_path):
    frame = labels(7)
    synthesiser = Synthesiser(
        fails=[frame.teff[3]], fails_twice=[frame.teff[4]], out_of_grid=[frame.teff[2], frame.teff[3]]
    )
    run(tmp_path / "chunk-1.h5", rows=range(2, 6), frame=frame, synthesiser=synthesiser)
    with h5py.File(tmp_path / "chunk-1.h5", "r") as file:
        assert {name: str(value) for name, value in file.attrs.items()} == {
            "schema_version": "1",
            "first_row": "2",
            **SETTINGS,
        }
        assert np.array_equal(file["wavelength"][:], WAVELENGTH)
        assert [name.decode() for name in file["star_id"][:]] == frame["star_id"].tolist()[2:6]
        assert file["status"][:].tolist() == [0, 1, 2, 0]
        assert file["out_of_grid"][:].tolist() == [True, True, False, False]
        assert file["flux"].shape == (4, len(WAVELENGTH))
        assert file["flux"].dtype == np.float32
        for i, row in enumerate((2, 3, None, 5)):
            expected = np.full(len(WAVELENGTH), np.nan) if row is None else flux_of(star_of(frame, row))
            assert np.array_equal(file["flux"][i], expected.astype(np.float32), equal_nan=True)
        for name in ("teff", "logg", "feh", "c_fe", "alpha_fe"):
            assert np.array_equal(file["labels"][name][:], frame[name][2:6])
        reasons = [text.decode() for text in file["status_reason"][:]]
        assert reasons[:2] == ["", "flux is not finite"]
        assert "safe setting" in reasons[2]
        assert [text.decode() for text in file["atmosphere_note"][:]] == ["logg 5 for 5.7", "logg 5 for 5.7", "", ""]


def test_nothing_but_the_file_is_left(tmp_path):
    run(tmp_path / "chunk-0.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["chunk-0.h5"]


def test_two_at_a_time_give_the_same_file(tmp_path):
    run(tmp_path / "one.h5", n_stars=20)
    run(tmp_path / "two.h5", n_stars=20, jobs=2)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_interrupted_run_computes_only_the_rest_and_gives_the_identical_file(tmp_path):
    frame = labels(8)
    failing = {"fails": [frame.teff[1]], "fails_twice": [frame.teff[2]]}
    run(tmp_path / "whole" / "chunk.h5", frame=frame, synthesiser=Synthesiser(**failing))
    out = tmp_path / "resumed" / "chunk.h5"
    first = Synthesiser(**failing, interrupted_after=6)  # two stars took two tries
    with pytest.raises(KeyboardInterrupt):
        run(out, frame=frame, synthesiser=first)
    assert not out.exists()
    second = run(out, frame=frame, synthesiser=Synthesiser(**failing))
    assert {star for star, _ in first.calls} == {star_of(frame, row) for row in range(4)}
    assert {star for star, _ in second.calls} == {star_of(frame, row) for row in range(4, 8)}
    assert out.read_bytes() == (tmp_path / "whole" / "chunk.h5").read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["chunk.h5"]


def test_star_kept_half_written_is_computed_anew(tmp_path):
    """What a kill in the middle of a write leaves: a temporary file under another name."""
    out = tmp_path / "chunk.h5"
    with pytest.raises(KeyboardInterrupt):
        run(out, synthesiser=Synthesiser(interrupted_after=3))
    kept = sorted((tmp_path / "chunk.h5.partial").iterdir())
    assert len(kept) == 3
    kept[0].rename(kept[0].with_name(f".{kept[0].name}.abc.part"))
    assert len(run(out).calls) == 4


def test_star_kept_and_damaged_is_computed_anew(tmp_path):
    out = tmp_path / "chunk.h5"
    with pytest.raises(KeyboardInterrupt):
        run(out, synthesiser=Synthesiser(interrupted_after=3))
    truncated, flipped, _ = sorted((tmp_path / "chunk.h5.partial").iterdir())
    truncated.write_bytes(truncated.read_bytes()[:-100])
    content = bytearray(flipped.read_bytes())
    content[200] ^= 1  # in the flux
    flipped.write_bytes(content)
    assert len(run(out).calls) == 3 + 2
    run(tmp_path / "fresh.h5")
    assert out.read_bytes() == (tmp_path / "fresh.h5").read_bytes()


def test_another_run_of_the_same_chunk_may_clear_the_folder(tmp_path):
    """A Snakemake that is killed leaves its jobs behind; the next one starts the same chunk beside them."""
    out = tmp_path / "chunk.h5"

    class Cleared(Synthesiser):
        def __call__(self, star, safe):
            if len(self.calls) == 4:
                run(out)
            return super().__call__(star, safe)

    run(out, synthesiser=Cleared())
    run(tmp_path / "fresh.h5")
    assert out.read_bytes() == (tmp_path / "fresh.h5").read_bytes()
    assert not (tmp_path / "chunk.h5.partial").exists()


@pytest.mark.parametrize("changed", ["settings", "labels"])
def test_stars_kept_under_other_settings_or_labels_are_not_used(tmp_path, changed):
    out = tmp_path / "chunk.h5"
    frame = labels(6)
    with pytest.raises(KeyboardInterrupt):
        run(out, frame=frame, synthesiser=Synthesiser(interrupted_after=4))
    settings = SETTINGS
    if changed == "settings":
        settings = SETTINGS | {"engine": "toy 2"}
    else:
        frame.loc[0, "c_fe"] += 1e-6
    again = run(out, frame=frame, settings=settings)
    assert len(again.calls) == (6 if changed == "settings" else 3)
    run(tmp_path / "fresh.h5", frame=frame, settings=settings)
    assert out.read_bytes() == (tmp_path / "fresh.h5").read_bytes()


def test_snr_is_no_matter_of_the_clean_spectrum(tmp_path):
    out = tmp_path / "chunk.h5"
    frame = labels(6)
    with pytest.raises(KeyboardInterrupt):
        run(out, frame=frame, synthesiser=Synthesiser(interrupted_after=4))
    frame["snr"] += 1
    assert len(run(out, frame=frame).calls) == 2


def test_bug_in_the_engine_keeps_its_traceback_and_the_stars_before_it(tmp_path):
    class Broken(Synthesiser):
        def __call__(self, star, safe):
            if len(self.calls) == 3:
                raise ZeroDivisionError
            return super().__call__(star, safe)

    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "chunk.h5", synthesiser=Broken())
    assert not (tmp_path / "chunk.h5").exists()
    assert len(run(tmp_path / "chunk.h5").calls) == 3


def test_a_schedulers_term_ends_in_order_and_the_next_run_goes_on(tmp_path):
    """The handler of before is back afterwards; the stars that were done stay."""
    before = signal.getsignal(signal.SIGTERM)

    class Terminated(Synthesiser):
        def __call__(self, star, safe):
            if len(self.calls) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.2)
            return super().__call__(star, safe)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a.h5", synthesiser=Terminated())
    assert signal.getsignal(signal.SIGTERM) is before
    kept = len(list((tmp_path / "a.h5.partial").glob("*.npz")))
    assert 3 <= kept < 6
    second = run(tmp_path / "a.h5")
    assert len(second.calls) == 6 - kept
