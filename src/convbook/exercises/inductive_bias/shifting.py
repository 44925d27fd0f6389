"""Training procedure, calibration, and a shift between training and test."""
