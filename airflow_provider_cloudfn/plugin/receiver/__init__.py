"""The receiver of events: ``POST /cloudfn/events/<source>`` of the API server."""
