"""A closed loop: accounts, marks, liquidations, an insurance fund, ADL by a policy, and what it changes."""
