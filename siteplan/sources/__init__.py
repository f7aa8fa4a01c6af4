"""From a name to files: where the inputs of a study are published, and how each is had."""
