"""The recorder that nobody attends to: it waits for the sensors, records while they move, and mends itself."""

from __future__ import annotations

from ankle_imu.service.keeper import Keeper, Setup
from ankle_imu.service.states import Action, Event, Situation, State, step
from ankle_imu.service.unit import UnitPlan, unit_text

__all__ = ["Action", "Event", "Keeper", "Setup", "Situation", "State", "UnitPlan", "step", "unit_text"]
