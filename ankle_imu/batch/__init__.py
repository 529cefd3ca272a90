"""Many sessions: each is one independent job, run here, in several processes or on a cluster."""

from __future__ import annotations

from ankle_imu.batch.cluster import run_on_cluster
from ankle_imu.batch.job import Job, analyze_and_save, one_thread, run_job
from ankle_imu.batch.outcome import SessionOutcome, describe
from ankle_imu.batch.practising import analyze_and_save_practice, describe_practice, practice_result
from ankle_imu.batch.processes import auto_jobs, run_here

__all__ = [
    "Job",
    "SessionOutcome",
    "analyze_and_save",
    "analyze_and_save_practice",
    "auto_jobs",
    "describe",
    "describe_practice",
    "one_thread",
    "practice_result",
    "run_here",
    "run_job",
    "run_on_cluster",
]
