"""One module per noun: what is answered at its paths, and nothing of how.

health, services, stats  how the process and what stands behind it are
me, tokens               who asks, and what programs may
"""
