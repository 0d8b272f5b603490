"""Pictures and pages for people: small charts for the Dagster UI, the self-contained report of a demo or a replay."""
