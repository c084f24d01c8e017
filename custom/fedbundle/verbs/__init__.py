"""The verbs of the command line, a file per role; work is imported only when a verb runs."""
