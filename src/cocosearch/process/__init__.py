"""What the processes of a host share: their rights, their readiness."""
