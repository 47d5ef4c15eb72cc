"""The hash that tells products of one configuration from those of another."""

from __future__ import annotations

from halochem import __version__, config, provenance


def variant(**values) -> config.Config:
    return config.validate(values, "test")


def test_hash_is_of_the_sections_named_and_no_others():
    published, jittered = variant(), variant(observe={"jitter": 0.05})
    assert provenance.config_hash(published, "sample", "spectrum") == provenance.config_hash(
        jittered, "sample", "spectrum"
    )
    assert provenance.config_hash(published, "observe") != provenance.config_hash(jittered, "observe")
    assert provenance.config_hash(published) != provenance.config_hash(jittered)


def test_hash_is_the_same_however_a_value_is_written():
    assert provenance.config_hash(variant(sample={"teff": [4000, 5000]}), "sample") == provenance.config_hash(
        variant(sample={"teff": [4000.0, 5e3]}), "sample"
    )


def test_attributes_are_texts():
    found = provenance.attributes(variant(), 7, "sample")
    assert found == {
        "halochem_version": __version__,
        "seed": "7",
        "config_hash": provenance.config_hash(variant(), "sample"),
    }
    assert len(found["config_hash"]) == 16
