"""Data: the codebook, articles on their way to sentences, and labelled sentences. Imports nothing of the other rooms."""
