"""The experiment leave_group_out."""
