"""How far the data can be trusted, in sentences: losses, timing, calibration, alignment gates, wearing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.report import words
from ankle_imu.report.contents import data_warnings
from ankle_imu.report.grid import Grid

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult

_GATE: Final = {
    "standing_s": "Standing still first",
    "tap_share": "Toe taps about one axis",
    "tap_halves_deg": "Toe taps agree",
    "taps_to_walking_deg": "Toe taps and walking agree",
    "later_stops_deg": "Unmoved at later stops",
}


def loss_sentence(result: SessionResult) -> str:
    """The share of samples that never came, of the best and the worst sensor."""
    sensors = result.quality.get("sensors", {})
    if not sensors:
        return "What the sensors lost is not known."
    shares = {p: x["lost"] / max(1, x["expected"]) for p, x in sensors.items()}
    worst = max(shares, key=lambda p: shares[p])
    if shares[worst] == 0.0:
        return f"Not one sample of {words.listing([words.side(p) for p in sensors])} was lost."
    lost = words.percent(sensors[worst]["lost"], sensors[worst]["expected"])
    if len(sensors) == 1:
        return f"The {words.side(worst)} sensor lost {lost} of its samples."
    return f"Lost samples: at most {lost}, of the {words.side(worst)} sensor."


def wearing_sentence(result: SessionResult) -> str:
    """Whether the sensors seem to be worn where they are said to be; empty where that was not looked at."""
    found = result.quality.get("wearing")
    if found is None or result.session.kind != "walk":
        return ""
    if len(found):
        return f"Worn as named? {len(found)} doubt{'' if len(found) == 1 else 's'}, see above."
    if not len(result.strides):
        return "Worn as named? Without strides that cannot be told."
    return "Worn as named? Nothing in the walk speaks against it."


def calibration_sentence(result: SessionResult) -> str:
    """How old the calibration of each sensor was; empty where the sensors are not known."""
    sensors = result.quality.get("sensors", {})
    ages: dict[str, list[str]] = {}
    for placement, one in sensors.items():
        ages.setdefault(_age(str(one.get("calibration", "")), result.session.started_utc), []).append(placement)
    parts = [f"{age} ({words.listing([words.side(p) for p in some])})" for age, some in ages.items()]
    if not parts:
        return ""
    if list(ages) == ["none saved"]:
        return "Calibration: none is saved for these sensors; rate offsets come from where they lay still."
    return f"Calibration: {'; '.join(parts)}."


def _age(calibration: str, started: str) -> str:
    made = calibration.rpartition(" ")[2]
    if not made:
        return "none saved"
    try:
        then, now = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (made, started))
        days = (now - then).total_seconds() / 86400.0
    except (ValueError, TypeError):
        return f"of {made[:10]}"
    if days < 0.0:
        return f"made {words.plural(max(1, round(-days)), 'day')} after the walk"
    return "made on the day" if days < 1.0 else f"{words.plural(round(days), 'day')} old"


def gates_sentence(result: SessionResult) -> str:
    """How many gates of the alignment were passed, and the words of those that were not."""
    gates = [(p, g) for p, a in result.quality.get("alignment", {}).items() for g in a.get("gates", ())]
    if not gates:
        return ""
    failed = [f"{words.side(p)}: {g['words']}" for p, g in gates if g["verdict"] == "failed"]
    asked = [g for _, g in gates if g["verdict"] != "not done"]
    head = f"Alignment: {len(asked) - len(failed)} of {len(asked)} checks passed"
    undone = len(gates) - len(asked)
    head += f", {undone} could not be made" if undone else ""
    return f"{head}. Not passed: {'; '.join(failed)}." if failed else f"{head}."


def gates_grid(result: SessionResult) -> Grid:
    """Every gate of every sensor's alignment."""
    rows = tuple(
        (
            f"{words.side(p).capitalize()}: {_GATE.get(g['gate'], g['gate']).lower()}",
            g["verdict"],
            words.sentence(str(g["words"])),
        )
        for p, a in result.quality.get("alignment", {}).items()
        for g in a.get("gates", ())
    )
    return Grid(caption="Checks of the alignment", head=("Check", "Verdict", "What was found"), rows=rows)


def warning_sentences(result: SessionResult) -> list[str]:
    """The warnings of the sensors' data as sentences."""
    return [words.sentence(str(warning)) for warning in data_warnings(result)]


def making_grid(imprint: Any) -> Grid:
    """Versions and hashes that name this page."""
    rows = [(f"version of {name}", value) for name, value in imprint.versions.items()]
    rows += [(f"file {name}", _short(digest)) for name, digest in imprint.files.items()]
    rows += [(f"table {name}", _short(digest)) for name, digest in imprint.tables.items()]
    return Grid(
        caption="Versions, and the first 16 digits of SHA-256 of files and tables",
        head=("Item", "Value"),
        rows=tuple(rows),
    )


def _short(digest: str) -> str:
    return digest[:16]
