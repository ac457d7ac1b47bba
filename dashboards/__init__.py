"""The cockpit as code. Filled by the cockpit issue."""
