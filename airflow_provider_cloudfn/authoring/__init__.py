"""All that concerns what a Dag author wrote."""
