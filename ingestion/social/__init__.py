"""Social networks: what people say and do in public."""
