"""What plugins declare: services, rules, events; and how plugins are found."""
