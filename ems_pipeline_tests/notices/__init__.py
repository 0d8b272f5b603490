"""People are told, each as wanted, and what they say to the bot is read once."""
