"""What is said in a routine: how to place the joint, what to do, and what the sensors see of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from ankle_imu.practice.routine import ROCKING, Step

_MOVE: Final[Mapping[str, str]] = {
    "dorsiflexion": "Pull the toes up towards the shin",
    "plantarflexion": "Point the toes away",
    "inversion": "Turn the sole inwards",
    "eversion": "Turn the sole outwards",
}
_HELP: Final[Mapping[str, str]] = {
    "dorsiflexion": "Draw the foot up with a hand or a strap",
    "plantarflexion": "Press the foot down with a hand",
    "inversion": "Turn the sole inwards with a hand",
    "eversion": "Turn the sole outwards with a hand",
}
PHASES: Final[Mapping[str, str]] = {
    "place": "GET READY",
    "go": "MOVE",
    "hold": "HOLD",
    "back": "BACK",
    "rest": "LOOSE",
    "still": "KEEP STILL",
    "swing": "KEEP GOING",
    "done": "DONE",
}
"""Phase of a step -> what a screen says of it."""

_FIRM: Final = "firm, without pain"

PLACE: Final[Mapping[str, str]] = {
    "seated": "Sit, foot flat. Second toe in line with the shin, both ankle bones (malleoli) level, heel down.",
    "standing": "Stand. Second toe in line with the shin, both ankle bones (malleoli) level, heel down.",
    "kneeling": "Kneel, top of the foot down. Second toe straight back from the ankle's centre, both ankle bones "
    "(malleoli) even.",
}
"""How the joint is placed before it is loaded (design 9)."""

_SEES: Final[Mapping[frozenset[str], str]] = {
    frozenset({"foot", "shank"}): "The sensors see a level foot, the heel, and for a minute the line of the toe.",
    frozenset({"foot"}): "The sensor sees a level foot and the heel; toe and shin are for your eyes.",
    frozenset({"shank"}): "The sensor sees only the lower leg: toe, ankle bones and heel are for your eyes.",
}


def sees(segments: Collection[str]) -> str:
    """What the sensors on a leg see of the cues, in one sentence; "" without a sensor."""
    return _SEES.get(frozenset(segments), "")


def title(step: Step) -> str:
    """Name of a step: `Left dorsiflexion, with help`."""
    names = {
        "neutral": "neutral pose",
        "swing": "swings of the lower leg",
        "lunge": "knee past the toes",
        "balance": "standing on one leg",
        ROCKING: "rocking from side to side",
    }
    name = names.get(step.exercise, step.action)
    parts = [f"{step.leg.capitalize()} {name}"]
    if step.exercise == "hold":
        parts.append("held")
    elif step.exercise == "lift-off":
        parts.append("from the support")
    elif step.exercise == "rom" and step.mode == "assisted":
        parts.append("with help")
    if step.position == "kneeling" or (step.exercise == "neutral" and step.position == "standing"):
        parts.append(step.position)
    if step.exercise == "balance":
        parts.append(f"eyes {step.eyes}")
    return ", ".join([*parts, *_load(step)])


def _load(step: Step) -> list[str]:
    parts = []
    if step.load != "none" and not (step.load == "body_weight" and step.body_share == step.body_share):
        kg = "" if step.load_kg != step.load_kg else f" {step.load_kg:g} kg"
        parts.append(step.load.replace("_", " ") + kg)
    if step.body_share == step.body_share:
        parts.append(f"{100.0 * step.body_share:.0f} % of body weight")
    if step.deload_cm == step.deload_cm:
        parts.append(f"blanket {step.deload_cm:g} cm" if step.deload_cm > 0 else "no blanket")
    return parts


def place(step: Step) -> str:
    """What to read while the joint is placed: posture and cues, then what comes."""
    if step.say:
        return step.say
    return f"{PLACE[step.position]} {_coming(step)}"


def _coming(step: Step) -> str:
    times = f"{step.reps} times" if step.reps > 1 else "once"
    if step.exercise == "neutral":
        return "Then do not move."
    if step.exercise == "swing":
        return "Then swing the lower leg from the knee, forward first, the ankle left alone."
    if step.exercise == ROCKING:
        return "Feet apart: shift the weight from one foot to the other, inner edge to outer edge. Not measured."
    if step.exercise == "balance":
        shut = " Close the eyes once you stand." if step.eyes == "closed" else ""
        return f"Something to hold on to in reach. Stand on the {step.leg} leg.{shut}"
    if step.exercise == "lunge":
        return f"Lunge, the knee over the second toe, heel down, {times}."
    if step.exercise == "lift-off":
        if step.action == "dorsiflexion":
            return "Ball of the foot on a book, as far as it goes; then lift it off and keep the angle."
        return f"{_HELP[step.action]} as far as it goes; then let go and keep the angle."
    if _sits_back(step):
        return f"Sit back on the heels until it is {_FIRM}, {times}."
    if step.mode == "assisted":
        return f"{_HELP[step.action]} until it is {_FIRM}, {times}."
    return f"{_MOVE[step.action]}, {times}, shank still."


def lifting(step: Step) -> tuple[str, str, str]:
    """What is said in a lift-off: go onto the support, stay on it, leave it. Dorsiflexion has a book for one."""
    if step.action == "dorsiflexion":
        return "As far as it goes on the book, and stay.", "Stay on the book.", "Lift off, and keep it up."
    return "With the hand as far as it goes, and stay.", "Stay, held by the hand.", "Let go, and keep it there."


def _sits_back(step: Step) -> bool:
    """Whether the body's own weight helps: on the knees, into plantarflexion."""
    return (step.position, step.action, step.mode) == ("kneeling", "plantarflexion", "assisted")


def go(step: Step) -> str:
    """The word that starts a movement."""
    if step.exercise == "lunge":
        return "Knee forward"
    if step.exercise == "rom" and step.mode == "assisted":
        return "Sit back" if _sits_back(step) else "Now with help"
    return _MOVE.get(step.action, "Now")


def during(step: Step) -> str:
    """What is said when an exercise without repetitions begins."""
    return {
        "neutral": "Do not move.",
        "swing": "Swing: forward, back, forward, back.",
        ROCKING: "Left, right, left, right.",
        "balance": f"Stand on the {step.leg} leg.",
    }[step.exercise]
