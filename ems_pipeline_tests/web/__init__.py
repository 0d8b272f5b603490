"""The pages: asked without a browser, and opened in one."""
