"""The database: persons, person repertory, customers, deliberations, replay."""
