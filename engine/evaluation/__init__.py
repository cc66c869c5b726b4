"""Measurement: splits, metrics, calibration. Plain numpy; knows no network and no store."""
