"""Pictures and pages for people: small charts for the Dagster UI, the self-contained report of a demo or a replay.

account  the figures of some days        charts   series as SVG
page     the account as one HTML file    summary  the account in a terminal
"""
