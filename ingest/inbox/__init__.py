"""Messages of devices by HTTP and MQTT: durable before they are answered, files in landing soon after.

Belongs here: taking messages. Does not belong here: what they mean, or whether they are right: a spooled
file goes through the same door as any other. The process that listens imports neither polars nor the
layouts: it is told its routes (``ingest.inbox.routes``), so it starts fast and stays small.
"""
