"""The typed configuration: the only place that knows the keys.

The defaults here are the published run (Signor et al. 2025, A&A 704, A279). From these models are generated
config/config.yaml, config/config.schema.json and docs/configuration.md (config_pages.py, `make config`); a test fails
when they drift.
"""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from halochem.errors import UserError
from halochem.untrusted import one_line, read_yaml, short

# More than any spectrograph has; a step of 1e-300 would ask for more than any machine.
MOST_PIXELS = 200_000


def _usable_path(value: Path) -> Path:
    """A path that a file system and Snakemake take as it stands."""
    text = str(value)
    if len(text) > 1000 or any(len(part) > 255 for part in value.parts):
        raise ValueError("the path is longer than a file system takes")
    # Braces are Snakemake's wildcards.
    if not text.isprintable() or set("{}") & set(text):
        raise ValueError("a path may not hold braces or characters that do not print")
    return value


UserPath = Annotated[Path, AfterValidator(_usable_path)]
# Of something in a folder: never a way out of it.
PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,99}$")]
Interval = tuple[float, float]
Fraction = Annotated[float, Field(gt=0, lt=1)]

# Teff of the coolest and the hottest atmosphere, c3k and MARCS alike [K]: no engine can compute a star outside.
ATMOSPHERE_TEFF: Interval = (2500.0, 8000.0)


class Section(BaseModel):
    """A section of the configuration: unknown keys are refused, values are never changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Snr(Section):
    """Signal-to-noise ratio per pixel, drawn per star from a normal distribution."""

    mean: float = Field(50.0, gt=0, description="mean of the distribution")
    sigma: float = Field(10.0, ge=0, description="standard deviation of the distribution")
    minimum: float = Field(5.0, gt=0, description="the distribution is truncated below this value")


class Sample(Section):
    """Which stars: labels drawn from the halo's abundance density r = p q / Z."""

    n_stars: int = Field(40_000, ge=1, le=10**9, description="stars in a catalog")
    teff: Interval = Field((3000.0, 7000.0), description="range of effective temperature, uniform [K]")
    logg: Interval = Field((2.5, 6.0), description="range of surface gravity, uniform [dex, cgs]")
    snr: Snr = Snr()
    p_table: UserPath | None = Field(
        None,
        description="observed stars that replace the built-in p([Fe/H], [C/Fe]): CSV, FITS or Parquet "
        "with columns feh and c_fe [dex]",
    )
    q_table: UserPath | None = Field(
        None,
        description="observed stars that replace the built-in q([Fe/H], [alpha/Fe]): CSV, FITS or Parquet "
        "with columns feh and alpha_fe [dex]",
    )
    bandwidth: float | None = Field(
        None,
        gt=0,
        description="KDE bandwidth of those tables, in units of each column's spread (null: Scott)",
    )

    @field_validator("teff", "logg")
    @classmethod
    def _ascending(cls, value: Interval) -> Interval:
        if not value[0] < value[1]:
            raise ValueError(f"the range must ascend, got [{value[0]:g}, {value[1]:g}]")
        return value

    @field_validator("teff")
    @classmethod
    def _has_atmospheres(cls, value: Interval) -> Interval:
        low, high = ATMOSPHERE_TEFF
        if value[0] < low or value[1] > high:
            raise ValueError(f"expected a range within {low:g} to {high:g} K, outside which no atmosphere is known")
        return value


class Spectrum(Section):
    """The pixel grid and the resolution of every spectrum."""

    wavelength: Interval = Field((4000.0, 10400.0), description="first and last wavelength, air [Å]")
    log_step: float = Field(1e-4, gt=0, le=1e-2, description="step in log10 of the wavelength")
    resolution: float = Field(2200.0, gt=0, description="resolving power R = lambda / FWHM, constant")

    @field_validator("wavelength")
    @classmethod
    def _ascending(cls, value: Interval) -> Interval:
        if not 0 < value[0] < value[1]:
            raise ValueError(f"the range must ascend from above 0, got [{value[0]:g}, {value[1]:g}]")
        return value

    @model_validator(mode="after")
    def _pixels_in_reason(self) -> Spectrum:
        first, last = self.wavelength
        if (math.log10(last) - math.log10(first)) / self.log_step > MOST_PIXELS:
            raise ValueError(f"wavelength and log_step make more than {MOST_PIXELS} pixels")
        return self


