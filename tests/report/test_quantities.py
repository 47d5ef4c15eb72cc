"""What the explorer offers to draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from halochem.report import quantities


@pytest.fixture(scope="module")
def table(tiny_run) -> pd.DataFrame:
    return pd.read_parquet(tiny_run.table)


def test_every_known_column_is_there_with_its_unit_and_words(tiny_run, table):
    found = {q.name: q for q in quantities.read(tiny_run.table, table)}
    known = {name for name in table.columns if name != "star_id" and table[name].notna().any()}
    assert known <= set(found)
    assert found["teff"].unit == "K"
    assert found["z_m"].description.startswith("latent of [Fe/H]")
    assert found["feh_true"].title == "[Fe/H], true"
    assert found["flag_cemp"].categories == ("no", "yes")
    np.testing.assert_array_equal(found["flag_cemp"].values, table["flag_cemp"])
    assert found["split"].categories == ("test", "train")
    groups = [q.group for q in quantities.read(tiny_run.table, table)]
    assert groups == sorted(groups, key=list(quantities.GROUPS).index)
    assert groups[0] == "Latents"


def test_a_column_that_is_new_is_shown_and_one_that_is_empty_is_not(table, tmp_path):
    frame = table.assign(p_cemp=0.25, nothing=np.nan, kind=["a", None] * (len(table) // 2))
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    place = schema.get_field_index("p_cemp")
    words = {"unit": "", "description": "probability of the class"}
    schema = schema.set(place, schema.field(place).with_metadata(words))
    pq.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False), tmp_path / "t.parquet")
    found = {q.name: q for q in quantities.read(tmp_path / "t.parquet", frame)}
    assert found["p_cemp"].group == "More"
    assert found["p_cemp"].description == "probability of the class"
    assert "nothing" not in found
    assert found["kind"].categories == ("a",)
    assert found["kind"].values[:2].tolist() == [0, quantities.MISSING]


def test_classes_and_outcomes_follow_the_truth(tiny_run, table):
    frame = table.iloc[:4].copy()
    frame["feh_true"] = [-2.0, -2.0, -0.5, np.nan]
    frame["c_fe_true"] = [1.5, 0.0, 1.5, 1.5]
    frame["alpha_fe_true"] = [-0.1, 0.3, 0.3, 0.3]
    frame["z_m"] = 0.0
    frame["flag_cemp"] = [False, True, False, True]
    found = {q.name: q for q in quantities.read(tiny_run.table, frame)}

    def words(name):
        return [dict(enumerate(found[name].categories)).get(code) for code in found[name].values]

    assert words("class_true") == ["both", "neither", "neither", None]
    assert words("outcome_cemp") == ["missed", "false alarm", "rightly not flagged", None]
    np.testing.assert_allclose(found["delta_feh"].values[:3], (frame["feh"] - frame["feh_true"])[:3])
    np.testing.assert_allclose(found["relative_l2_clean"].values ** 2, frame["rel_l2_error_clean"])
