"""The HTTP API of ems-pipeline in typed objects.

`models.py` is made from the API's schema by `make client`; `client.py`, which asks for them, is written by hand. They
need pydantic and requests and nothing of ems-pipeline: copy the folder.
"""

from ems_client.client import Client, Refused

__all__ = ["Client", "Refused"]
