"""The recorded training path: recorder hooks, optimizer rules, store, reader."""
