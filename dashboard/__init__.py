"""The read side: from a published build to the screen."""
