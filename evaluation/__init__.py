"""How well numbers are read, measured on pictures whose numbers are known: values flow from sets to outcomes to metrics
to reports.
"""
