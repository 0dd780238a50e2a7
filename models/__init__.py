"""Models: texts to probabilities, probabilities to labels, and the folder that carries both. Imports only `data`."""
