"""Training: from labelled sentences to a measured, tracked model. Imports `data` and `models`, never `serve`."""
