{{ current_batches('mailer', ['subscribers', 'campaigns', 'activity']) }}
