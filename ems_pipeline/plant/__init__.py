"""The virtual plant: a site's physics behind the real protocols; demo, test bench and back-test in one."""
