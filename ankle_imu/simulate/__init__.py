"""A simulated walker with sensors on: recordings with exactly known truth.

Shares no code with the estimator beyond quaternion algebra and the signs of `frames`.
"""

from ankle_imu.simulate.daily import DayPlan, DayTruth, day, live
from ankle_imu.simulate.named_plans import PLANS, named_plan, plan_from_toml, recovery_plans
from ankle_imu.simulate.plan import Plan
from ankle_imu.simulate.truth import Truth
from ankle_imu.simulate.walker import walk

__all__ = [
    "PLANS",
    "DayPlan",
    "DayTruth",
    "Plan",
    "Truth",
    "day",
    "live",
    "named_plan",
    "plan_from_toml",
    "recovery_plans",
    "walk",
]
