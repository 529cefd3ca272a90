"""`python -m ankle_imu.cli`."""

from ankle_imu.cli.entry import main

if __name__ == "__main__":
    main()
