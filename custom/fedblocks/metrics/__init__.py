"""Metrics; those over a set of cases keep one row per case and tell their value over any subset of rows."""

from fedblocks.metrics.one_class import class_of as class_of
