"""The process that polls the controllers of generating sets, and who follows what it finds.

alarms   what stands is stored, and told to people
"""
