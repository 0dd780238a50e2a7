"""The report: what `sikap label` wrote, counted, corrected for what the models get wrong, and shown as one HTML page."""
