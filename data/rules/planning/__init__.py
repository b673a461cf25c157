"""From the text of a plan to frozen records, with every fault at once and its line."""
