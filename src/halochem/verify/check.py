"""Everything that `halochem verify` looks at: checksums first, then content, then agreement, one line a fault.

A file with one fault is asked no further, nor compared with others: what follows from a fault is no further fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halochem import files
from halochem.errors import UserError
from halochem.progress import track
from halochem.verify import agreement, content, manifest, products
from halochem.verify.products import MANIFEST, Product


@dataclass
class Findings:
    """What was found in a folder of results."""

    folder: Path
    n_products: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)  # path -> faults in words
    notes: list[str] = field(default_factory=list)  # lines on what is no fault

    def add(self, path: str, faults: Iterable[str]) -> None:
        """Record faults of a file; what its reader raises is one."""
        found = self.faults.setdefault(path, [])
        try:
            found.extend(faults)
        except Exception as error:  # a damaged file makes its reader raise anything
            found.append(_in_words(error, self.folder / path))
        if not found:
            del self.faults[path]

    def good(self, path: str) -> bool:
        """Whether nothing is wrong with a file so far."""
        return path not in self.faults

    def lines(self) -> list[str]:
        """One line for each fault."""
        return [f"{self.folder / path}: {fault}" for path, faults in self.faults.items() for fault in faults]


def _in_words(error: Exception, path: Path) -> str:
    words = " ".join(str(error).split()).removeprefix(f"{path}: ") or type(error).__name__
    return words if isinstance(error, UserError) else f"not readable ({words}); make it anew"


def verify(folder: Path) -> Findings:
    """Check a folder of results against its manifest, and in itself."""
    if not (folder / MANIFEST).is_file():
        manifest.read(folder)  # says what to do
    findings = Findings(folder)
    found = products.find(folder)
    findings.n_products = len(found)
    try:
        listed = manifest.read(folder)["products"]
    except UserError as error:
        findings.add(MANIFEST, [_in_words(error, folder / MANIFEST)])
        listed = {}
    _checksums(findings, found, listed)
    check_content(findings, found)
    return findings


def _checksums(findings: Findings, found: dict[str, Product], listed: dict[str, Any]) -> None:
    for path in track(list(listed), len(listed), "checksums"):
        if path not in found:
            findings.add(path, [f"missing, but in {MANIFEST}; make it anew"])
        else:
            findings.add(path, _stamp(findings.folder / path, listed[path]))
    new = [path for path in found if path not in listed]
    if new and listed:
        more = f" and {len(new) - 1} more" if len(new) > 1 else ""
        findings.notes.append(
            f"{findings.folder / new[0]}{more}: not in {MANIFEST}, so content checked without a checksum; "
            f"`halochem verify --write {findings.folder}` lists what is there"
        )


def _stamp(path: Path, entry: dict[str, Any]) -> Iterator[str]:
    size = path.stat().st_size
    if size != entry["size"]:
        yield f"{size} bytes, but {entry['size']} in {MANIFEST}; damaged, or made anew since"
        return
    sha256 = files.sha256(path)
    if sha256 != entry["sha256"]:
        yield f"SHA-256 {sha256[:12]}..., but {entry['sha256'][:12]}... in {MANIFEST}; damaged, or made anew since"


# --- content and agreement ------------------------------------------------------------------------------

CHECKS: dict[str, Callable[[Path], Iterator[str]]] = {
    "spectra": content.hdf5,
    "catalog": content.hdf5,
    "model": content.model,
    "table": content.table,
}
READERS: dict[str, Callable[[Path], Any]] = {
    "labels": files.read_labels,
    "labels summary": content.document,
    "evaluation": content.document,
    "spectra": content.read_stars,
    "catalog": content.read_stars,
    "table": content.read_table,
}


def check_content(findings: Findings, found: dict[str, Product]) -> None:
    """Each product in itself, then each catalog's against each other."""
    for path, product in track(list(found.items()), len(found), "content"):
        if product.kind in CHECKS and findings.good(path):
            findings.add(path, CHECKS[product.kind](findings.folder / path))
    for seed in sorted({product.seed for product in found.values() if product.seed is not None}):
        _check_seed(findings, [product for product in found.values() if product.seed == seed])
    for path, product in found.items():
        if product.kind == "summary" and path.endswith(".parquet") and findings.good(path):
            findings.add(path, _readable(content.read_table, findings.folder / path))


def _readable(reader: Callable[[Path], Any], path: Path) -> Iterator[str]:
    reader(path)
    yield from ()


def _check_seed(findings: Findings, of_seed: list[Product]) -> None:
    read: dict[str, Any] = {}
    for kind in ("labels", "labels summary", "spectra", "catalog", "model", "table", "evaluation"):
        for product in (product for product in of_seed if product.kind == kind):
            if not findings.good(product.path):
                continue
            findings.add(product.path, _compare(findings, product, read))
            # Chunks are as many as make a catalog; one at a time is in memory.
            if kind == "spectra" or not findings.good(product.path):
                read.pop(kind, None)


def _compare(findings: Findings, product: Product, read: dict[str, Any]) -> Iterator[str]:
    """Read a product into `read`, and yield where it differs from those read before."""
    path, kind = findings.folder / product.path, product.kind
    if kind == "model":
        yield from _weights(path, read)
        return
    read[kind] = READERS[kind](path)
    if kind in ("spectra", "catalog") and "labels" in read:
        yield from agreement.labels_and_stars(read[kind], read["labels"])
    elif kind == "table":
        if "catalog" in read:
            yield from agreement.table_and_catalog(read[kind], read["catalog"])
        yield from _model_of_table(path, read)
    elif kind == "evaluation" and "table" in read:
        yield from agreement.evaluation_and_table(read[kind], read["table"])


def _weights(path: Path, read: dict[str, Any]) -> Iterator[str]:
    """model.json comes before weights.safetensors, which must be those it names."""
    if path.name == content.DOCUMENT:
        read["weights"] = content.document(path)["weights_sha256"]
    elif path.name == content.WEIGHTS and read.get("weights", sha256 := files.sha256(path)) != sha256:
        yield f"SHA-256 {sha256[:12]}..., but {read['weights'][:12]}... in {content.DOCUMENT}; train anew"


def _model_of_table(path: Path, read: dict[str, Any]) -> Iterator[str]:
    import pyarrow.parquet as pq

    given = (pq.read_schema(path).metadata or {}).get(b"halochem.model_weights_sha256", b"").decode()
    if read.get("weights", given) != given:
        yield f"made by the model {given[:12]}..., but that of its seed is {read['weights'][:12]}...; encode anew"
