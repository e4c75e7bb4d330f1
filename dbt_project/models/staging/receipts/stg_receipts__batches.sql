{{ current_batches('receipts', ['receipt_lines', 'payments', 'members', 'redemptions', 'stores', 'products']) }}
