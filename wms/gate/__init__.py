"""The gate (卡口): visits and passages, the release decision, barrier commands as rows."""
