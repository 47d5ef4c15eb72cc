"""Limits on files that someone else made, at the limits themselves."""

from __future__ import annotations

import ast
import bz2
import gzip
import io
import lzma
import tarfile

import h5py
import numpy as np
import pytest
import yaml

from halochem import config, files, responses, untrusted
from halochem.errors import UserError
from halochem.ingest import spectrum_file
from halochem.synthesize import sources

HASH = "0" * 64


def refused(function, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_size_before_reading(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(10**12)  # takes no room
    assert "more than the 1000 that" in refused(untrusted.read_bytes, path, 1000)
    assert "bytes, more than" in refused(untrusted.read_yaml, path)


def test_what_is_no_plain_file(tmp_path):
    assert "not a plain file" in refused(untrusted.check_size, tmp_path, 10)


@pytest.mark.parametrize("size", [1000, 1001])
def test_gzip_that_bursts(tmp_path, size):
    path = tmp_path / "lines.gz"
    path.write_bytes(gzip.compress(b"x" * size))
    if size == 1000:
        assert untrusted.read_bytes(path, 1000) == b"x" * 1000
    else:
        assert "unpacks to more than the 1000 bytes" in refused(untrusted.read_bytes, path, 1000)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_spectrum_that_bursts(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(spectrum_file, "SIZE_LIMIT", 2 * untrusted.MB)
    path = tmp_path / "star.fits"
    path.write_bytes(pack(bytes(3 * untrusted.MB)))
    with pytest.raises(spectrum_file.Unusable, match="unpacks to more than"):
        spectrum_file.read(path)


def test_responses_that_burst(tmp_path, monkeypatch):
    monkeypatch.setattr(responses, "SIZE_LIMIT", untrusted.MB)
    np.savez_compressed(tmp_path / "r.npz", basis=np.zeros(10**6))
    assert "unpacks to" in refused(responses.load, tmp_path / "r.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 100])
def test_responses_that_are_none(tmp_path, content):
    (tmp_path / "r.npz").write_bytes(content)
    assert "not a file of responses" in refused(responses.load, tmp_path / "r.npz")


def test_no_pickle_among_the_responses(tmp_path):
    np.savez(tmp_path / "r.npz", teff=np.array([{}], object))
    assert "allow_pickle=False" in refused(responses.load, tmp_path / "r.npz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x", "aliases (*name) are not taken"),
        ("a: 1\na: 2", "the key 'a' is there twice"),
        ("[" * 21 + "]" * 21, "nested more than 20 deep"),
        ("!!python/object/apply:os.getpid []", "could not determine a constructor"),
    ],
)
def test_yaml_of_plain_values_only(tmp_path, text, said):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert said in refused(untrusted.read_yaml, path)


def test_yaml_is_what_pyyaml_reads(root):
    for name in ("config.yaml", "quickstart.yaml", "regions.yaml"):
        path = root / "config" / name
        assert untrusted.read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("synthesis", "ispec_atmospheres"),
        ("synthesis", "ispec_line_list"),
        ("synthesis", "ispec_abundances"),
    ],
)
@pytest.mark.parametrize("name", ["../x", "/x", "..", "a/b", "a b", "$(id)", ""])
def test_name_stays_in_its_folder(section, key, name):
    assert f"{section}.{key}" in refused(config.validate, {section: {key: name}}, "c.yaml")


def test_message_of_a_large_value_is_short():
    assert len(refused(config.validate, {"seeds": "x" * 10**6}, "c.yaml")) < 300


# --- HDF5 -----------------------------------------------------------------------------------------------


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, arguments in arrays.items():
            file.create_dataset(name, **arguments)
    return path


def test_data_that_is_not_there(tmp_path):
    path = hdf5(tmp_path / "c.h5", flux={"shape": (10**9, 10**6), "dtype": "f4", "chunks": (1, 1000)})
    assert "claims 4000000000000000 bytes, but holds 0" in refused(files.open_hdf5, path, "observe")


