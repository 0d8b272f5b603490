"""The self-contained report of a demo or a replay.

account  the figures of some days        page     the account as one HTML file
summary  the account in a terminal
what_if  an owner's question, answered
study    a backtest as one HTML file     template  what both are written with
"""
