"""A trained model, as a user sees it."""
