"""Direct spectra kept for the emulator: 16-bit batches that are only ever added to. Layout: docs/emulator.md."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from halochem.errors import UserError
from halochem.files import HDF5_FORMAT, LABELS, STAR_LABELS, STATUS_FAILED, STATUS_MEANING, atomic, open_hdf5
from halochem.synthesize.emulator.design import PREFIX, TEST, TRAIN

QUANTUM = 1e-4
NO_FLUX = 65535
# Attributes that may differ from batch to batch: no number in a spectrum depends on them but through the others.
_OWN = {"first_row", "schema_version", "compiler", "seed", "config_hash", "halochem_version", "flux_sha256"}


@dataclass(frozen=True)
class Spectra:
    """Direct spectra in memory; n stars, p pixels."""

    wavelength: np.ndarray  # (p,) float64, Å, air
    flux: np.ndarray  # (n, p) float32, continuum = 1; NaN for a failed star
    labels: pd.DataFrame  # n rows: star_id and files.STAR_LABELS
    status: np.ndarray  # (n,) uint8, files.STATUS_*
    reason: np.ndarray  # (n,) str, why a star failed
    test: np.ndarray  # (n,) bool: never to be trained on
    attributes: dict[str, str]  # what made them, but for _OWN

    def subset(self, chosen: np.ndarray) -> Spectra:
        """The stars of a mask or index."""
        flux, status, reason, test = (part[chosen] for part in (self.flux, self.status, self.reason, self.test))
        labels = self.labels.iloc[chosen].reset_index(drop=True)
        return Spectra(self.wavelength, flux, labels, status, reason, test, self.attributes)

    @property
    def computed(self) -> np.ndarray:
        """Stars that have a spectrum: bool, shape (n,)."""
        return self.status != STATUS_FAILED

    @property
    def digest(self) -> str:
        """SHA-256 of labels and quantised fluxes, whatever batches they came in."""
        order = np.argsort(self.labels["star_id"].to_numpy())
        text = hashlib.sha256(np.ascontiguousarray(quantise(self.flux[order])).tobytes())
        text.update(self.labels.iloc[order].to_csv(index=False).encode())
        return text.hexdigest()


def quantise(flux: np.ndarray) -> np.ndarray:
    """Flux in whole multiples of QUANTUM, uint16; NO_FLUX where there is none."""
    known = np.isfinite(flux)
    return np.where(known, np.round(np.where(known, flux, 0.0) / QUANTUM), NO_FLUX).astype("<u2")


def read_chunks(paths: list[Path]) -> Spectra:
    """Chunks of `halochem synthesize` over a design. Raises UserError where they are no such thing or do not match."""
    parts = [_read_chunk(path) for path in paths]
    _refuse_twice(parts, paths)
    return _joined(parts, [str(path) for path in paths])


def _refuse_twice(parts: list[Spectra], paths: list[Path]) -> None:
    owner: dict[str, Path] = {}
    for part, path in zip(parts, paths, strict=True):
        for name in part.labels["star_id"]:
            if name in owner:
                raise UserError(f"{path}: star_id {name} occurs twice (also in {owner[name]}); give each star once")
            owner[name] = path


def _read_chunk(path: Path) -> Spectra:
    with open_hdf5(path, "synthesize") as file:
        try:
            labels = pd.DataFrame({"star_id": file["star_id"].asstr()[:], **_label_columns(file["labels"])})
            flux, status = file["flux"][:], file["status"][:]
            reason = file["status_reason"].asstr()[:]
            wavelength = file["wavelength"][:]
        except (KeyError, OSError) as error:
            raise UserError(f"{path}: not a whole chunk ({error}); delete it and compute it anew") from None
        attributes = {name: str(value) for name, value in file.attrs.items()}
    return Spectra(wavelength, flux, labels, status, reason, _is_test(labels, path), attributes)


def _label_columns(group: h5py.Group) -> dict[str, np.ndarray]:
    return {name: group[name][:] for name in STAR_LABELS}


def _is_test(labels: pd.DataFrame, path: Path) -> np.ndarray:
    names = labels["star_id"]
    test, train = (names.str.startswith(PREFIX[kind]).to_numpy(bool) for kind in (TEST, TRAIN))
    if not (test | train).all():
        name = names[~(test | train)].iloc[0]
        raise UserError(f"{path}: star_id {name} is of no design; `halochem emulator design` makes one")
    return test


def write_batch(spectra: Spectra, out: Path) -> None:
    """Write a batch; it joins the others of its folder, so it must fit them, and none of them is ever replaced."""
    if out.exists():
        raise UserError(f"{out}: exists; batches are only added, so give a new name")
    others = sorted(out.parent.glob("*.h5"))
    if others:
        _joined([*map(_read_batch, others), spectra], [*map(str, others), str(out)])
    flux = quantise(spectra.flux)
    with atomic(out) as temporary, h5py.File(temporary, "w", libver=HDF5_FORMAT) as file:
        file.attrs.update({**spectra.attributes, "flux_sha256": hashlib.sha256(flux.tobytes()).hexdigest()})
        file.create_dataset("wavelength", data=spectra.wavelength, fletcher32=True).attrs["unit"] = "Angstrom (air)"
        file.create_dataset(
            "flux",
            data=flux,
            chunks=(min(len(flux), 64), flux.shape[1]),
            compression="gzip",
            compression_opts=9,
            shuffle=True,
            fletcher32=True,
        ).attrs.update(unit="continuum = 1", scale=QUANTUM, meaning=f"flux = scale x number; {NO_FLUX}: none")
        for name in STAR_LABELS:
            data = file.create_dataset(f"labels/{name}", data=spectra.labels[name].to_numpy(float), fletcher32=True)
            data.attrs["unit"] = LABELS[name][0]
        file.create_dataset("star_id", data=spectra.labels["star_id"].to_numpy().astype(bytes), fletcher32=True)
        file.create_dataset("test", data=spectra.test, fletcher32=True).attrs["meaning"] = "never trained on"
        file.create_dataset("status", data=spectra.status, fletcher32=True).attrs["meaning"] = STATUS_MEANING
        file.create_dataset("status_reason", data=spectra.reason.tolist(), dtype=h5py.string_dtype("utf-8"))


def load(folder: Path) -> Spectra:
    """All batches of a folder. Raises UserError where they do not match, are damaged, or there is none."""
    paths = sorted(folder.glob("*.h5"))
    if not paths:
        raise UserError(f"{folder}: no batch of spectra (*.h5) there; `halochem emulator pack` makes one")
    return _joined([_read_batch(path) for path in paths], [str(path) for path in paths])


def _read_batch(path: Path) -> Spectra:
    with open_hdf5(path, "emulator pack") as file:
        try:
            numbers = file["flux"][:]
            labels = pd.DataFrame({"star_id": file["star_id"].asstr()[:], **_label_columns(file["labels"])})
            status, test, reason = file["status"][:], file["test"][:], file["status_reason"].asstr()[:]
            wavelength = file["wavelength"][:]
            attributes = {name: str(value) for name, value in file.attrs.items()}
            whole = hashlib.sha256(numbers.tobytes()).hexdigest() == attributes["flux_sha256"]
        except (KeyError, OSError) as error:
            raise UserError(f"{path}: not a whole batch of spectra ({error}); get it anew") from None
    if not whole:
        raise UserError(f"{path}: /flux does not have the checksum in its attributes; get the file anew")
    flux = np.where(numbers == NO_FLUX, np.float32(np.nan), numbers * np.float32(QUANTUM))
    return Spectra(wavelength, flux, labels, status, reason, test, attributes)


def _joined(parts: list[Spectra], names: list[str]) -> Spectra:
    first = parts[0]
    for part, name in zip(parts[1:], names[1:], strict=True):
        if not np.array_equal(part.wavelength, first.wavelength):
            raise UserError(f"{name}: its wavelengths differ from those of {names[0]}; they cannot be one set")
        ours, theirs = _common(first), _common(part)
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                raise UserError(
                    f"{name}: made with {key} {theirs.get(key)}, {names[0]} with {ours.get(key)}; "
                    "they cannot be one set"
                )
    labels = pd.concat([part.labels for part in parts], ignore_index=True)
    columns = zip(*((part.flux, part.status, part.reason, part.test) for part in parts), strict=True)
    flux, status, reason, test = (np.concatenate(column) for column in columns)
    # Versions and hosts of the first; what the spectra depend on is common to all.
    joined = Spectra(first.wavelength, flux, labels, status, reason, test, _common(first))
    # A star computed anew in a later batch replaces the earlier one.
    return joined.subset(~labels["star_id"].duplicated(keep="last").to_numpy())


def _common(spectra: Spectra) -> dict[str, str]:
    return {name: value for name, value in spectra.attributes.items() if name not in _OWN}
