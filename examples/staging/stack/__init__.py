"""The stand-in staging system: auth, backend and frontend, one process each."""
