"""What leaves by network: labels to printers, webhooks to partners."""