class Synthesis(Section):
    """How the clean spectra are computed."""

    engine: Literal["turbospectrum", "ispec", "emulator"] = Field(
        "turbospectrum",
        description="turbospectrum: compiled here and driven directly; ispec: the user's own iSpec (docs/ispec.md); "
        "emulator: a network fitted to Turbospectrum's spectra, 40 000 in a minute (docs/emulator.md)",
    )
    atmospheres: Literal["c3k", "marcs"] = Field(
        "c3k",
        description="c3k: the network fitted to C3K/ATLAS12 models; marcs: your own MARCS models (docs/atmospheres.md)",
    )
    marcs_dir: UserPath | None = Field(
        None, description="folder of MARCS .mod files, or of an iSpec grid; needed by atmospheres: marcs"
    )
    line_list: UserPath | None = Field(
        None,
        description="your own lines in place of the prepared ones: a VALD extract, a Turbospectrum list, or a folder "
        "of them (docs/line-lists.md)",
    )
    ispec_dir: UserPath | None = Field(None, description="folder of the user's iSpec (else $ISPEC_DIR)")
    ispec_python: UserPath | None = Field(
        None,
        description="Python that has what iSpec imports, pandas below 3 among it (else $ISPEC_PYTHON, else this one)",
    )
    ispec_atmospheres: PlainName = Field("MARCS.GES", description="engine ispec: grid in iSpec's input/atmospheres")
    ispec_line_list: PlainName = Field(
        "VALD.300_1100nm",
        description="engine ispec: atomic lines in iSpec's input/linelists/transitions (iSpec's GESv6 lists end at "
        "4200 and 9200 Å)",
    )
    ispec_abundances: PlainName = Field(
        "Grevesse.2007",
        description="engine ispec: solar abundances in iSpec's input/abundances, those of MARCS by default",
    )
    emulator_dir: UserPath = Field(Path("resources/emulator"), description="folder of the fitted emulator")
    check_stars: int = Field(
        6, ge=0, description="engine emulator: stars of the first catalog that are also computed directly, as a check"
    )
    build: Literal["native", "reference"] = Field(
        "native",
        description="native: optimised for the build host, with lines, hydrogen and transfer of our own; "
        "reference: the package as it comes",
    )
    step: float = Field(
        0.015,
        gt=0,
        le=0.2,
        description="wavelength step of the synthesis at its blue end; it grows in proportion to wavelength [Å]",
    )
    margin: float = Field(
        80.0, ge=20, description="what is computed beyond each end of the range, so that no wing is cut [Å]"
    )
    chunk_size: int = Field(200, ge=1, description="stars in a job")
    max_jobs: int = Field(
        2000,
        ge=1,
        le=2000,
        description="jobs of a catalog at most: where chunk_size would make more, a job has more stars (docs/scale.md)",
    )
    time_limit: float = Field(900.0, gt=0, description="seconds after which one run of one star is ended")

    @field_validator("marcs_dir", "line_list", "ispec_dir", "ispec_python", mode="after")
    @classmethod
    def _home_expanded(cls, value: Path | None) -> Path | None:
        try:
            return value.expanduser() if value is not None else None
        except RuntimeError:
            raise ValueError("no such user's home folder") from None

    def stars_in_job(self, n_stars: int) -> int:
        """Stars in a job of a catalog of `n_stars`: chunk_size, or more where that would make too many jobs."""
        return max(self.chunk_size, -(-n_stars // self.max_jobs))

    @model_validator(mode="after")
    def _marcs_has_its_folder(self) -> Synthesis:
        if self.atmospheres == "marcs" and self.marcs_dir is None:
            raise ValueError("atmospheres: marcs needs marcs_dir, the folder of your MARCS models")
        return self


class Observe(Section):
    """What an observer would see of the clean spectra."""

    jitter: float = Field(0.02, ge=0, lt=1, description="relative Gaussian error of the Teff, log g handed on")
    compression: int = Field(1, ge=0, le=9, description="gzip level of the catalog's pixel arrays")


class LambdaStep(Section):
    """One step of the adversary's weight."""

    from_epoch: int = Field(ge=0, description="first epoch of the step")
    value: float = Field(ge=0, description="weight lambda of the adversary from then on")


class Element(Section):
    """An element: its latent, the pixels of its decoder (the region of its name), and what its decoder reads."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,29}$", description="name of its decoder, and of its pixels in regions"
    )
    latent: str = Field(pattern=r"^z_[a-z0-9_]{1,29}$", description="name of its latent, and of the latent's column")
    label: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_]{0,29}$",
        description="abundance in a catalog's labels that calibrates the latent, and name of the calibrated column; "
        "null: none, so that the latent stays uncalibrated",
    )
    reads: tuple[str, ...] = Field(
        (), description="names of the other elements whose latents its decoder sees, and may not teach"
    )

    @property
    def short(self) -> str:
        """Its name in the keys of prior_correlation."""
        return (self.label or self.latent.removeprefix("z_")).removesuffix("_fe")


PUBLISHED_ELEMENTS = (
    Element(name="iron", latent="z_m", label="feh", reads=("carbon",)),
    Element(name="carbon", latent="z_c", label="c_fe", reads=("iron",)),
    Element(name="alpha", latent="z_alpha", label="alpha_fe", reads=("iron", "carbon")),
)


class Reproduce(Section):
    """Faults of the paper's public release, for preset paper; none is in the default (docs/model.md, Departures)."""

    softmax_before_cross_entropy: bool = Field(
        False, description="the adversary's second softmax, which confines its loss to 1 nat"
    )
    logg_bins_of_teff: bool = Field(False, description="the adversary's classes bin log g by the edges of Teff")
    seven_bins: bool = Field(False, description="eight edges, and so seven bins, of Teff and of log g")
    shared_pixels_summed: bool = Field(
        False,
        description="regions may overlap (config/regions.released.yaml has the release's 13 shared pixels), and the "
        "decoders of a shared pixel are summed",
    )
    validation_is_test: bool = Field(
        False, description="the test stars watch the training; validation_fraction is not used"
    )
    unfinished_schedule: bool = Field(
        False, description="1Cycle is laid out for 5/4 of the epochs (5000 for 4000) and cut off where they end"
    )
    posterior_sample_in_evaluation: bool = Field(
        False, description="`halochem encode` draws z from the posterior instead of taking its mean"
    )

    @property
    def asked(self) -> list[str]:
        """The switches that are on."""
        return [name for name, value in self if value]


class Fast(Section):
    """Preset fast: what pins each latent to its element, and how long its stages are."""

    responses: UserPath = Field(
        Path("resources/responses.npz"), description="the engine's derivatives, from which the filters are made"
    )
    components: int = Field(96, ge=1, description="principal components of the observed training spectra")
    filters: int = Field(12, ge=1, description="matched filters of an element in a cell of Teff and log g")
    suppression: float = Field(
        1.0, ge=0, description="weight of the other elements' changes against the noise in the filters, in sigma"
    )
    moments: int = Field(4, ge=1, le=6, description="highest order of the latents' moments that the adversary looks at")
    extra_noise: float = Field(
        0.5, ge=0, description="noise added to what the encoder sees in training, in units of sigma"
    )
    latent_scale: Literal["halo", "gaussian"] = Field(
        "halo",
        description="halo: the latents are given the density of sample.p_table, q_table (standardised); gaussian: that "
        "of N(0, Sigma) with prior_correlation",
    )
    atmosphere_share: float = Field(0.1, gt=0, lt=0.5, description="share of the epochs in which w learns")
    manifold_share: float = Field(
        0.3, gt=0, lt=0.5, description="share of the epochs in which the generators learn that refine latents and w"
    )
    reading_share: float = Field(
        0.1, gt=0, lt=0.5, description="share of the epochs in which Teff and log g are read from refined numbers"
    )
    quantiles_share: float = Field(
        0.15, gt=0, lt=0.5, description="share of the epochs in which the latents' distributions at each w are learnt"
    )
    straightening_share: float = Field(
        0.05, gt=0, lt=0.5, description="share of the epochs in which carbon's latent is made blind to other elements"
    )
    spectra_share: float = Field(0.13, gt=0, lt=0.5, description="share of the epochs in which the decoders learn")
    hidden_rate: float = Field(
        0.02,
        ge=0,
        description="peak of the 1Cycle schedule for the hidden layers of generators, straightening and decoders, "
        "which Muon moves (0: Adam, with train.max_learning_rate)",
    )
    spectra_batch: int = Field(
        256, ge=2, description="stars in a batch of generators, reading, straightening and decoders"
    )
    quantiles_batch: int = Field(64, ge=2, description="stars in a batch of quantiles, which gain by many steps")


class Train(Section):
    """The disentangled variational autoencoder and its training."""

    preset: Literal["paper", "fast"] = Field(
        "paper",
        description="paper: architecture and schedule as published; fast: principal components, matched filters of the "
        "elements and an adversary in closed form, minutes on two cores (docs/model.md)",
    )
    encoder: Literal["conv", "mlp"] = Field(
        "conv", description="conv: as published (spender's layout, 3.34 M parameters in all); mlp: light"
    )
    train_fraction: Fraction = Field(0.7, description="share of the stars used for training")
    epochs: int = Field(4000, ge=1, description="passes over the training stars")
    batch_size: int = Field(512, ge=2, description="stars in a batch")
    max_learning_rate: float = Field(1e-3, gt=0, description="peak of the 1Cycle schedule")
    beta: float = Field(1e-3, ge=0, description="weight of the KL divergence")
    adversary_weight: tuple[LambdaStep, ...] = Field(
        (
            LambdaStep(from_epoch=0, value=0.0),
            LambdaStep(from_epoch=200, value=1e-2),
            LambdaStep(from_epoch=2000, value=1e-1),
        ),
        description="stepwise weight lambda of the adversary",
    )
    prior_correlation: dict[str, float] = Field(
        {"feh_alpha": -0.3, "feh_c": -0.17, "c_alpha": 0.0},
        description="correlations of the latent prior N(0, Sigma), one for each two elements",
    )
    selective_gradient_flow: bool = Field(
        True, description="each decoder's loss reaches its own latent only (false: the paper's Appendix C)"
    )
    adversary_bins: Literal["uniform", "quantile"] = Field(
        "uniform",
        description="the adversary's 8 x 8 classes: bins of equal width, as published, or of equal content",
    )
    instance_norm: bool = Field(
        True,
        description="InstanceNorm in the conv encoder, as published; it divides out line strength (false: no "
        "normalisation between layers)",
    )
    elements: tuple[Element, ...] = Field(
        PUBLISHED_ELEMENTS,
        min_length=1,
        max_length=20,
        description="what has a latent and a decoder of its own, in the order of the latents "
        "(docs/how-to/fourth-element.md)",
    )
    regions: UserPath = Field(Path("config/regions.yaml"), description="decoder regions, one entry an element")
    average_decay: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="preset paper: the model is the exponential average of the weights over the steps, with this decay "
        "a step, e.g. 0.999; 0: the last weights",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU when there is one")
    mixed_precision: Literal["auto", "on", "off"] = Field(
        "auto", description="preset paper: the conv encoder in bfloat16; auto: on a GPU that has it"
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto", description="preset paper: the model by torch.compile; auto: on a GPU where Triton is installed"
    )
    tensorboard: bool = Field(
        False, description="also write the history as TensorBoard event files, to tensorboard/ in the model's folder"
    )
    validation_fraction: float = Field(
        0.05, ge=0, le=0.5, description="share of the training stars kept from the optimiser to watch it by"
    )
    validate_every: int = Field(10, ge=1, description="epochs between evaluations on those stars")
    checkpoint_every: int = Field(50, ge=1, description="epochs between checkpoints")
    fast: Fast = Fast()
    reproduce: Reproduce = Reproduce()

    @model_validator(mode="before")
    @classmethod
    def _earlier_names(cls, values: Any) -> Any:
        """A switch that once stood outside `reproduce`, as it does in older models."""
        old = "reproduce_softmax_before_cross_entropy"
        if not isinstance(values, dict) or old not in values:
            return values
        values = dict(values)
        switches = {"softmax_before_cross_entropy": values.pop(old)}
        return values | {"reproduce": switches | dict(values.get("reproduce") or {})}

    @model_validator(mode="after")
    def _room_for_the_stages(self) -> Train:
        if self.preset != "fast":
            return self
        if self.epochs < 8:
            raise ValueError(f"preset: fast has eight stages and needs 8 epochs or more, got {self.epochs}")
        names = [name for name in Fast.model_fields if name.endswith("_share")]
        left = 1 - sum(getattr(self.fast, name) for name in names)
        if left < 0.1 - 1e-9:
            raise ValueError(
                f"fast.{', '.join(names)} leave {left:.2f} of the epochs for the abundances; lower them until 0.1 or "
                "more is left"
            )
        return self

    @field_validator("adversary_weight")
    @classmethod
    def _steps_ascend(cls, steps: tuple[LambdaStep, ...]) -> tuple[LambdaStep, ...]:
        starts = [step.from_epoch for step in steps]
        if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
            raise ValueError("steps must begin at from_epoch 0 and ascend")
        return steps

    @field_validator("elements")
    @classmethod
    def _elements_are_distinct(cls, elements: tuple[Element, ...]) -> tuple[Element, ...]:
        names = [element.name for element in elements]
        for what in ("name", "latent", "label"):
            given = [value for element in elements if (value := getattr(element, what)) is not None]
            twice = [value for value in given if given.count(value) > 1]
            if twice:
                raise ValueError(f"{what} {twice[0]} is there twice; each element needs its own")
        for element in elements:
            for other in element.reads:
                if other not in names or other == element.name:
                    raise ValueError(
                        f"{element.name} reads {other}; expected names of other elements: {', '.join(names)}"
                    )
        return elements

    @model_validator(mode="after")
    def _all_correlations(self) -> Train:
        pairs = {f"{one.short}_{other.short}" for one, other in combinations(self.elements, 2)}
        # A configuration that lays fewer elements over the default keeps the default's other pairs.
        spare = {f"{one.short}_{other.short}" for one, other in combinations(PUBLISHED_ELEMENTS, 2)}
        missing, odd = sorted(pairs - set(self.prior_correlation)), sorted(set(self.prior_correlation) - pairs - spare)
        if missing:
            raise ValueError(f"prior_correlation: {missing[0]} is missing; expected {', '.join(sorted(pairs))}")
        if odd:
            raise ValueError(
                f"prior_correlation: {odd[0]} is no two of the elements; expected {', '.join(sorted(pairs))}"
            )
        if any(abs(r) >= 1 for r in self.prior_correlation.values()):
            raise ValueError("prior_correlation: expected numbers between -1 and 1")
        return self

    @model_validator(mode="after")
    def _what_fast_knows(self) -> Train:
        if self.preset != "fast":
            return self
        if self.elements != PUBLISHED_ELEMENTS:
            raise ValueError(
                "preset: fast knows how a spectrum answers to iron, carbon and alpha alone (train.fast.responses); "
                "set train.preset: paper for other train.elements"
            )
        foreign = [f"reproduce.{name}" for name in self.reproduce.asked] + ["average_decay"] * (self.average_decay > 0)
        if foreign:
            raise ValueError(f"preset: fast has no {foreign[0]}; set train.preset: paper, or leave it out")
        return self


class Encode(Section):
    """From latents to flags."""

    thresholds: Literal["paper", "calibrated"] = Field(
        "paper",
        description="which flags flag_cemp and flag_alpha_pmp repeat; both sets are in the table. paper: the published "
        "cuts flag_*_sigma; calibrated: the probability of belonging to the class, cut for flag_precision",
    )
    flag_feh_sigma: float = Field(0.4, ge=0, description="paper: metal-poor is z_m below minus this many sigma")
    flag_alpha_sigma: float = Field(1.5, ge=0, description="paper: alpha-poor is z_alpha below minus this many sigma")
    flag_c_sigma: float = Field(0.1, ge=0, description="paper: carbon-enhanced is z_c above this many sigma")
    flag_precision: Fraction = Field(
        0.8, description="calibrated: share of the flagged stars that shall belong to the class"
    )
    calibration: Literal["linear", "monotone"] = Field(
        "linear",
        description="from a latent to its abundance: linear, as published, or monotone, a smooth curve that never "
        "turns back (from 8 labelled stars on)",
    )
    width: Literal["noise", "posterior"] = Field(
        "noise",
        description="a star's own part of the abundances' sigma: noise, that of its pixels carried through the "
        "encoder; posterior, the width that the encoder states (cheaper; too narrow with train.preset: fast)",
    )
    n_labelled: int = Field(100, ge=2, description="training stars whose abundances fix sign and scale of each latent")
    false_alarm: Fraction = Field(0.01, description="share of normal stars that flag_anomalous may catch")


class Evaluate(Section):
    """Experiments of the paper's appendices, which train again. Off by default: they cost more than the run."""

    gradient_flow: bool = Field(
        False, description="also train each catalog's model without selective gradient flow (Table C.1, Fig. C.1)"
    )
    training_sizes: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (), description="also train on so many stars of each catalog (Fig. F.1), e.g. [250, 1000, 4000, 16000]"
    )
    training_snr: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (20.0, 100.0), description="at these mean S/N each, with a spread of a fifth"
    )
    training_steps: Annotated[int, Field(ge=1)] | None = Field(
        None, description="steps of the optimiser in each (null: as many as train.epochs are for all training stars)"
    )


