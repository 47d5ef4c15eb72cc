# Snakemake runs this in the new environment, from the repository's root: the stages' own code.
python -m pip install --no-deps --no-build-isolation --editable .
