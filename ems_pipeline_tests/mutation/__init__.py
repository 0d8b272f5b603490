"""Do the tests notice? Breaks a module of `ems_pipeline` in one place at a time and runs the module's own tests.

`mutations` says what a break is, `judge` runs the tests against each, `__main__` is the command.
"""
