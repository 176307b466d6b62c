"""Names and interfaces: what a component, a strategy, a registry and a data source are."""
