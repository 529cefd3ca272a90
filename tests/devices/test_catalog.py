"""The catalog: what it recognises, what it hands out, and that it loads nothing before it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Logging, Sighting

FAMILIES = [name for name in catalog.models() if not name.startswith(catalog.DECLARED_PREFIX)]


@pytest.mark.parametrize("model", FAMILIES)
def test_every_family_has_an_adapter_that_bears_its_name(model: str) -> None:
    assert catalog.adapter(model).model == model
    assert catalog.adapter(model) is not catalog.adapter(model), "two sensors would share one state"


@pytest.mark.parametrize("model", ["witmotion", "movesense", "metawear", "movella_dot"])
def test_sensors_with_flash_can_be_downloaded(model: str) -> None:
    assert isinstance(catalog.adapter(model), Logging)


@pytest.mark.parametrize(
    ("seen", "models"),
    [
        (Sighting(identifier="x", name="WT901BLE67"), ["witmotion"]),
        (Sighting(identifier="x", name="Movesense 214530002602"), ["movesense"]),
        (Sighting(identifier="x", name="Polar Sense 7D29C02A"), ["polar"]),
        (Sighting(identifier="x", name="MetaWear"), ["metawear"]),
        (Sighting(identifier="x", name="Xsens DOT"), ["movella_dot"]),
        (Sighting(identifier="x", service_uuids=("6e400001-b5a3-f393-e0a9-e50e24dcca9e",)), ["csv_lines"]),
        (
            Sighting(identifier="x", name="MetaWear", service_uuids=("6e400001-b5a3-f393-e0a9-e50e24dcca9e",)),
            ["metawear", "csv_lines"],
        ),
        (Sighting(identifier="x", name="Kitchen radio", manufacturer_data={76: b"\x02\x15"}), []),
        (Sighting(identifier="x"), []),
    ],
)
def test_surest_first(seen: Sighting, models: list[str]) -> None:
    assert catalog.match(seen) == models


def test_unknown_model_is_named() -> None:
    with pytest.raises(ValueError, match=r"'fitbit'; known are .*witmotion"):
        catalog.adapter("fitbit")


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, ankle_imu.devices.catalog; print([m for m in ('numpy', 'bleak') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_model_has_its_page_of_notes() -> None:
    root = Path(__file__).parents[2]
    for model in catalog.models():
        assert (root / catalog.notes(model)).is_file(), model