def test_zeros_pack_as_far_as_gzip_goes(tmp_path):
    """What compresses best is not taken for a bomb."""
    zeros = {"data": np.zeros((2000, 4150), np.float32), "compression": "gzip", "compression_opts": 9, "shuffle": True}
    path = hdf5(tmp_path / "c.h5", flux={**zeros, "chunks": (16, 4150)})
    files.open_hdf5(path, "observe").close()


def test_large_block(tmp_path):
    shape = (2**13, 2**14)
    path = hdf5(tmp_path / "c.h5", flux={"shape": shape, "dtype": "f4", "chunks": shape, "compression": "gzip"})
    assert "blocks of more than 256 MB" in refused(files.open_hdf5, path, "observe")


def test_foreign_filter(tmp_path):
    path = hdf5(tmp_path / "c.h5", flux={"data": np.zeros((9, 9), np.int32), "chunks": (9, 9), "scaleoffset": 4})
    assert "packed by the filter 6; expected gzip" in refused(files.open_hdf5, path, "observe")


def test_groups_without_end(tmp_path):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["again"] = file["/"]
    assert "groups more than" in refused(files.open_hdf5, tmp_path / "c.h5", "observe")


def test_many_objects(tmp_path):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        for number in range(untrusted.HDF5_OBJECTS + 1):
            file.create_group(str(number))
    assert "more than 1000 objects" in refused(files.open_hdf5, tmp_path / "c.h5", "observe")


# --- pinned sources -------------------------------------------------------------------------------------

ENTRY = {"package": "demo", "version": "1.0", "file": "demo-1.0.tar.gz", "sha256": HASH}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file", "../demo.tar.gz"),
        ("file", "/tmp/demo.tar.gz"),
        ("package", "demo --no-deps"),
        ("package", "-r"),
        ("version", "1.0 --no-require-hashes"),
        ("sha256", "0" * 63),
        ("sha256", None),
    ],
)
def test_manifest_that_would_tell_pip_something_else(tmp_path, key, value):
    path = tmp_path / "manifest.yaml"
    path.write_text(yaml.safe_dump({"demo": ENTRY}))
    assert sources.load_manifest(path) == {"demo": ENTRY}
    path.write_text(yaml.safe_dump({"demo": {**ENTRY, key: value}}))
    assert f"{key}: not that of a pinned source" in refused(sources.load_manifest, path)


def test_archive_that_leads_out_of_itself(tmp_path):
    with tarfile.open(tmp_path / "demo.tar.gz", "w:gz") as tar:
        for name in ("demo/src/a", "demo/src/../../../b"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    assert "leads out" in refused(sources.extract_folder, tmp_path / "demo.tar.gz", "src", tmp_path / "out" / "deep")
    assert not (tmp_path / "b").exists()


# --- the sources themselves -----------------------------------------------------------------------------

# Calls that run or build what a file says.
FORBIDDEN = {"os.system", "os.popen", "eval", "exec", "pickle.load", "pickle.loads", "torch.load", "pd.read_pickle"}
FORBIDDEN |= {
    "yaml.unsafe_load",
    "yaml.full_load",
    "joblib.load",
    "marshal.loads",
    "tar.extractall",
    "wheel.extractall",
}


def calls(path):
    """Name, keywords and number of each call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
            yield ast.unparse(node.func), keywords, f"{path}:{node.lineno}"


def test_no_call_runs_what_a_file_says(root):
    for path in (root / "src").rglob("*.py"):
        for name, keywords, where in calls(path):
            assert name not in FORBIDDEN, where
            assert keywords.get("shell", "False") == "False", f"{where}: a shell"
            assert name != "np.load" or keywords.get("allow_pickle") == "False", f"{where}: pickles in an .npz"
            if name in ("yaml.load", "yaml.parse"):
                assert path.name == "untrusted.py", f"{where}: YAML is read by untrusted.read_yaml"
            if name == "h5py.File" and "libver" not in keywords:  # which is for writing
                assert path.name == "files.py", f"{where}: HDF5 is read by files.open_hdf5"
