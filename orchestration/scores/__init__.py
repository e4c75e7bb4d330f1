"""What people are likely to do and be worth: each score beside what a plain rule says, measured later in time."""