class Config(Section):
    """The whole configuration."""

    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(
        (1, 2, 3, 4, 5), min_length=1, description="one catalog each"
    )
    sample: Sample = Sample()
    spectrum: Spectrum = Spectrum()
    synthesis: Synthesis = Synthesis()
    observe: Observe = Observe()
    train: Train = Train()
    encode: Encode = Encode()
    evaluate: Evaluate = Evaluate()

    @model_validator(mode="after")
    def _no_seed_twice(self) -> Config:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds: each seed once")
        return self

    def dump(self) -> dict[str, Any]:
        """The configuration as plain JSON-ready values."""
        return self.model_dump(mode="json")


def _location(error: dict[str, Any]) -> str:
    return one_line(".".join(str(part) for part in error["loc"]) or "the configuration")


def _one_line(error: dict[str, Any], known: dict[str, Any]) -> str:
    key = _location(error)
    if error["type"] == "extra_forbidden":
        section: Any = known
        for part in error["loc"][:-1]:
            section = section.get(part, {}) if isinstance(section, dict) else {}
        keys = ", ".join(section) if isinstance(section, dict) and section else "see docs/configuration.md"
        return f"unknown key {key}; known there: {keys}"
    message = error["msg"].removeprefix("Value error, ")
    # Of a whole section its keys say enough.
    got = "" if isinstance(error["input"], dict) else f", got {short(error['input'])}"
    return f"{key}: {message[0].lower() + message[1:]}{got}"


def validate(values: dict[str, Any], origin: str) -> Config:
    """Values (e.g. from YAML) over the defaults, checked. `origin` names their file in the error's one line."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        faults = [_one_line(fault, Config().dump()) for fault in error.errors()]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UserError(f"{origin}: {faults[0]}{more}") from None


def load(path: Path | str | None) -> Config:
    """The configuration in a YAML file, whose keys override the defaults; None: the defaults alone."""
    if path is None:
        return Config()
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such configuration file; copy config/config.yaml and edit it")
    values = read_yaml(path)
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected keys and values, got a {type(values).__name__}")
    return validate(values, str(path))
