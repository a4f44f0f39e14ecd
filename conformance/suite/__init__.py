"""What a run consists of: its plan, its set-up, and one item at a time → evidence → all checks that apply."""
