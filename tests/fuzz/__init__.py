"""What nobody should write or store: damaged at random, and never met with anything but a sentence."""
