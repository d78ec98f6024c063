"""Version pages."""
