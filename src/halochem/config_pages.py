"""What is generated from the configuration's models: its file of defaults, its schema and its page.

`python -m halochem.config_pages`, from the repository's root, writes config/config.yaml, config/config.schema.json and
docs/configuration.md (`make config`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from halochem.config import Config, Section

MAX_LINE = 120  # of a value in config.yaml


def _yaml_value(value: Any) -> str:
    if isinstance(value, float):
        text = repr(value)
        # YAML 1.1 reads "1e-05" as a string: a mantissa with a dot makes it a number.
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    if isinstance(value, list):
        return "[" + ", ".join(_yaml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml_value(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _yaml_section(model: type[Section], values: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            lines += ["", f"{indent}# {(annotation.__doc__ or '').splitlines()[0]}", f"{indent}{name}:"]
            lines += _yaml_section(annotation, values[name], indent + "  ")
            continue
        lines.append(f"{indent}# {field.description}")
        line = f"{indent}{name}: {_yaml_value(values[name])}"
        if len(line) > MAX_LINE and isinstance(values[name], list):
            line = "\n".join([f"{indent}{name}:", *(f"{indent}  - {_yaml_value(item)}" for item in values[name])])
        lines.append(line)
    return [line for i, line in enumerate(lines) if line or i]


def default_yaml() -> str:
    """config/config.yaml: every key with its default and what it means."""
    head = [
        "# The published run (Signor et al. 2025, A&A 704, A279): five catalogs of 40 000 spectra.",
        "# Generated from src/halochem/config.py by `make config`; every key, with its default.",
        "# A file of your own needs only the keys that differ: snakemake --configfile mine.yaml",
        "",
    ]
    return "\n".join(head + _yaml_section(Config, Config().dump(), "")) + "\n"


def json_schema() -> str:
    """config/config.schema.json, for editors and for Snakemake."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _markdown_rows(model: type[Section], values: dict[str, Any], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            rows += _markdown_rows(annotation, values[name], f"{prefix}{name}.")
            continue
        description = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{prefix}{name}` | `{_yaml_value(values[name])}` | {description} |")
    return rows


def markdown() -> str:
    """docs/configuration.md: the same keys as a page."""
    lines = [
        "# Configuration",
        "",
        "Generated from `src/halochem/config.py` by `make config`. The defaults are the published run. A file of",
        "your own needs only the keys that differ (`snakemake --configfile mine.yaml`); an unknown key is refused.",
    ]
    values = Config().dump()
    top = [name for name, field in Config.model_fields.items() if not hasattr(field.annotation, "model_fields")]
    lines += ["", "## Top level", "", "| key | default | meaning |", "| --- | --- | --- |"]
    for name in top:
        lines.append(f"| `{name}` | `{_yaml_value(values[name])}` | {Config.model_fields[name].description} |")
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            lines += ["", f"## {name}", "", section.__doc__.splitlines()[0], ""]
            lines += ["| key | default | meaning |", "| --- | --- | --- |"]
            lines += _markdown_rows(section, values[name], f"{name}.")
    return "\n".join(lines) + "\n"


def generated(root: Path) -> dict[Path, str]:
    """What `make config` writes: path below `root` -> text."""
    return {
        root / "config" / "config.yaml": default_yaml(),
        root / "config" / "config.schema.json": json_schema(),
        root / "docs" / "configuration.md": markdown(),
    }


if __name__ == "__main__":
    for target, text in generated(Path.cwd()).items():
        target.write_text(text, encoding="utf-8")
        print(target)
