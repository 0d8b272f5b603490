"""SunSpec: Modbus whose registers are found by asking the device.

discovery.py  where its models are    driver.py     any SunSpec device
"""
