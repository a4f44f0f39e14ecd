"""The learner's year, free of any wire format: the model, and the academic rules over it."""
