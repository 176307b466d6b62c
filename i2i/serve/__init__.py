"""A trained model as a web page."""
