"""Serve: from articles to labelled sentences. Imports `data` and `models`, never `training`."""
