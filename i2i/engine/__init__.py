"""What trains, and knows no method."""
