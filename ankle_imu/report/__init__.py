"""The page after a walk and the picture of many walks."""

from ankle_imu.report.page import write_report
from ankle_imu.report.trend_page import write_trend

__all__ = ["write_report", "write_trend"]
