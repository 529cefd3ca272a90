"""A simulated practice session, seated and standing, with exactly known truth."""

from ankle_imu.simulate.practice.follow import follow
from ankle_imu.simulate.practice.plan import Exercise, PracticePlan, full_routine
from ankle_imu.simulate.practice.session import practise
from ankle_imu.simulate.practice.truth import PracticeTruth

__all__ = ["Exercise", "PracticePlan", "PracticeTruth", "follow", "full_routine", "practise"]
