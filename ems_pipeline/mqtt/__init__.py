"""MQTT for everybody: the one package that imports paho.

client   a conversation with a broker: connected or lost, said and heard, within bounds
"""
