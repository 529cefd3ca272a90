"""Sensors over the radio: what each family needs to be found, told what to do, and listened to."""
