"""What tells an operator how the appliance is: settings, health, doctor."""
