"""Metrics only: arrays in, tables out. Every figure comes with its uncertainty and its ceiling."""
