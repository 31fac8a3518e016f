"""The audit trail: who asked what about whom, on what ground, and what was answered (SECURITY 5).

Records are chained by hash, each writer's by themselves, and sealed by signed marks.
"""
