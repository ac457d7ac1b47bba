"""Kitchen video: batch jobs that raise AI alerts. Filled by the video issue."""
